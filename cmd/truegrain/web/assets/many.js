// The table of many pictures: sorting, filters, search, and addresses that name what is in it.
const $ = s => document.querySelector(s), $$ = s => [...document.querySelectorAll(s)];
const rows = $('#rows'), chips = $$('.chip');
let show = '';

const all = () => [...rows.children];
const value = (row, key) => key === 'name' ? row.dataset.name : key === 'together' ? row.dataset.together
  : row.querySelector(`[data-key="${CSS.escape(key)}"]`)?.dataset.value;

// sort puts rows without a value last, whichever way.
function sort(key, up) {
  const list = all().sort((p, q) => {
    const a = value(p, key), b = value(q, key);
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    const order = Number.isNaN(+a) || Number.isNaN(+b) ? a.localeCompare(b) : a - b;
    return up ? order : -order;
  });
  rows.append(...list);
}

for (const b of $$('.many thead button')) {
  b.addEventListener('click', () => {
    const th = b.closest('th'), up = th.getAttribute('aria-sort') === 'descending';
    for (const x of $$('.many thead th')) x.removeAttribute('aria-sort');
    th.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    sort(b.dataset.key, up);
    $('#sort-live').textContent = `Sorted by ${b.textContent}, ${up ? 'lowest' : 'highest'} first.`;
  });
}
$('#sort-by').addEventListener('change', e => {
  if (e.target.value) sort(e.target.value, e.target.value === 'name');
});

function filter() {
  const text = $('#find').value.toLowerCase();
  for (const r of all()) r.hidden = show !== '' && r.dataset.v !== show ||
    !r.dataset.name.toLowerCase().includes(text);
}
for (const c of chips) {
  c.addEventListener('click', () => {
    show = c.dataset.f;
    for (const x of chips) x.setAttribute('aria-pressed', x === c);
    filter();
  });
}
$('#find').addEventListener('input', filter);

// changed counts anew and puts what is in the table into the page's address and the exports'.
function changed() {
  const list = all(), query = new URLSearchParams();
  for (const c of chips) {
    const of = c.dataset.f;
    c.querySelector('span').textContent = list.filter(r => !of || r.dataset.v === of).length;
  }
  for (const r of list) {
    if (r.dataset.id) query.append('r', r.dataset.id);
    else query.append('f', `${r.dataset.name}: ${r.querySelector('.why').textContent}`);
  }
  const failed = list.filter(r => r.dataset.v === 'fail').length;
  $('#many-say').textContent = `${list.length - failed} scored${failed ? `, ${failed} not read` : ''}`;
  history.replaceState(null, '', list.length ? '?' + query : location.pathname);
  $('#get-csv').href = '/many.csv?' + query;
  $('#get-json').href = '/many.json?' + query;
  dots();
  filter();
}

// dots puts every score on its detector's line.
function dots() {
  for (const svg of $$('.strips svg')) {
    for (const c of svg.querySelectorAll('circle')) c.remove();
    all().forEach((r, i) => {
      const v = value(r, svg.dataset.detector);
      if (v === undefined) return;
      const c = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
      c.setAttribute('cx', 100 * v + '%');
      c.setAttribute('cy', 100 * (0.2 + 0.6 * (i * 0.618034 % 1)) + '%');
      c.setAttribute('r', 4);
      svg.append(c);
    });
  }
}

rows.addEventListener('changed', changed);
changed();
