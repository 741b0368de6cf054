// One picture: choose a map, its opacity, and whether the picture below is grey. Many pictures: filter the
// rows. Everything is on the page already; without script the first map and all rows show.
'use strict';

const all = s => [...document.querySelectorAll(s)];

for (const pick of all('input[name=map]')) {
  pick.addEventListener('change', () => {
    for (const e of all('[data-for]')) e.hidden = e.dataset.for !== pick.value;
  });
}

const opacity = document.querySelector('#opacity');
if (opacity) {
  const show = () => {
    document.documentElement.style.setProperty('--opacity', opacity.value / 100);
    document.querySelector('output[for=opacity]').textContent = opacity.value + ' %';
  };
  opacity.addEventListener('input', show);
  show();
  document.querySelector('#grey').addEventListener('change', e => {
    document.querySelector('#picture').classList.toggle('grey', e.target.checked);
  });
}

for (const chip of all('.chip')) {
  chip.addEventListener('click', () => {
    for (const c of all('.chip')) c.setAttribute('aria-pressed', c === chip);
    for (const r of all('.many tbody tr')) r.hidden = chip.dataset.show !== '' &&
      r.dataset.class !== chip.dataset.show;
  });
}
