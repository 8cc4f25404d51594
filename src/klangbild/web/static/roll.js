// The live piano roll: a canvas that fills while the piece is written and follows the player. Family = colour + pattern + name.

import { speak } from "./speak.js";
import { t } from "./words.js";

const PATTERNS = ["solid", "up", "dots", "level", "down", "upright", "cross"];
const WINDOW_S = 60; // longer pieces turn pages
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function mixed(hex, other, share) {
  const parts = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return `rgb(${parts.map((part, i) => Math.round(part * (1 - share) + other[i] * share)).join(",")})`;
}

function pattern(kind, colour, line) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const c = tile.getContext("2d");
  c.fillStyle = colour;
  c.fillRect(0, 0, 8, 8);
  c.strokeStyle = c.fillStyle = line;
  c.lineWidth = 1.4;
  const draw = (...points) => {
    c.beginPath();
    for (let i = 0; i < points.length; i += 4) {
      c.moveTo(points[i], points[i + 1]);
      c.lineTo(points[i + 2], points[i + 3]);
    }
    c.stroke();
  };
  if (kind === "up") draw(-1, 9, 9, -1, -1, 1, 1, -1, 7, 9, 9, 7);
  else if (kind === "down") draw(-1, -1, 9, 9, 7, -1, 9, 1, -1, 7, 1, 9);
  else if (kind === "level") draw(0, 2, 8, 2, 0, 6, 8, 6);
  else if (kind === "upright") draw(2, 0, 2, 8, 6, 0, 6, 8);
  else if (kind === "cross") draw(0, 4, 8, 4, 4, 0, 4, 8);
  else if (kind === "dots") {
    c.beginPath();
    c.arc(2, 2, 1.2, 0, 7);
    c.arc(6, 6, 1.2, 0, 7);
    c.fill();
  }
  return tile;
}

