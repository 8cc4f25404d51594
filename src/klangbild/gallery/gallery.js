// Search and map of a gallery, over PIECES (pieces.js). Only one piece sounds at a time.
"use strict";
const [TITLE, WORDS, KEY, TEMPO, MOOD, VALENCE, AROUSAL, SOUND, IMAGE, ALT, SECONDS, SEED] = Array(12).keys();
const MOST = 100; // cards shown of a search
const at = (id) => document.getElementById(id);

function element(name, values, ...children) {
  const made = Object.assign(document.createElement(name), values);
  made.append(...children);
  return made;
}

function card(piece) {
  const item = element("li", {});
  if (piece[IMAGE]) item.append(element("img", { src: piece[IMAGE], alt: piece[ALT], loading: "lazy" }));
  item.append(element("h2", {}, piece[TITLE]), element("p", {}, `${piece[MOOD]}: ${piece[WORDS]}`));
  if (piece[SOUND]) item.append(element("audio", { src: piece[SOUND], controls: true, preload: "none" }));
  item.append(element("p", { className: "small" }, `AI generated; seed ${piece[SEED]}`));
  return item;
}

function matches(piece, words, mood, key, slowest, fastest) {
  const text = `${piece[TITLE]} ${piece[WORDS]} ${piece[MOOD]} ${piece[KEY]}`.toLowerCase();
  return words.every((word) => text.includes(word)) && (!mood || piece[MOOD] === mood) && (!key || piece[KEY] === key)
    && (!slowest || piece[TEMPO] >= slowest) && (!fastest || (piece[TEMPO] && piece[TEMPO] <= fastest));
}

function searching() {
  const own = [...at("cards").children];
  const search = () => {
    const words = at("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wish = [at("mood").value, at("key").value, +at("slowest").value, +at("fastest").value];
    const any = words.length || wish.some(Boolean);
    const found = any ? PIECES.filter((piece) => matches(piece, words, ...wish)) : [];
    at("cards").replaceChildren(...(any ? found.slice(0, MOST).map(card) : own));
    at("found").textContent = any ? `${found.length} of ${PIECES.length} pieces` + (found.length > MOST ? `, the first ${MOST}` : "") : "";
    if (at("turns")) at("turns").hidden = Boolean(any);
  };
  at("search").addEventListener("input", search);
  at("search").addEventListener("submit", (event) => event.preventDefault());
}

function mapping() {
  const canvas = at("plane"), pen = canvas.getContext("2d"), size = canvas.width, edge = 30;
  const x = (valence) => edge + (valence + 1) / 2 * (size - 2 * edge);
  const y = (arousal) => edge + (1 - arousal) / 2 * (size - 2 * edge);
  let chosen = -1;
  const draw = () => {
    const style = getComputedStyle(document.body);
    pen.clearRect(0, 0, size, size);
    pen.strokeStyle = style.getPropertyValue("--line");
    pen.beginPath();
    pen.moveTo(x(0), edge); pen.lineTo(x(0), size - edge); pen.moveTo(edge, y(0)); pen.lineTo(size - edge, y(0));
    pen.stroke();
    pen.fillStyle = style.color;
    pen.font = "18px system-ui, sans-serif";
    pen.fillText("excited", x(0) + 8, edge + 4); pen.fillText("calm", x(0) + 8, size - edge);
    pen.fillText("unpleasant", edge, y(0) - 8); pen.fillText("pleasant", size - edge - 75, y(0) - 8);
    const radius = Math.max(3, Math.min(9, 220 / Math.sqrt(PIECES.length)));
    PIECES.forEach((piece, i) => {
      pen.beginPath();
      pen.arc(x(piece[VALENCE]), y(piece[AROUSAL]), i === chosen ? radius + 4 : radius, 0, 7);
      pen.fillStyle = i === chosen ? "#c2452d" : `hsl(${210 - 170 * (piece[VALENCE] + 1) / 2} 65% 50% / .75)`;
      pen.fill();
    });
  };
  const choose = (i) => {
    chosen = i;
    at("cards").replaceChildren(card(PIECES[i]));
    draw();
  };
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect(), scale = size / box.width;
    const [a, b] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const far = PIECES.map((piece) => (x(piece[VALENCE]) - a) ** 2 + (y(piece[AROUSAL]) - b) ** 2);
    choose(far.indexOf(Math.min(...far)));
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose((chosen + step + PIECES.length) % PIECES.length);
  });
  draw();
}

document.addEventListener("play", (event) => {
  document.querySelectorAll("audio").forEach((other) => other !== event.target && other.pause());
}, true);
if (at("search")) searching();
if (at("plane")) mapping();
