// The choice of a view, the piece of the picture that an explorer looks into: by pointing at it in a small
// picture, or by its number.
import { clamp } from './maps.js';

export function views(box, width, height, choose) {
  const plate = box.querySelector('.views-plate'), svg = plate.querySelector('svg'),
    slider = box.querySelector('input'), out = box.querySelector('output');
  let all = [], timer;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);

  function mark(n) {
    const [x, y, w, h] = all[n];
    for (const r of svg.children) {
      for (const [k, v] of Object.entries({ x, y, width: Math.min(w, width - x),
        height: Math.min(h, height - y) })) r.setAttribute(k, v);
    }
    slider.value = n + 1;
    out.value = `${n + 1} of ${all.length}`;
  }

  // take marks a view at once and asks for it when the hand rests.
  function take(n) {
    if (n === slider.valueAsNumber - 1 && out.dataset.asked === String(n)) return;
    out.dataset.asked = n;
    mark(n);
    clearTimeout(timer);
    timer = setTimeout(() => choose(n), 120);
  }

  function point(e) {
    const b = plate.getBoundingClientRect(), x = clamp((e.clientX - b.left) / b.width) * width,
      y = clamp((e.clientY - b.top) / b.height) * height;
    const far = ([vx, vy, w, h]) => Math.hypot(vx + w / 2 - x, vy + h / 2 - y);
    take(all.reduce((best, v, i) => far(v) < far(all[best]) ? i : best, 0));
  }

  plate.addEventListener('pointerdown', e => { plate.setPointerCapture(e.pointerId); point(e); });
  plate.addEventListener('pointermove', e => { if (plate.hasPointerCapture(e.pointerId)) point(e); });
  slider.addEventListener('input', () => take(slider.valueAsNumber - 1));

  // show is for what the server says: which view it has looked into, and which there are.
  return function show({ view, views }) {
    all = views;
    slider.max = all.length;
    out.dataset.asked = view;
    mark(view);
    box.hidden = all.length < 2;
  };
}
