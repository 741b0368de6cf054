// Every page: the theme, the links within the page, and the parts that this page has.
document.documentElement.classList.add('js');

const theme = document.querySelector('#theme');
theme?.addEventListener('click', () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
});

const links = [...document.querySelectorAll('.jump a')];
if (links.length) {
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

for (const [selector, module] of [['#drop', './upload.js'], ['#why', './lighttable.js'], ['#attention', './attention.js'],
  ['#layers', './layers.js'], ['#holds', './holds.js'], ['#rows', './many.js']]) {
  if (document.querySelector(selector)) import(module);
}
