// The light table: which map, how it lies over the picture, and the value at a point.
import { numbers, paint, legend, place, clamp } from './maps.js';

const why = document.querySelector('#why'), $ = s => why.querySelector(s),
  $$ = s => [...why.querySelectorAll(s)];
const stage = $('.stage'), picks = $$('input[name=map]'), W = +why.dataset.width, H = +why.dataset.height;
const state = { pick: null, ask: 'ai', view: 'overlay', x: 0.5, y: 0.5, map: null };

stage.style.setProperty('--ratio', W / H);
const address = (pick, ask) => {
  const detector = encodeURIComponent(pick.dataset.detector);
  return `/v1/results/${why.dataset.result}/maps/${detector}/${pick.dataset[ask]}`;
};

// choose shows a map; what is slow to come is passed over when another was chosen meanwhile.
async function choose(pick) {
  state.pick = pick;
  const d = pick.dataset, choice = 'choice' in d, url = address(pick, state.ask);
  $('#map-title').textContent = d.title;
  $('#map-text').textContent = d.say;
  $('#ask').disabled = !choice;
  $('#ask-why').textContent = choice ? '' : d.kind === 'positive' ? 'The same for both answers.'
    : 'Shows both answers.';
  $('#map-warn').hidden = !('weak' in d);
  $('#map-scale').textContent = d.note;
  $('#cap-b').textContent = d.title;
  for (const t of ['left', 'middle', 'right']) $('#tick-' + t).textContent = d[t];
  $('#get-png').href = url + '.png';
  $('#get-raw').href = url + '.f32';
  legend($('#ramp'), d.kind);
  $('#map-busy').hidden = false;
  $('#map-busy').textContent = 'Computing the map…';
  try {
    const map = await numbers(url + '.f32');
    if (state.pick !== pick || address(pick, state.ask) !== url) return;
    state.map = map;
    draw();
    $('#map-busy').hidden = true;
    why.dataset.ready = url;
  } catch (e) {
    if (state.pick === pick) $('#map-busy').textContent = e.message;
  }
}

function draw() {
  const d = state.pick.dataset;
  for (const c of $$('.plate > .map')) paint(c, state.map, d.kind, +d.max, state.view === 'swipe');
  point(state.x, state.y, false);
}

// point moves the reading point; its value is spoken only after keys.
function point(x, y, speak) {
  [state.x, state.y] = [clamp(x), clamp(y)];
  for (const c of $$('.cross')) {
    c.style.setProperty('--cx', 100 * state.x + '%');
    c.style.setProperty('--cy', 100 * state.y + '%');
  }
  if (!state.map) return;
  const m = state.map, d = state.pick.dataset;
  const row = Math.min(m.h - 1, Math.floor(state.y * m.h));
  const column = Math.min(m.w - 1, Math.floor(state.x * m.w));
  const v = m.values[row * m.w + column], text = Number.isNaN(v) ? 'not looked at'
    : Number(Math.abs(v).toPrecision(3)) + (d.kind === 'signed' ? (v < 0 ? ' for AI' : ' for a photograph')
      : d.kind === 'probability' ? ' AI' : '');
  why.querySelector('.legend-mark').style.setProperty('--at', 100 * place(v, d.kind, +d.max) + '%');
  $('#reading').textContent = `x ${Math.round(state.x * (W - 1))}  y ${Math.round(state.y * (H - 1))}  ·  ${text}`;
  if (speak) $('#reading-live').textContent = $('#reading').textContent;
}

for (const plate of $$('.plate')) {
  plate.addEventListener('pointermove', e => {
    const b = plate.getBoundingClientRect();
    point((e.clientX - b.left) / b.width, (e.clientY - b.top) / b.height, false);
  });
}
$('#pad').addEventListener('keydown', e => {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
  if (!way || e.target !== $('#pad')) return;
  e.preventDefault();
  const by = e.shiftKey ? 0.1 : 0.01;
  point(state.x + way[0] * by, state.y + way[1] * by, true);
});
for (const p of picks) p.addEventListener('change', () => choose(p));
for (const r of $$('input[name=ask]')) r.addEventListener('change',
  () => { state.ask = r.value; choose(state.pick); });
for (const r of $$('input[name=view]')) {
  r.addEventListener('change', () => {
    state.view = stage.dataset.view = r.value;
    if (state.map) draw();
  });
}
$('#alpha').addEventListener('input', e => {
  stage.style.setProperty('--alpha', e.target.value / 100);
  $('#alpha-out').value = e.target.value + ' %';
});
$('#grey').addEventListener('change', e => stage.classList.toggle('grey', e.target.checked));
$('.wipe').addEventListener('input', e => stage.style.setProperty('--cut', e.target.value + '%'));

// rulers in pixels of the original
function ruler(svg, length, across) {
  const step = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096].find(s => length / s <= 5) || 8192;
  const make = (name, attributes) => {
    const e = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    svg.append(e);
    return e;
  };
  for (let v = 0; v < length; v += step) {
    const at = 100 * v / length + '%';
    make('line', across ? { x1: at, x2: at, y1: 10, y2: 16 } : { y1: at, y2: at, x1: 10, x2: 16 });
    const anchor = across ? { x: at, y: 7, 'text-anchor': v ? 'middle' : 'start' }
      : { x: 7, y: at, 'text-anchor': 'end', dy: v ? 4 : 9 };
    make('text', anchor).textContent = v;
  }
}
ruler($('.ruler.x'), W, true);
ruler($('.ruler.y'), H, false);

// thumbs draws every map small over the grey picture, one detector after the other as their maps come.
async function thumbs() {
  const picture = $('.plate .pic');
  await picture.decode().catch(() => {});
  for (const p of picks) {
    p.parentElement.classList.add('wait');
  }
  for (const p of picks) {
    try {
      const map = await numbers(address(p, 'ai') + '.f32'), sheet = document.createElement('canvas'),
        c = p.parentElement.querySelector('canvas'), x = c.getContext('2d');
      paint(sheet, map, p.dataset.kind, +p.dataset.max, false);
      const fill = Math.max(c.width / W, c.height / H), w = W * fill, h = H * fill;
      const at = [(c.width - w) / 2, (c.height - h) / 2, w, h];
      x.filter = 'grayscale(1)';
      x.drawImage(picture, ...at);
      x.filter = 'none';
      x.globalAlpha = 0.85;
      x.drawImage(sheet, ...at);
      p.parentElement.classList.remove('wait');
    } catch (e) {
      p.disabled = true;
    }
  }
  why.dataset.all = 'ready';
}

const first = picks.find(p => p.dataset.ai === 'grad_cam_ai') || picks[0];
first.checked = true;
for (const n of ['view', 'ask']) $(`input[name=${n}]`).checked = true;
await choose(first);
thumbs();
