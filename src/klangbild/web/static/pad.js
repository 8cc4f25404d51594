// The mood pad: valence to the right, arousal upwards. Mouse, touch and arrow keys; one slider for both axes, spoken in words.

import { written } from "./numbers.js";
import { t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 100; // half a side, in the drawing's units
const STEP = 0.05;
const BIG_STEP = 0.2;

function shape(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

const clamp = (value) => Math.round(Math.min(1, Math.max(-1, value)) * 100) / 100;
const spoken = (value) => t(value < 0 ? "minus" : "plus", { number: written(Math.abs(value), 2) });

export class Pad {
  // onMove(point, byHand) is called whenever the asked point changes
  constructor(place, { ring, centre, onMove }) {
    this.words = ring;
    this.centre = centre;
    this.onMove = onMove;
    this.predicted = null;
    this.point = { valence: 0, arousal: 0 };
    this.moved = false;
    this.opinions = false; // whether the ellipse of opinions is shown
    this.draw(place);
  }

  name({ valence, arousal }) {
    if (Math.hypot(valence, arousal) < 0.12) return this.centre;
    const angle = ((Math.atan2(arousal, valence) * 180) / Math.PI + 360) % 360;
    return this.words[Math.floor((angle + 15) / 30) % 12];
  }

  draw(place) {
    const svg = shape(place, "svg", { viewBox: "-124 -122 248 244" });
    this.svg = svg;
    const inside = shape(shape(svg, "defs", {}), "clipPath", { id: "pad-inside" });
    shape(inside, "rect", { x: -SIZE, y: -SIZE, width: 2 * SIZE, height: 2 * SIZE });
    const plane = shape(svg, "g", { class: "plane", "clip-path": "url(#pad-inside)" });
    const tints = [["0", "-100", "--q1"], ["-100", "-100", "--q2"], ["-100", "0", "--q3"], ["0", "0", "--q4"]];
    for (const [x, y, tint] of tints) {
      const part = shape(plane, "rect", { x, y, width: SIZE, height: SIZE });
      part.style.fill = `var(${tint})`;
    }
    for (const r of [33, 67, 100]) shape(plane, "circle", { r, class: "faint" });
    shape(plane, "path", { d: "M-100 0H100M0-100V100", class: "faint" });
    this.words.forEach((word, index) => {
      const a = (index * Math.PI) / 6;
      const side = Math.trunc(Math.cos(a) * 1.05); // at the very left and right a long word grows inwards
      const anchor = { 1: "end", "-1": "start" }[side] ?? "middle";
      const x = anchor === "middle" ? 82 * Math.cos(a) : 97 * side;
      shape(plane, "text", { x, y: -82 * Math.sin(a) + 3, "text-anchor": anchor, "aria-hidden": "true" }, word);
    });
    for (const [x, y, anchor, word, turn] of [
      [0, -107, "middle", t("excited")], [0, 115, "middle", t("calm")],
      [113, 0, "middle", t("pleasant"), 90], [-113, 0, "middle", t("unpleasant"), -90],
    ]) {
      const at = { x, y, "text-anchor": anchor, "font-weight": 600, "aria-hidden": "true" };
      if (turn) at.transform = `rotate(${turn} ${x} ${y}) translate(0 3)`;
      shape(svg, "text", at, word);
    }
    this.spread = shape(plane, "ellipse", { class: "spread" });
    this.way = shape(plane, "line", { class: "way" });
    this.dot = shape(plane, "circle", { r: 4, class: "predicted" });
    this.sounds = shape(svg, "circle", { r: 5, class: "sounds" });
    shape(this.sounds, "title", {}, t("sounds_like"));
    this.hear(null);
    this.handle = shape(svg, "g", {
      class: "handle", role: "slider", tabindex: 0, "aria-label": t("mood_slider"), "aria-valuemin": -1,
      "aria-valuemax": 1, "aria-describedby": "pad-help",
    });
    shape(this.handle, "circle", { r: 14, class: "ring" });
    shape(this.handle, "circle", { r: 8.5 });
    const follow = (event) => {
      const box = svg.getBoundingClientRect();
      const unit = 248 / box.width;
      const x = (event.clientX - box.left) * unit - 124;
      const y = (event.clientY - box.top) * unit - 122;
      this.move({ valence: x / SIZE, arousal: -y / SIZE });
    };
    for (const part of [plane, this.handle]) {
      part.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        part.setPointerCapture(event.pointerId);
        this.handle.focus();
        follow(event);
      });
      part.addEventListener("pointermove", (event) => part.hasPointerCapture(event.pointerId) && follow(event));
    }
    this.handle.style.touchAction = "none";
    this.handle.addEventListener("keydown", (event) => this.key(event));
    this.place();
  }

  key(event) {
    const step = event.shiftKey ? BIG_STEP : STEP;
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const way = ways[event.key];
    if (way) {
      event.preventDefault();
      this.move({ valence: this.point.valence + way[0] * step, arousal: this.point.arousal + way[1] * step });
    } else if (event.key === "Home" && this.predicted) {
      event.preventDefault();
      this.reset();
    }
  }

  // where the judges hear the piece that is shown, or null
  hear(point) {
    this.sounds.style.display = point ? "" : "none";
    if (!point) return;
    this.sounds.setAttribute("cx", point.valence * SIZE);
    this.sounds.setAttribute("cy", -point.arousal * SIZE);
  }

  showOpinions(shown) {
    this.opinions = shown;
    this.place();
  }

  // what the picture says; a point moved by hand stays where it was put
  predict(point, keep = false) {
    this.predicted = point;
    if (!(keep && this.moved)) this.reset();
    else this.place();
  }

  reset() {
    this.moved = false;
    this.point = { valence: this.predicted.valence, arousal: this.predicted.arousal };
    this.place();
    this.onMove(this.point, false);
  }

  move({ valence, arousal }) {
    this.moved = true;
    this.point = { valence: clamp(valence), arousal: clamp(arousal) };
    this.place();
    this.onMove(this.point, true);
  }

  place() {
    const [x, y] = [this.point.valence * SIZE, -this.point.arousal * SIZE];
    this.handle.setAttribute("transform", `translate(${x} ${y})`);
    this.handle.setAttribute("aria-valuenow", this.point.valence.toFixed(2));
    const { valence, arousal } = this.point;
    const words = t("mood_spoken", { valence: spoken(valence), arousal: spoken(arousal), name: this.name(this.point) });
    this.handle.setAttribute("aria-valuetext", words);
    const seen = this.predicted;
    for (const part of [this.dot, this.way]) part.style.display = seen ? "" : "none";
    this.spread.style.display = seen && this.opinions ? "" : "none";
    if (!seen) return;
    const [px, py] = [seen.valence * SIZE, -seen.arousal * SIZE];
    const spread = { cx: px, cy: py, rx: (seen.valence_spread || 0) * SIZE, ry: (seen.arousal_spread || 0) * SIZE };
    for (const [key, value] of Object.entries(spread)) this.spread.setAttribute(key, value);
    this.dot.setAttribute("cx", px);
    this.dot.setAttribute("cy", py);
    const way = { x1: px, y1: py, x2: x, y2: y };
    for (const [key, value] of Object.entries(way)) this.way.setAttribute(key, value);
  }
}
