// Pictures come in by choice, camera, drop and paste; each goes up on its own, its steps come back line by
// line. Leaving or cancelling closes the connection, and the server stops. One picture's page takes the place
// of this one as soon as a first detector has answered.
import { get } from './maps.js';
import { become } from './pending.js';

const $ = s => document.querySelector(s);
const drop = $('#drop'), work = $('#work'), choose = $('#choose'), rows = $('#rows');
const tries = 3; // that a busy server is asked by itself
let job = null, shown = false;

for (const input of [$('#files'), $('#camera')]) {
  input.addEventListener('change', () => { start([...input.files]); input.value = ''; });
}
for (const name of ['dragenter', 'dragover']) {
  addEventListener(name, e => { e.preventDefault(); drop.classList.add('over'); });
}
addEventListener('dragleave', e => { if (!e.relatedTarget) drop.classList.remove('over'); });
addEventListener('drop', e => {
  e.preventDefault();
  drop.classList.remove('over');
  start([...e.dataTransfer.files]);
});
addEventListener('paste', e => {
  const files = [...e.clipboardData.files];
  if (files.length) { e.preventDefault(); start(files); }
});
addEventListener('keydown', e => { if (e.key === 'Escape' && job) job.abort(); });
addEventListener('click', e => { if (e.target.closest('#cancel, #stop')) job?.abort(); });
drop.dataset.ready = 'yes';

// start sends the pictures one after the other.
async function start(files) {
  if (!files.length || job || shown) return;
  job = new AbortController();
  $('#alerts').replaceChildren();
  choose.hidden = true;
  work.hidden = false;
  $('#cancel').focus();
  const done = [], failed = [];
  try {
    for (const [i, file] of files.entries()) {
      show(file, i, files.length);
      try {
        const id = await patiently(file, files.length === 1 && !rows,
          share => { $('#work-bar').value = 100 * (i + share) / files.length; });
        done.push(id);
        if (rows) await added(id);
      } catch (e) {
        if (e.name === 'AbortError') throw e;
        failed.push([file.name, e]);
        if (files.length > 1 && rows) refused(file.name, e.message);
      }
    }
    finish(files, done, failed);
  } catch {
    note('info', shown ? 'Cancelled. What was finished stays.' : 'Cancelled. Nothing was kept.', '');
    rest();
  } finally {
    job = null;
  }
}

function finish(files, done, failed) {
  rest();
  if (files.length > 1 && !rows) {
    const query = new URLSearchParams();
    for (const id of done) query.append('r', id);
    for (const [name, e] of failed) query.append('f', `${name}: ${e.message}`);
    location.href = '/many?' + query;
  } else if (done.length && shown) {
    document.documentElement.classList.remove('sends');
  } else if (done.length && !rows) {
    location.href = '/r/' + done[0];
  } else if (!rows || files.length === 1) {
    for (const [name, e] of failed) note('bad', `${name}: ${e.title || 'not analysed'}`, sentence(e.message) +
      (shown ? '' : ' Choose another file.'));
  }
}

function rest() {
  work.hidden = true;
  choose.hidden = false;
}

// patiently sends a picture; while the server is busy it waits as long as the server says, and tries again.
async function patiently(file, alone, progress) {
  for (let n = 1; ; n++) {
    try {
      return await send(file, alone, progress);
    } catch (e) {
      if (e.status !== 429 || n > tries) throw e;
      await pause(e.retry || 1, sentence(e.message));
    }
  }
}

// pause counts down, until "Try now" or the end of the job.
function pause(seconds, why) {
  return new Promise((resolve, reject) => {
    const box = note('warn', why, ''), text = box.querySelector('span');
    const now = Object.assign(document.createElement('button'), { className: 'btn', type: 'button',
      textContent: 'Try now' });
    box.append(now);
    const end = f => { clearInterval(timer); box.remove(); f(); };
    const tick = () => {
      text.textContent = `Your picture was not lost, it is still in this page. It will be sent again in ${seconds} s.`;
      if (seconds-- <= 0) end(resolve);
    };
    const timer = setInterval(tick, 1000);
    now.addEventListener('click', () => end(resolve));
    job.signal.addEventListener('abort', () => end(() => reject(new DOMException('', 'AbortError'))));
    tick();
  });
}

