// Every page: the theme, the links within the page, and the parts that this page has.
const $ = s => document.querySelector(s), root = document.documentElement;
root.classList.add('js');

const parts = [['#drop', './upload.js'], ['#why', './lighttable.js'], ['#attention', './attention.js'],
  ['#layers', './layers.js'],
  ['#holds', './holds.js'], ['#rows', './many.js']];

// wire brings the page to life: the one that was loaded, and what is put in its place, which 'renewed' tells.
async function wire() {
  $('#theme').onclick = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark'
      : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
  };
  if ($('#scores[data-pending]')) {
    (await import('./pending.js')).watch();
    return;
  }
  jumps([...document.querySelectorAll('.jump a')]);
  for (const [selector, module] of parts) {
    if ($(selector)) import(module);
  }
}

// jumps marks the link to the part that is in view.
function jumps(links) {
  const seen = new IntersectionObserver(entries => {
    for (const e of entries.filter(e => e.isIntersecting)) {
      for (const a of links) {
        if (a.hash === '#' + (e.target.id || 'main')) a.setAttribute('aria-current', 'true');
        else a.removeAttribute('aria-current');
      }
    }
  }, { rootMargin: '-20% 0px -70% 0px' });
  for (const part of document.querySelectorAll('.table-top, main > .section')) seen.observe(part);
}

document.addEventListener('renewed', wire);
wire();
