// A result whose detectors are at work: each score appears as it comes, and the maps when all have answered.
import { get } from './maps.js';

const $ = s => document.querySelector(s);
const load = url => get(url, { headers: { Accept: 'text/html' } }).then(r => r.text()).then(t =>
  new DOMParser().parseFromString(t, 'text/html'));

const renewed = () => document.dispatchEvent(new Event('renewed'));
const sheets = page => [...page.querySelectorAll('link[rel=stylesheet]')];

// become puts a result in the place of the page that sent the picture: its request goes on, and ends with the
// page.
export async function become(id) {
  const page = await load(`/r/${id}`), old = sheets(document), names = old.map(l => l.href);
  await Promise.all(sheets(page).filter(l => !names.includes(l.href)).map(l => new Promise(ready => {
    l.onload = l.onerror = ready;
    old.at(-1).before(l); // the last one adapts the others to narrow screens
  })));
  history.pushState(null, '', `/r/${id}`);
  addEventListener('popstate', () => location.reload());
  document.documentElement.classList.add('sends');
  document.title = page.title;
  document.body.replaceChildren(...page.body.childNodes);
  scrollTo(0, 0);
  $('#stop')?.focus();
  renewed();
}

// renew puts in what has changed; it says whether somebody is still at work.
async function renew() {
  const page = await load(location.pathname), working = page.querySelector('#scores[data-pending]');
  for (const s of working ? ['.rbar', '#scores'] : ['.rbar', '#scores', '#why']) {
    const old = $(s), now = page.querySelector(s), open = now.querySelectorAll('details');
    old.querySelectorAll('details').forEach((d, i) => { if (open[i]) open[i].open = d.open; });
    if (old.outerHTML === now.outerHTML) continue;
    const focused = old.contains(document.activeElement);
    old.replaceWith(now);
    if (focused) now.querySelector('button, summary, a')?.focus();
  }
  const say = $('#h-answer').textContent;
  if ($('#scores-live').textContent !== say) $('#scores-live').textContent = say;
  return working;
}

// watch waits for the last answer.
export async function watch() {
  try {
    do await new Promise(later => setTimeout(later, 250)); while (await renew());
    renewed();
  } catch (e) {
    $('#scores-live').classList.remove('vh');
    $('#scores-live').className = 'wrap note warn';
    $('#scores-live').textContent = e.message;
  }
}
