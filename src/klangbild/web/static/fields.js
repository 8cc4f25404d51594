// The fields of the settings: read those that are not default, write a preset, show an error by its field.

import { $, live } from "./place.js";
import { number, written } from "./numbers.js";
import { known } from "./words.js";

// a number where the API wants one; what is none is sent as it is, and refused in words
function typed(text, type) {
  const value = type === "number" || type === "integer" ? number(text) : NaN;
  return Number.isNaN(value) ? text : value;
}

const shown = (value) => (typeof value === "number" ? written(value) : (value ?? ""));

// cards of which one is chosen, to be read and written like one field
function asOne(cards) {
  const chosen = () => cards.querySelector(":checked") ?? cards.querySelector("input");
  Object.defineProperty(cards, "value", {
    get: () => chosen().value,
    set: (value) => [...cards.querySelectorAll("input:enabled")].forEach((card) => (card.checked ||= card.value === value)),
  });
  cards.focus = () => chosen().focus();
}

export class Fields {
  constructor(known) {
    this.known = known;
    for (const slider of document.querySelectorAll("input[type=range][data-for]")) {
      const box = $(slider.dataset.for);
      slider.addEventListener("input", () => {
        box.value = written(Number(slider.value));
        box.dispatchEvent(new Event("change", { bubbles: true }));
      });
      box.addEventListener("input", () => (slider.value = number(box.value)));
    }
    for (const box of document.querySelectorAll("[data-step]"))
      box.addEventListener("keydown", (event) => this.step(box, event));
    const engine = $("k-engine");
    if (engine) asOne(engine);
    if (engine) engine.addEventListener("change", () => this.fit(engine.value));
    this.fit(engine ? engine.value : "notes");
  }

  // only what the engine listens to is shown
  fit(engine) {
    for (const field of document.querySelectorAll("[data-engines]"))
      field.hidden = !field.dataset.engines.split(" ").includes(engine);
  }

  // a number goes up and down by the arrow keys, as far as it may
  step(box, event) {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const { low, high, step } = box.dataset;
    const from = number(box.value);
    const value = Number.isNaN(from) ? Number(low) : from + way * Number(step);
    box.value = written(Number(Math.min(Math.max(value, Number(low)), Number(high)).toFixed(4)));
    for (const kind of ["input", "change"]) box.dispatchEvent(new Event(kind, { bubbles: true }));
  }

  // {name: value} of what differs from its default; files are left to `files`
  values() {
    const given = {};
    for (const part of document.querySelectorAll("[data-field]")) {
      const name = part.dataset.field;
      const { kind, default: standard } = this.known[name];
      if (part.closest("[data-engines]").hidden || kind === "file") continue;
      if (kind === "many") {
        const chosen = [...part.querySelectorAll(":checked")].map((box) => box.value);
        if (chosen.length) given[name] = chosen;
      } else if (kind === "switch") {
        if (part.checked) given[name] = true;
      } else if (part.value.trim() !== "") {
        const value = typed(part.value.trim(), this.known[name].type);
        if (String(value) !== String(standard ?? "")) given[name] = value;
      }
    }
    // one length only: bars or tokens instead of seconds
    if (given.bars || given.gen_len) delete given.seconds;
    return given;
  }

  files() {
    const file = $("k-continue_from")?.files[0];
    return file ? { continue_from: file } : {};
  }

  write(values) {
    for (const part of document.querySelectorAll("[data-field]")) {
      const { kind, default: standard } = this.known[part.dataset.field];
      const value = values[part.dataset.field] ?? null;
      if (kind === "many") {
        const chosen = Array.isArray(value) ? value : String(value ?? "").split(",");
        for (const box of part.querySelectorAll("input")) box.checked = chosen.includes(box.value);
      } else if (kind === "switch") part.checked = Boolean(value);
      else if (kind === "file") part.value = "";
      else {
        const before = part.value;
        part.value = shown(value ?? standard);
        // sliders follow, and words are read anew, where something changed
        if (part.value !== before) part.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
    this.fit($("k-engine")?.value || "notes");
  }

  clear() {
    for (const place of document.querySelectorAll(".error")) place.hidden = true;
    for (const part of document.querySelectorAll("[aria-invalid]")) part.removeAttribute("aria-invalid");
  }

  // one sentence by the field it belongs to, which is opened and given the focus
  complain(error, elsewhere = "e-general") {
    const place = (error.field && $(`e-${error.field}`)) || $(elsewhere);
    place.textContent = error.message;
    place.hidden = false;
    const first = (name) => document.querySelector(`[data-field="${name}"] input`); // of several boxes
    const field =
      error.field &&
      (error.field === "picture" ? $("file") : $(`k-${error.field}`) || first(error.field) || $(error.field));
    if (field) {
      field.closest("details")?.setAttribute("open", "");
      field.setAttribute("aria-invalid", "true");
      field.focus();
    }
    live(error.message);
  }
}

export const fields = new Fields(known.fields);