export class Roll {
  constructor(place) {
    this.place = place;
    this.canvas = place.querySelector("canvas");
    this.cursor = place.querySelector(".cursor");
    this.data = { seconds: 0, bars: [], lanes: [] };
    this.goal = 0;
    this.page = 0;
    this.player = null;
    new ResizeObserver(() => this.draw()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.canvas.addEventListener("click", (event) => this.seek(event));
  }

  // goal_s: how long the piece will be, so that the notes grow into their place
  show(data, { goal_s = 0, words = "" } = {}) {
    this.data = data;
    this.goal = goal_s;
    this.page = goal_s && data.seconds > WINDOW_S ? Math.floor((data.seconds - 0.01) / WINDOW_S) : 0;
    const notes = data.lanes.reduce((sum, lane) => sum + lane.notes.length, 0);
    const names = data.lanes.map((lane) => speak(lane.family)).join(", ");
    this.canvas.setAttribute("aria-label", words ? t("roll_of", { words: speak(words) }) : t("roll_so_far", { notes, names: names || t("nobody") }));
    this.canvas.dataset.notes = notes;
    this.cursor.hidden = true;
    this.draw();
  }

  follow(player) {
    this.player = player;
    const tick = () => {
      this.track();
      if (player.paused || player.ended) return;
      // with reduced motion the line steps once a second instead of gliding
      if (calm.matches) setTimeout(tick, 1000);
      else requestAnimationFrame(tick);
    };
    player.onplay = tick;
    player.onseeked = () => this.track();
  }

  span() {
    const whole = Math.max(this.data.seconds, this.goal, 1);
    const width = Math.min(whole, WINDOW_S);
    return [this.page * width, width];
  }

  track() {
    if (!this.player || !this.data.seconds) return;
    const [, width] = this.span();
    const now = Math.min(this.player.currentTime, this.data.seconds);
    const page = Math.floor(Math.min(now, this.data.seconds - 0.01) / width);
    if (page !== this.page) {
      this.page = page;
      this.draw();
    }
    this.cursor.hidden = false;
    const x = this.gutter + ((now - page * width) / width) * (this.place.clientWidth - this.gutter);
    this.cursor.style.transform = `translateX(${x}px)`;
  }

  seek(event) {
    if (!this.player || !this.player.src || this.goal) return;
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left - this.gutter;
    if (x < 0) return;
    const [start, width] = this.span();
    this.player.currentTime = Math.min(start + (x / (box.width - this.gutter)) * width, this.player.duration || 0);
    this.track();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (!width || !height) return;
    const scale = Math.min(devicePixelRatio || 1, 3);
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const c = this.canvas.getContext("2d");
    c.scale(scale, scale);
    const style = getComputedStyle(this.place);
    const ink = style.getPropertyValue("--ink");
    const soft = style.getPropertyValue("--soft");
    const line = style.getPropertyValue("--line");
    const dark = parseInt(style.getPropertyValue("--roll").trim().slice(1, 3), 16) < 128;
    const em = parseFloat(style.fontSize);
    const small = width < 480;
    this.gutter = (small ? 3.6 : 4.6) * em;
    const top = 1.35 * em;
    const [start, seconds] = this.span();
    const x = (s) => this.gutter + ((s - start) / seconds) * (width - this.gutter);
    c.font = `${0.72 * em}px system-ui, sans-serif`;
    c.textBaseline = "middle";
    let last = -99;
    this.data.bars.forEach((bar, index) => {
      if (bar < start || bar > start + seconds) return;
      c.fillStyle = line;
      c.fillRect(x(bar), top, 1, height);
      if (x(bar) - last > 2.2 * em) {
        c.fillStyle = soft;
        c.fillText(String(index + 1), x(bar) + 3, top / 2);
        last = x(bar);
      }
    });
    c.fillStyle = soft;
    c.fillText(t("bar"), 0.5 * em, top / 2);
    const lanes = this.data.lanes;
    const lane_height = (height - top) / Math.max(lanes.length, 1);
    lanes.forEach((lane, index) => {
      const y0 = top + index * lane_height;
      c.fillStyle = line;
      c.fillRect(0, y0, width, 1);
      const fill = dark ? mixed(lane.colour, [255, 255, 255], 0.35) : lane.colour;
      const edge = dark ? mixed(lane.colour, [255, 255, 255], 0.6) : mixed(lane.colour, [0, 0, 0], 0.35);
      c.fillStyle = c.createPattern(pattern(PATTERNS[index % PATTERNS.length], fill, edge), "repeat");
      c.fillRect(0.5 * em, y0 + lane_height / 2 - 0.95 * em, 0.7 * em, 0.5 * em);
      const brush = c.fillStyle;
      c.fillStyle = ink;
      c.fillText(speak(lane.family), 0.5 * em, y0 + lane_height / 2 + 0.15 * em, this.gutter - 0.7 * em);
      const pitches = lane.notes.map((note) => note[2]);
      const low = Math.min(...pitches) - 1;
      const high = Math.max(...pitches) + 1;
      const rows = Math.max(high - low, 12);
      const row = (lane_height - 6) / rows;
      const thick = Math.max(Math.min(row, 0.7 * em), 2.5);
      c.save();
      c.beginPath();
      c.rect(this.gutter, y0, width - this.gutter, lane_height);
      c.clip();
      c.strokeStyle = edge;
      for (const [onset, duration, pitch, velocity] of lane.notes) {
        if (onset > start + seconds || onset + duration < start) continue;
        const y = y0 + lane_height - 3 - (pitch - (low + high - rows) / 2 + 0.5) * row;
        const length = Math.max(x(onset + duration) - x(onset) - 1, 2);
        c.globalAlpha = 0.45 + (0.55 * velocity) / 127;
        c.fillStyle = brush;
        c.fillRect(x(onset), y - thick / 2, length, thick);
        c.globalAlpha = 1;
        c.lineWidth = 0.8;
        if (thick > 3) c.strokeRect(x(onset), y - thick / 2, length, thick);
      }
      c.restore();
    });
    c.fillStyle = line;
    c.fillRect(this.gutter, 0, 1, height);
  }
}
