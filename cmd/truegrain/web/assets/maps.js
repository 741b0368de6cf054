// Maps as numbers: fetching, colours, drawing. The colours are the server's own, so that page and PNG agree.
const bytes = await fetch(document.querySelector('meta[name=ramps]').content).then(r => r.arrayBuffer());
const all = new Uint8Array(bytes);
export const ember = all.subarray(0, 768), tide = all.subarray(768);

export const clamp = (x, a = 0, b = 1) => Math.min(b, Math.max(a, x));

// get fetches with the server's own words for what went wrong; a server that does not answer says so, too.
export async function get(url, options) {
  let r;
  try {
    r = await fetch(url, options);
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Error('The program does not answer. Is it still running?');
  }
  if (!r.ok) {
    const problem = await r.json().catch(() => ({}));
    throw Object.assign(new Error(problem.detail || `The server answered ${r.status}.`),
      { status: r.status, title: problem.title, retry: +r.headers.get('Retry-After') });
  }
  return r;
}

const kept = new Map(), most = 80;

// numbers is a grid of float32 with its size; each is fetched once, as long as it is among the last ones that
// were asked for. A failure is not kept.
export function numbers(url) {
  for (const old of kept.keys()) {
    if (kept.size < most) break;
    kept.delete(old);
  }
  if (!kept.has(url)) {
    const wait = get(url).then(async r => ({
      w: +r.headers.get('X-Map-Width'), h: +r.headers.get('X-Map-Height'), max: +r.headers.get('X-Map-Max'),
      kind: r.headers.get('X-Map-Kind'), values: new Float32Array(await r.arrayBuffer()),
    }));
    wait.catch(() => kept.delete(url));
    kept.set(url, wait);
  }
  return kept.get(url);
}

// place is where a value lies on its ramp, 0 to 1. Signed maps have photographs, which are positive, at 0.
export function place(v, kind, max) {
  if (Number.isNaN(v)) v = 0;
  if (kind === 'probability') return clamp(v);
  const share = max > 0 ? v / max : v;
  return kind === 'signed' ? clamp(0.5 - share / 2) : clamp(share);
}

// paint draws a grid at its own size; the browser enlarges it smoothly. solid leaves nothing transparent.
export function paint(canvas, map, kind, max, solid, from = 0) {
  canvas.width = map.w;
  canvas.height = map.h;
  const context = canvas.getContext('2d'), image = context.createImageData(map.w, map.h),
    ramp = kind === 'positive' ? ember : tide;
  for (let i = 0; i < map.w * map.h; i++) {
    const v = map.values[from + i], at = place(v, kind, max), k = 3 * Math.round(255 * at), o = 4 * i;
    image.data.set(ramp.subarray(k, k + 3), o);
    const strength = kind === 'positive' ? at : Math.abs(2 * at - 1);
    image.data[o + 3] = Number.isNaN(v) ? 0 : solid ? 255 : 255 * clamp(0.08 + 1.5 * Math.sqrt(strength));
  }
  context.putImageData(image, 0, 0);
}

// legend draws a ramp from its one end to the other.
export function legend(canvas, kind = 'positive') {
  const map = { w: 256, h: 1, values: Float32Array.from({ length: 256 }, (_, i) => i / 255) };
  paint(canvas, map, kind === 'positive' ? 'positive' : 'probability', 1, true);
}

// whenSeen calls f once a part of the page comes near.
export function whenSeen(part, f) {
  const near = new IntersectionObserver(entries => {
    if (!entries.some(e => e.isIntersecting)) return;
    near.disconnect();
    f();
  }, { rootMargin: '200px' });
  near.observe(part);
}
