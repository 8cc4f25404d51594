// What was made in this browser session: shown again, or compared with what is on the page now. Nothing is kept elsewhere.

import { ask } from "./api.js";
import { $ } from "./place.js";
import { factsOf, list, sentence, title } from "./result.js";
import { Roll } from "./roll.js";
import { known, t } from "./words.js";

const KEPT = "klangbild-runs";
const MOST = 30;

const named = ({ record }) => t("title_and_seed", { title: title(record), seed: record.seed });

export class History {
  // onShow(run, roll) puts a piece back on the page; current() is the run that is there now
  constructor({ onShow, current }) {
    this.onShow = onShow;
    this.current = current;
    this.runs = new Map();
    this.load();
  }

  ids() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT)) || [];
    } catch {
      return [];
    }
  }

  keep(ids) {
    sessionStorage.setItem(KEPT, JSON.stringify(ids.slice(0, MOST)));
  }

  async load() {
    for (const id of this.ids()) {
      try {
        const run = await ask(`/v1/runs/${id}`);
        if (run.record) this.runs.set(id, run);
      } catch {
        // removed after its hour
        this.keep(this.ids().filter((other) => other !== id));
      }
    }
    this.draw();
  }

  begin(run) {
    this.keep([run.id, ...this.ids().filter((id) => id !== run.id)]);
  }

  end(run) {
    this.runs.set(run.id, run);
    this.draw();
  }

  draw() {
    const runs = this.ids().map((id) => this.runs.get(id)).filter(Boolean);
    $("history").hidden = !runs.length;
    list($("history-list"), runs, (run) => {
      const item = document.createElement("li");
      if (run.picture) {
        const picture = document.createElement("img");
        picture.src = run.picture;
        picture.alt = "";
        item.append(picture);
      }
      const what = document.createElement("div");
      what.className = "what";
      const name = document.createElement("p");
      const about = named(run);
      name.textContent = about;
      const words = document.createElement("p");
      words.className = "help";
      words.textContent = sentence(run.record.music.words);
      what.append(name, words);
      const row = document.createElement("div");
      row.className = "row";
      row.append(
        this.button(t("show"), t("show_piece", { name: about }), () => this.again(run)),
        this.button(t("compare"), t("compare_with", { name: about }), () => this.compare(run)),
      );
      item.append(what, row);
      return item;
    });
  }

  button(words, label, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", act);
    return button;
  }

  again(run) {
    return this.guarded(run, async () => this.onShow(run, await ask(run.links.roll)));
  }

  compare(run) {
    return this.guarded(run, () => this.sideBySide(run));
  }

  // what the server has removed leaves the list, and says so
  async guarded(run, act) {
    $("e-history").hidden = true;
    try {
      await act();
    } catch (error) {
      $("e-history").textContent = $("live").textContent = error.message;
      $("e-history").hidden = false;
      if (error.status !== 404) return;
      this.runs.delete(run.id);
      this.keep(this.ids().filter((id) => id !== run.id));
      this.draw();
      $("history").hidden = false;
    }
  }

  async sideBySide(run) {
    const place = $("compare");
    const now = this.current();
    const both = [now && now.record && now.links && now.id !== run.id ? now : null, run].filter(Boolean);
    const rolls = await Promise.all(both.map((one) => ask(one.links.roll)));
    const heading = document.createElement("h3");
    heading.textContent = t(both.length > 1 ? "side_by_side" : "the_chosen");
    const two = document.createElement("div");
    two.className = "two";
    place.replaceChildren(heading, two);
    place.hidden = false;
    for (const [index, one] of both.entries()) {
      const part = document.createElement("div");
      const name = document.createElement("p");
      name.textContent = named(one);
      const shape = document.createElement("div");
      shape.className = "roll";
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      const cursor = document.createElement("div");
      cursor.className = "cursor";
      shape.append(canvas, cursor);
      const player = document.createElement("audio");
      player.controls = true;
      player.preload = "metadata";
      player.src = one.sound;
      player.volume = $("player").volume;
      player.setAttribute("aria-label", t("play", { name: name.textContent }));
      part.append(name, shape, player);
      two.append(part);
      const roll = new Roll(shape);
      roll.show(rolls[index], { words: one.record.music.words });
      roll.follow(player);
    }
    if (both.length > 1) place.append(this.differences(...both));
  }

  differences(a, b) {
    const rows = [];
    const [fa, fb] = [factsOf(a.record), factsOf(b.record)];
    for (const name of Object.keys(fa)) if (String(fa[name]) !== String(fb[name])) rows.push([t(`fact_${name}`), fa[name], fb[name]]);
    for (const name of Object.keys(a.record.settings)) {
      const [x, y] = [a.record.settings[name], b.record.settings[name]];
      if (name !== "seed" && JSON.stringify(x) !== JSON.stringify(y)) rows.push([known.fields[name]?.label ?? name, x, y]);
    }
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const words of [t("differs"), ...[a, b].map(named)]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = words;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      for (const value of row) line.insertCell().textContent = value === null || value === undefined ? t("auto") : String(value);
    }
    return table;
  }
}