// send posts one picture and follows its steps; it gives the result's name. A picture that is sent alone is
// shown from its first score on.
async function send(file, alone, progress) {
  const form = new FormData();
  form.append('picture', file, file.name || 'pasted picture');
  steps([]);
  const response = await get(alone ? '/analyze?partial' : '/analyze', { method: 'POST', body: form,
    headers: { Accept: 'application/x-ndjson' }, signal: job.signal });
  const seen = [];
  let id;
  for await (const line of lines(response.body)) {
    if (line.stage === 'failed') throw Object.assign(new Error(line.text), { status: line.status,
      title: line.title });
    if (line.stage === 'done') id = line.id;
    if (line.stage === 'scored' && line.id && !shown) {
      shown = true;
      await become(line.id);
    }
    if (shown) continue;
    if (line.stage === 'decoded') seen.push(['Picture read: ' + line.text, line.ms]);
    if (line.stage === 'scored') {
      seen.push([line.text, line.ms]);
      $('#work-say').textContent = `${line.done} of ${line.of} detectors have answered`;
      progress(line.done / line.of);
    }
    steps(seen);
  }
  if (!id) throw new Error('The program does not answer. Is it still running?');
  return id;
}

async function* lines(body) {
  let rest = '';
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const p of parts) yield JSON.parse(p);
  }
}

function show(file, i, of) {
  $('#work-title').textContent = of > 1 ? `Picture ${i + 1} of ${of}: ${file.name}`
    : `Looking at ${file.name || 'the pasted picture'}`;
  $('#work-say').textContent = 'Sending';
  const shot = $('#work-shot'), old = shot.src;
  shot.src = URL.createObjectURL(file);
  if (old) URL.revokeObjectURL(old);
}

function steps(seen) {
  const list = seen.map(([text, ms]) => item(text, `${Math.round(ms)} ms`, 'done'));
  list.push(item('Working', '', 'now'));
  $('#work-steps').replaceChildren(...list);
}

function item(text, time, state) {
  const li = Object.assign(document.createElement('li'), { className: state });
  for (const t of [text, time]) li.append(Object.assign(document.createElement('span'), { textContent: t }));
  return li;
}

// sentence is the server's reason as one.
const sentence = s => s.charAt(0).toUpperCase() + s.slice(1) + (/[.?!]$/.test(s) ? '' : '.');

// note shows a message; its words are text, never markup.
function note(kind, title, text) {
  const box = Object.assign(document.createElement('div'), { className: 'note ' + kind });
  box.setAttribute('role', kind === 'info' ? 'status' : 'alert');
  box.append($(kind === 'info' ? '#info-sign' : '#warn-sign').content.cloneNode(true),
    Object.assign(document.createElement('strong'), { textContent: title }),
    Object.assign(document.createElement('span'), { textContent: text }));
  $('#alerts').append(box);
  return box;
}

// added puts a picture's row into the table; the server has rendered and escaped it.
async function added(id) {
  const html = await get('/many/row/' + id).then(r => r.text());
  const frame = document.createElement('template');
  frame.innerHTML = html;
  rows.append(frame.content);
  rows.dispatchEvent(new Event('changed'));
}

function refused(name, why) {
  const tr = document.createElement('tr'), th = document.createElement('th'),
    say = document.createElement('td'), td = document.createElement('td');
  tr.dataset.v = 'fail';
  tr.dataset.name = name;
  tr.setAttribute('role', 'row');
  th.setAttribute('role', 'rowheader');
  th.scope = 'row';
  th.textContent = name;
  say.className = 'v';
  say.setAttribute('role', 'cell');
  say.append(Object.assign(document.createElement('span'), { className: 'lean fail',
    textContent: 'Not read' }));
  td.className = 'why';
  td.colSpan = 4;
  td.setAttribute('role', 'cell');
  td.textContent = why;
  tr.append(th, say, td);
  rows.append(tr);
  rows.dispatchEvent(new Event('changed'));
}
