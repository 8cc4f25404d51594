// The piano roll: lanes that fill while the piece is written, go along with the player, and are where bars are chosen. It draws what
// is in sight only, so that an hour costs what a minute does.

import { look } from "./patterns.js";
import { speak } from "./speak.js";
import { t } from "./words.js";

const CLOSEST = 240; // pixels a second
const FEWEST = 14; // longer pieces are scrolled, not squeezed
const STILL = { seconds: 0, bars: [], lanes: [] };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// how many pitches a lane shows, an octave at least, and the lowest
function extent({ notes }) {
  let [low, high] = [127, 0];
  for (const [, , pitch] of notes) [low, high] = [Math.min(low, pitch), Math.max(high, pitch)];
  const rows = Math.max(high - low + 2, 12);
  return { rows, bottom: (low + high - rows) / 2 };
}

export class Roll {
  // place: .roll with .roll-sight > .roll-wide > canvas; player: whom it follows; heads: what stands before the lanes
  constructor(place, { player, heads = null }) {
    Object.assign(this, { place, player, heads });
    this.track = null; // the piece that is drawn, as the player knows it
    this.sight = place.querySelector(".roll-sight");
    this.wide = place.querySelector(".roll-wide");
    this.canvas = place.querySelector("canvas");
    this.data = STILL;
    this.goal = 0;
    this.zoom = 1; // times what shows all, or as much as can be told apart
    this.drag = null;
    new ResizeObserver(() => this.lay()).observe(this.sight);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.sight.addEventListener("scroll", () => this.draw());
    this.sight.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.canvas.addEventListener("pointermove", (event) => this.pull(event));
    this.canvas.addEventListener("pointerup", (event) => this.release(event));
    this.canvas.addEventListener("pointercancel", () => this.drop());
    this.follow();
  }

  // goal_s: how long the piece will be, so that the notes grow into their place; torn: it ended in the middle
  show(data, { goal_s = 0, words = "", torn = false, track = null, anew = [] } = {}) {
    this.track = track;
    this.anew = anew; // [first, last] bars that were written anew
    const other = goal_s ? !this.goal || !data.lanes.length : this.goal || data !== this.data;
    this.data = data;
    this.extents = data.lanes.map(extent);
    this.goal = goal_s;
    this.torn = torn;
    if (other) {
      this.zoom = 1;
      this.sight.scrollLeft = 0;
    }
    const notes = data.lanes.reduce((sum, lane) => sum + lane.notes.length, 0);
    const names = data.lanes.map((lane) => speak(lane.family)).join(", ");
    const label = words && !torn ? t("roll_of", { words: speak(words) }) : t("roll_so_far", { notes, names: names || t("nobody") });
    this.canvas.setAttribute("aria-label", torn ? `${label} ${t("torn")}` : label);
    this.canvas.dataset.notes = notes;
    this.canvas.dataset.anew = anew.map(([first, last]) => `${first + 1}-${last + 1}`).join(",");
    this.place.classList.toggle("torn", torn);
    this.heads?.show(data, track);
    this.lay();
    if (goal_s && this.x(data.seconds) > this.sight.scrollLeft + this.sight.clientWidth)
      this.sight.scrollLeft = this.x(data.seconds) - 0.7 * this.sight.clientWidth;
  }

  get whole() {
    return Math.max(this.data.seconds, this.goal, 1);
  }

  // pixels a second
  get scale() {
    const all = this.sight.clientWidth / this.whole;
    return Math.min(Math.max(all, Math.min(FEWEST, CLOSEST)) * this.zoom, Math.max(CLOSEST, all));
  }

  x(second) {
    return second * this.scale;
  }

  // by how much, around which second (the middle of what is in sight)
  closer(factor, around = (this.sight.scrollLeft + this.sight.clientWidth / 2) / this.scale) {
    const at = this.x(around) - this.sight.scrollLeft;
    const all = this.sight.clientWidth / this.whole;
    const least = Math.min(1, all / Math.max(all, FEWEST));
    const most = CLOSEST / Math.max(all, FEWEST);
    this.zoom = Math.min(Math.max(this.zoom * factor, least), Math.max(most, 1));
    this.lay();
    this.sight.scrollLeft = this.x(around) - at;
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const x = event.clientX - this.sight.getBoundingClientRect().left;
    this.closer(event.deltaY < 0 ? 1.25 : 0.8, (this.sight.scrollLeft + x) / this.scale);
  }

  lay() {
    const { clientWidth: width } = this.sight;
    if (!width) return;
    const count = Math.max(this.data.lanes.length, 1);
    const style = getComputedStyle(this.place);
    this.lane = parseFloat(style.getPropertyValue("--lane")) * (parseFloat(style.fontSize) || 16);
    this.ruler = 1.75 * (parseFloat(style.fontSize) || 16);
    this.height = this.ruler + count * this.lane;
    this.wide.style.width = `${Math.max(width, this.x(this.whole))}px`;
    this.wide.style.height = this.canvas.style.height = `${this.height}px`;
    this.canvas.style.width = `${width}px`;
    this.draw();
  }

