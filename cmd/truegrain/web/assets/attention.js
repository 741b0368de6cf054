// The attention explorer: layer, head and patch, and what the patch takes information from.
import { ember, legend, clamp, get, numbers, whenSeen } from './maps.js';
import { views } from './views.js';

const part = document.querySelector('#attention'), $ = s => part.querySelector(s);
const url = `/r/${part.dataset.result}/attention/${encodeURIComponent(part.dataset.detector)}`;
const state = { layer: 0, head: 0, row: 0, column: 0, whole: false, mean: false };
const whole = new Image(), show = views($('.views'), +part.dataset.width, +part.dataset.height, look);
let info, end, values, waiting = new AbortController();

const colour = t => {
  const k = 3 * Math.round(255 * clamp(t));
  return `rgb(${ember[k]} ${ember[k + 1]} ${ember[k + 2]})`;
};
const name = i => `row ${Math.floor(i / info.side) + 1}, column ${i % info.side + 1}`;

// of is what the chosen token attends to in one head: a share for each patch.
function of(head) {
  const T = info.side * info.side + 1, token = state.whole ? 0 : 1 + state.row * info.side + state.column;
  const at = (head * T + token) * T;
  return values.subarray(at + 1, at + T);
}

function shown() {
  if (!state.mean) return of(state.head);
  const sum = new Float32Array(info.side * info.side);
  for (let h = 0; h < info.heads; h++) of(h).forEach((v, i) => { sum[i] += v / info.heads; });
  return sum;
}

function cells(canvas, a, gap) {
  const x = canvas.getContext('2d'), z = canvas.width / info.side;
  x.clearRect(0, 0, canvas.width, canvas.height);
  a.forEach((v, i) => {
    x.globalAlpha = gap ? clamp(0.25 + v / end) * 0.88 : 1;
    x.fillStyle = colour(v / end);
    x.fillRect(i % info.side * z, Math.floor(i / info.side) * z, z - gap, z - gap);
  });
  x.globalAlpha = 1;
}

function frame(canvas, column, row, w, h) {
  const x = canvas.getContext('2d');
  for (const [style, width] of [['#000', 5], ['#fff', 2.5]]) {
    x.strokeStyle = style;
    x.lineWidth = width;
    x.strokeRect(column * w + 1.5, row * h + 1.5, w - 4, h - 4);
  }
}

// far is the mean attention distance of every layer and head.
function far() {
  const c = $('#attn-far'), x = c.getContext('2d'), w = c.width / info.layers, h = c.height / info.heads;
  const all = info.distances.flat(), least = Math.min(...all), most = Math.max(...all);
  x.clearRect(0, 0, c.width, c.height);
  info.distances.forEach((heads, l) => heads.forEach((d, n) => {
    x.fillStyle = colour(0.08 + 0.92 * (d - least) / (most - least || 1));
    x.fillRect(l * w, n * h, w - 1, h - 1);
  }));
  if (!state.mean) frame(c, state.layer, state.head, w, h);
}

function draw() {
  const a = shown(), map = $('#attn-map'), z = map.width / info.side;
  cells(map, a, 1);
  if (!state.whole) frame(map, state.column, state.row, z, z);
  far();
  $('#attn-layer').value = state.layer + 1;
  $('#attn-head').value = state.head + 1;
  $('#attn-layer-out').value = `${state.layer + 1} of ${info.layers}`;
  $('#attn-head-out').value = state.mean ? 'mean' : `${state.head + 1} of ${info.heads}`;
  $('#attn-class').setAttribute('aria-pressed', state.whole);
  $('#attn-mean').setAttribute('aria-pressed', state.mean);
  const who = state.whole ? 'Class token' : name(state.row * info.side + state.column).replace('row', 'Row');
  const top = [...a.keys()].sort((p, q) => a[q] - a[p]).slice(0, 5), share = i => (100 * a[i]).toFixed(1);
  $('#attn-say').textContent = who;
  $('#attn-live').textContent = `${who}. Attends most to ${name(top[0])}, ${share(top[0])} percent.`;
  $('#attn-tops').replaceChildren(...top.map(i => {
    const tr = document.createElement('tr');
    tr.append(Object.assign(document.createElement('td'), { textContent: name(i) }),
      Object.assign(document.createElement('td'), { textContent: share(i) + ' %', className: 'num' }));
    return tr;
  }));
  [...$('#attn-heads').children].forEach((b, h) => {
    cells(b.querySelector('canvas'), of(h), 0);
    b.setAttribute('aria-pressed', !state.mean && h === state.head);
  });
  part.dataset.ready = `${info.view}/${state.layer}/${state.head}/${state.row}/${state.column}`;
}

