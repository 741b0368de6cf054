// The scores of other versions of the picture, computed when somebody comes to see them.
import { get, whenSeen } from './maps.js';

const part = document.querySelector('#holds'), box = part.querySelector('#held'),
  lazy = box.querySelector('.lazy');
if (lazy) {
  whenSeen(part, async () => {
    lazy.textContent = 'Scoring seven versions of the picture…';
    try {
      const frame = document.createElement('template');
      const html = await get(`/r/${part.dataset.result}/holds`).then(r => r.text());
      frame.innerHTML = html; // escaped by the server
      box.replaceChildren(frame.content);
    } catch (e) {
      lazy.textContent = e.message;
    }
  });
}