  // -- with the player

  get mine() {
    return Boolean(this.track) && this.track.id === this.player.track?.id;
  }

  follow() {
    let going = false;
    const tick = () => {
      if (!this.player.playing) {
        going = false;
        return this.draw();
      }
      going = true;
      if (this.mine) this.turn();
      // with reduced motion the line steps once a second instead of gliding
      if (calm.matches) setTimeout(tick, 1000);
      else requestAnimationFrame(tick);
    };
    this.player.addEventListener("change", () => {
      if (this.player.playing && !going) tick();
      else this.draw();
    });
    this.player.addEventListener("mix", () => this.draw());
  }

  // a page on when the line leaves what is in sight
  turn() {
    const x = this.x(this.player.seconds);
    const [from, width] = [this.sight.scrollLeft, this.sight.clientWidth];
    if ((x > from + width - 4 || x < from) && !this.drag) this.sight.scrollLeft = x - 0.06 * width;
    this.draw();
  }

  // -- choosing bars

  second(event) {
    const box = this.sight.getBoundingClientRect();
    return Math.max(0, (this.sight.scrollLeft + event.clientX - box.left) / this.scale);
  }

  press(event) {
    if (!this.mine || this.goal || event.button) return;
    const on_ruler = event.clientY - this.canvas.getBoundingClientRect().top < this.ruler;
    // a finger on the lanes scrolls them; on the bar numbers it chooses
    if (event.pointerType !== "mouse" && !on_ruler) {
      this.drag = { from: this.second(event), tap: true, x: event.clientX };
      return;
    }
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { from: this.second(event), x: event.clientX, moved: false };
  }

  pull(event) {
    if (!this.drag || this.drag.tap) return;
    if (Math.abs(event.clientX - this.drag.x) > 6) this.drag.moved = true;
    if (!this.drag.moved) return;
    const [a, b] = [this.player.bar(this.drag.from), this.player.bar(this.second(event))];
    this.drag.bars = [Math.min(a, b), Math.max(a, b)];
    this.draw();
  }

  release(event) {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (drag.bars) this.player.round(this.player.span(...drag.bars));
    else if (Math.abs(event.clientX - drag.x) < 8) {
      const second = this.second(event);
      if (this.player.loop && (second < this.player.loop[0] || second >= this.player.loop[1])) this.player.round(null);
      this.player.seek(second);
    }
    this.draw();
  }

  drop() {
    this.drag = null;
    this.draw();
  }

  // -- drawing

  draw() {
    const { clientWidth: width, scrollLeft: from } = this.sight;
    if (!width || !this.height) return;
    const sharp = Math.min(devicePixelRatio || 1, 3);
    if (this.canvas.width !== Math.round(width * sharp) || this.canvas.height !== Math.round(this.height * sharp)) {
      this.canvas.width = Math.round(width * sharp);
      this.canvas.height = Math.round(this.height * sharp);
    }
    const c = this.canvas.getContext("2d");
    c.setTransform(sharp, 0, 0, sharp, 0, 0);
    c.clearRect(0, 0, width, this.height);
    const style = getComputedStyle(this.place);
    const colour = (name) => style.getPropertyValue(name).trim();
    const em = parseFloat(style.fontSize);
    const dark = parseInt(colour("--roll").slice(1, 3), 16) < 128;
    const x = (second) => this.x(second) - from;
    const pen = { c, width, em, colour, dark, x, first: from / this.scale, last: (from + width) / this.scale };
    this.bars(pen);
    this.data.lanes.forEach((lane, index) => this.notes(pen, lane, index));
    this.chosen(pen);
    if (this.torn) this.tear(pen);
    this.cursor(pen);
  }

  bars({ c, em, colour, x, first, last }) {
    c.font = `${0.75 * em}px system-ui, sans-serif`;
    c.textBaseline = "middle";
    const { bars } = this.data;
    c.fillStyle = colour("--accent");
    for (const [first_bar, last_bar] of this.anew ?? []) {
      const [a, b] = [bars[first_bar] ?? this.data.seconds, bars[last_bar + 1] ?? this.data.seconds];
      c.globalAlpha = 0.1;
      c.fillRect(x(a), 0, this.x(b - a), this.height);
      c.globalAlpha = 1;
      c.fillRect(x(a), this.ruler - 3, this.x(b - a), 3);
    }
    const apart = bars.length > 1 ? (this.x(bars[bars.length - 1]) - this.x(bars[0])) / (bars.length - 1) : 99;
    const every = [1, 2, 4, 8, 16, 32, 64].find((n) => n * apart > 2 * em) ?? 128;
    bars.forEach((bar, index) => {
      if (bar < first - 1 || bar > last) return;
      const told = index % every === 0;
      c.fillStyle = colour("--line");
      if (told || apart > 8) c.fillRect(Math.round(x(bar)), told ? 0 : this.ruler, 1, this.height);
      c.fillStyle = colour("--soft");
      if (told) c.fillText(String(index + 1), x(bar) + 4, this.ruler / 2);
    });
  }

