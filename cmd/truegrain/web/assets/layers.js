// The layer inspector: the stages of a detector, and the feature maps of one.
import { get, numbers, paint, legend, whenSeen } from './maps.js';
import { views } from './views.js';

const part = document.querySelector('#layers'), $ = s => part.querySelector(s), result = part.dataset.result;
const detector = () => encodeURIComponent(part.querySelector('input[name=net]:checked').value);

const show = views($('.views'), +part.dataset.width, +part.dataset.height, open);
let waiting = new AbortController(), view, chosen;

// open looks into a view, the one in the middle at first; what was asked before and is still computed, stops.
async function open(n) {
  waiting.abort();
  waiting = new AbortController();
  const box = $('#stages'), { signal } = waiting;
  part.setAttribute('aria-busy', true);
  try {
    const html = await get(`/r/${result}/stages/${detector()}${n === undefined ? '' : '?view=' + n}`,
      { signal }).then(r => r.text());
    const frame = document.createElement('template');
    frame.innerHTML = html; // rendered and escaped by the server
    box.replaceChildren(frame.content);
    const list = JSON.parse($('.layers').dataset.views);
    view = list.view;
    show(list);
    $('#net-total').textContent = $('.layers').dataset.total;
    legend($('#fm-ramp'));
    const buttons = [...box.querySelectorAll('button[data-stage]')];
    for (const b of buttons) b.closest('tr').addEventListener('click', () => stage(b, buttons));
    await stage(buttons.find(b => b.dataset.stage === chosen) || buttons[Math.min(1, buttons.length - 1)],
      buttons);
    part.setAttribute('aria-busy', false);
  } catch (e) {
    if (e.name !== 'AbortError') box.replaceChildren(Object.assign(document.createElement('p'),
      { className: 'lazy', textContent: e.message }));
  }
}

// stage shows the strongest channels of one stage, all on one scale.
async function stage(button, all) {
  for (const b of all) {
    b.setAttribute('aria-pressed', b === button);
    b.closest('tr').classList.toggle('on', b === button);
  }
  const d = button.dataset, name = encodeURIComponent(d.stage);
  const map = await numbers(`/r/${result}/features/${detector()}/${name}?view=${view}`);
  chosen = d.stage;
  if (button.getAttribute('aria-pressed') !== 'true') return;
  $('#fm-name').textContent = d.stage;
  $('#fm-shape').textContent = `Output ${d.shape}. The ${d.channels} maps with the strongest answer, strongest first.`;
  $('#fm-note').textContent = d.note;
  $('#fm-max').textContent = '≥ ' + d.max;
  const size = map.w * map.h, canvases = [];
  for (let n = 0; n < map.values.length / size; n++) {
    const c = document.createElement('canvas'), one = { w: map.w, h: map.h,
      values: map.values.subarray(n * size, (n + 1) * size).map(Math.abs) };
    paint(c, one, 'positive', map.max, true);
    c.setAttribute('aria-hidden', 'true');
    canvases.push(c);
  }
  $('.fmaps').replaceChildren(...canvases);
  $('.fmaps').setAttribute('aria-label', `Feature maps of ${d.stage}`);
  part.dataset.ready = `${view}/${d.stage}`;
}

for (const r of part.querySelectorAll('input[name=net]')) r.addEventListener('change', () => open());
whenSeen(part, () => open());