async function layer(l) {
  state.layer = clamp(l, 0, info.layers - 1);
  const asked = `${url}?view=${info.view}&layer=${state.layer}`;
  state.asked = asked;
  const got = (await numbers(asked)).values;
  if (state.asked === asked) {
    values = got;
    draw();
  }
}

const head = h => { state.head = clamp(h, 0, info.heads - 1); state.mean = false; draw(); };

function patch(row, column) {
  state.row = clamp(row, 0, info.side - 1);
  state.column = clamp(column, 0, info.side - 1);
  state.whole = false;
  draw();
}

function keys(e) {
  const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key];
  if (way) patch(state.row + way[0], state.column + way[1]);
  else if (e.key === 'Home') patch(state.row, 0);
  else if (e.key === 'End') patch(state.row, info.side - 1);
  else if (e.key === '[') head(state.head - 1);
  else if (e.key === ']') head(state.head + 1);
  else return;
  e.preventDefault();
}

function pick(e) {
  const b = e.currentTarget.getBoundingClientRect();
  const column = Math.floor((e.clientX - b.left) / b.width * info.side),
    row = Math.floor((e.clientY - b.top) / b.height * info.side);
  if (column !== state.column || row !== state.row || state.whole) patch(row, column);
}

function wire() {
  const plate = $('.attn-plate'), heads = $('#attn-heads');
  $('#attn-layer').max = info.layers;
  $('#attn-head').max = info.heads;
  $('#attn-last').textContent = info.layers;
  for (let h = 0; h < info.heads; h++) {
    const b = Object.assign(document.createElement('button'), { type: 'button' });
    b.append(Object.assign(document.createElement('canvas'), { width: 84, height: 84 }), h + 1);
    b.querySelector('canvas').setAttribute('aria-hidden', 'true');
    b.setAttribute('aria-label', `Head ${h + 1}`);
    b.addEventListener('click', () => head(h));
    heads.append(b);
  }
  plate.addEventListener('pointermove', pick);
  plate.addEventListener('pointerdown', pick);
  plate.addEventListener('keydown', keys);
  $('#attn-layer').addEventListener('input', e => layer(e.target.value - 1));
  $('#attn-head').addEventListener('input', e => head(e.target.value - 1));
  $('#attn-class').addEventListener('click', () => { state.whole = !state.whole; draw(); });
  $('#attn-mean').addEventListener('click', () => { state.mean = !state.mean; draw(); });
  $('#attn-far').addEventListener('click', e => {
    const b = e.currentTarget.getBoundingClientRect();
    state.head = clamp(Math.floor((e.clientY - b.top) / b.height * info.heads), 0, info.heads - 1);
    state.mean = false;
    layer(Math.floor((e.clientX - b.left) / b.width * info.layers));
  });
}

// picture draws the view that is looked into.
function picture() {
  const k = whole.naturalWidth / part.dataset.width, c = $('#attn-pic'), x = c.getContext('2d'),
    [left, top, w, h] = info.views[info.view];
  x.clearRect(0, 0, c.width, c.height);
  x.drawImage(whole, left * k, top * k, w * k, h * k, 0, 0, c.width, c.height);
}

// look asks for a view, the one in the middle at first; what was asked before and is still computed, stops.
async function look(view) {
  waiting.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  part.setAttribute('aria-busy', true);
  try {
    const got = await get(view === undefined ? url : `${url}?view=${view}`, { signal }).then(r => r.json());
    const first = !info;
    info = got;
    end = 8 / (info.side * info.side); // eight times equal attention, for every picture
    if (first) await begin();
    show(info);
    picture();
    await layer(first ? info.layers - 1 : state.layer);
    part.setAttribute('aria-busy', false);
  } catch (e) {
    if (e.name !== 'AbortError') $('#attn-say').textContent = e.message;
  }
}

async function begin() {
  state.row = state.column = Math.floor(info.side / 2);
  whole.src = `/r/${part.dataset.result}/picture`;
  await whole.decode();
  legend($('#attn-ramp'));
  const percent = t => (100 * end * t).toFixed(1).replace('.0', '');
  const label = (t, i) => (i === 4 ? '≥ ' : '') + percent(t) + (i ? ' %' : '');
  $('#attn-ticks').replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((t, i) =>
    Object.assign(document.createElement('span'), { textContent: label(t, i) })));
  wire();
}

whenSeen(part, () => look());