  notes({ c, width, em, colour, dark, x, first, last }, lane, index) {
    const top = this.ruler + index * this.lane;
    c.fillStyle = colour("--line");
    c.fillRect(0, top, width, 1);
    const { rows, bottom } = this.extents[index];
    const row = (this.lane - 8) / rows;
    const y = (pitch) => top + this.lane - 4 - (pitch - bottom + 0.5) * row;
    const quiet = this.mine && this.player.gains[lane.family] === 0;
    const octaves = lane.family === "drums" ? [] : this.octaves({ c, width, colour, y, row, bottom, rows });
    const { tile, edge } = look(lane, index, dark);
    const brush = c.createPattern(tile, "repeat");
    const thick = Math.min(Math.max(row, 3), 0.6 * em);
    c.strokeStyle = edge;
    c.lineWidth = 0.8;
    for (const [onset, duration, pitch, velocity] of lane.notes) {
      if (onset > last || onset + duration < first) continue;
      const length = Math.max(this.x(duration) - 1, 2);
      c.globalAlpha = quiet ? 0.18 : 0.45 + (0.55 * velocity) / 127;
      c.fillStyle = brush;
      c.fillRect(x(onset), y(pitch) - thick / 2, length, thick);
      c.globalAlpha = quiet ? 0.25 : 1;
      if (thick > 3) c.strokeRect(x(onset), y(pitch) - thick / 2, length, thick);
    }
    c.globalAlpha = 1;
    c.font = `${0.62 * em}px system-ui, sans-serif`;
    c.lineWidth = 3;
    c.lineJoin = "round";
    for (const pitch of octaves) {
      const at = [`C${pitch / 12 - 1}`, 3, Math.max(y(pitch) + row / 2 - 0.36 * em, top + 0.4 * em)];
      c.strokeStyle = colour("--roll");
      c.strokeText(...at);
      c.fillStyle = colour("--soft");
      c.fillText(...at);
    }
  }

  // a line at each C; gives those that are named, so that names do not run into each other
  octaves({ c, width, colour, y, row, bottom, rows }) {
    const found = [];
    for (let pitch = 12 * Math.ceil(bottom / 12); pitch < bottom + rows; pitch += 12) {
      c.globalAlpha = 0.7;
      c.fillStyle = colour("--line");
      c.fillRect(0, Math.round(y(pitch) + row / 2), width, 1);
      c.globalAlpha = 1;
      if (!found.length || y(found[found.length - 1]) - y(pitch) > 12) found.push(pitch);
    }
    return found;
  }

  chosen({ c, width, colour, x }) {
    const loop = this.drag?.bars ? this.player.span(...this.drag.bars) : this.mine && this.player.loop;
    if (!loop) return;
    const [a, b] = loop.map(x);
    c.fillStyle = colour("--roll");
    c.globalAlpha = 0.62;
    c.fillRect(0, this.ruler, Math.max(a, 0), this.height);
    c.fillRect(b, this.ruler, Math.max(width - b, 0), this.height);
    c.globalAlpha = 0.16;
    c.fillStyle = colour("--accent");
    c.fillRect(a, 0, b - a, this.ruler);
    c.globalAlpha = 1;
    for (const edge of [a, b]) c.fillRect(Math.round(edge) - 1, 0, 2, this.height);
    c.fillRect(a, this.ruler - 3, b - a, 3);
  }

  // the rest was never heard of
  tear({ c, width, em, colour, x }) {
    const at = x(this.data.seconds);
    c.fillStyle = colour("--bad");
    c.fillRect(at, 0, 2, this.height);
    c.font = `600 ${0.85 * em}px system-ui, sans-serif`;
    c.fillText(t("torn"), Math.min(at + 8, Math.max(width - 12 * em, 4)), this.ruler + 0.9 * em);
  }

  cursor({ c, width, colour, x }) {
    if (!this.mine || !this.player.ready || this.goal) return;
    const at = Math.min(x(this.player.seconds), x(this.data.seconds));
    if (at < -2 || at > width + 2) return;
    c.fillStyle = colour("--accent");
    c.fillRect(at - 1, 0, 2, this.height);
    c.beginPath();
    c.moveTo(at - 6, 0);
    c.lineTo(at + 6, 0);
    c.lineTo(at, 8);
    c.fill();
  }
}

