// The pieces of this browser: those that are being made are followed, the others are shown again, compared, marked, named, taken out.

import { ask } from "./api.js";
import { Compare } from "./compare.js";
import { list, sentence, show, title } from "./result.js";
import { $, live } from "./place.js";
import { drop, keep, pieces } from "./shelf.js";
import { speak } from "./speak.js";
import { t } from "./words.js";
import { zipped } from "./zip.js";

const MOST = 60; // those with a star stay
const OFTEN_MS = 1500;
const LARGEST = 12e6; // bytes of a picture that is kept
const OVER = ["done", "stopped", "failed", "cancelled"];

export const nameOf = (piece) => piece.title || (piece.record ? title(piece.record) : piece.picture_name || piece.wishes.text || t("words"));
export const named = (piece) => t("title_and_seed", { title: nameOf(piece), seed: piece.seed });
const blobOf = async (address) => {
  const answer = await fetch(address).catch(() => null);
  return answer?.ok ? answer.blob() : null;
};

export class History {
  // onShow(piece) puts a piece back on the page, onFollow(piece, run) an unfinished one; current(): {running, shown} of the page
  constructor({ onShow, onFollow, current }) {
    Object.assign(this, { onShow, onFollow, current });
    this.pieces = [];
    this.states = new Map(); // of those that are being made, by their id
    this.addresses = new Map(); // of pictures
    this.lost = null; // the one that was on the page when the server fell silent
    $("save-all").addEventListener("click", () => this.saveAll());
    this.compare = new Compare(named, (act) => this.guarded(act));
  }

  piece(id) {
    return this.pieces.find((piece) => piece.id === id);
  }

  // the newest that is not finished goes on the page, the others are followed in the list
  async load() {
    this.pieces = await pieces();
    this.draw();
    for (const piece of this.pieces.filter(({ status }) => status === "unfinished")) {
      const run = await this.look(piece);
      if (run && !this.current().running && !this.followed) {
        this.followed = true;
        this.onFollow(piece, run);
      }
    }
    this.watch();
    // the page was left before all of it was kept
    for (const piece of this.pieces.filter(({ record, source, links }) => record && links && !source)) {
      const run = await ask(piece.links.self).catch(() => null);
      if (run) await this.complete(piece, run);
    }
  }

  // how an unfinished one stands; null when the server has lost it, or cannot be reached
  async look(piece) {
    try {
      const run = await ask(piece.links.self);
      this.states.set(piece.id, run);
      return run;
    } catch (error) {
      if (error.status !== 404) return null;
      piece.status = "lost";
      await keep(piece);
      this.draw();
      return null;
    }
  }

  watch() {
    clearTimeout(this.timer);
    const open = this.pieces.filter(({ status }) => status === "unfinished");
    if (!open.length) return;
    this.timer = setTimeout(async () => {
      for (const piece of open) {
        if (this.current().running?.id === piece.id) continue;
        const run = await this.look(piece);
        if (run && OVER.includes(run.status)) await this.end(run, await ask(run.links.roll).catch(() => null));
        else if (run && piece.id === this.lost && !this.current().running) this.onFollow(piece, run);
        else if (run) this.draw();
      }
      this.watch();
    }, OFTEN_MS);
  }

  // about: {wishes, point, picture, alt}
  async begin(run, { wishes, point, picture, alt }) {
    const { id, seed, links, picture_id } = run;
    const kept = picture && picture.size <= LARGEST ? picture : null;
    const piece = { id, seed, links, picture_id, wishes, point, alt, picture: kept, picture_name: picture?.name?.replace(/\.\w+$/, "") };
    Object.assign(piece, { created: Date.now(), status: "unfinished", title: "", star: false });
    this.pieces.unshift(piece);
    for (const old of this.pieces.filter(({ star, status }) => !star && status !== "unfinished").slice(MOST)) this.forget(old);
    this.draw();
    this.watch();
    await keep(piece);
  }

  async end(run, roll) {
    const piece = this.piece(run.id);
    if (!piece || piece.status === run.status) return;
    this.states.delete(run.id);
    if (!run.record || !roll || !["done", "stopped"].includes(run.status)) {
      this.forget(piece);
      if (run.status === "failed" && this.current().running?.id !== run.id) this.tell(`${nameOf(piece)}: ${speak(run.error)}`);
      return;
    }
    const { status, record, command, python, alt } = run;
    Object.assign(piece, { status, record, command, python, alt, roll });
    this.draw();
    await keep(piece);
    await this.complete(piece, run);
  }

  // what is kept beside the record, while the server has it
  async complete(piece, run) {
    piece.thumbnail = run.picture ? await blobOf(run.picture) : null;
    piece.midi = run.files.mid ? await blobOf(run.files.mid) : null;
    piece.source = run.files.json ? await (await blobOf(run.files.json))?.text() : null;
    await keep(piece);
  }

  thumbnail(piece) {
    if (!piece.thumbnail && !piece.picture) return piece.picture_id && this.states.get(piece.id)?.picture;
    if (!this.addresses.has(piece.id)) this.addresses.set(piece.id, URL.createObjectURL(piece.thumbnail || piece.picture));
    return this.addresses.get(piece.id);
  }

  forget(piece) {
    this.pieces = this.pieces.filter((other) => other !== piece);
    this.draw();
    return drop(piece.id);
  }

  tell(words) {
    $("e-history").textContent = words;
    $("e-history").hidden = !words;
    if (words) live(words);
  }

  // -- the list

  draw() {
    $("history").hidden = !this.pieces.length;
    $("save-all").hidden = !this.pieces.some(({ record }) => record);
    const focus = document.activeElement?.dataset?.act;
    const at = document.activeElement?.closest("#history-list li")?.dataset.piece;
    if (document.activeElement?.matches("#history-list input")) return; // somebody writes a name
    list($("history-list"), this.pieces, (piece) => this.row(piece));
    if (focus) document.querySelector(`#history-list li[data-piece="${at}"] [data-act="${focus}"]`)?.focus();
  }

  row(piece) {
    const item = document.createElement("li");
    item.dataset.piece = piece.id;
    item.classList.toggle("here", this.current().shown?.id === piece.id);
    const address = this.thumbnail(piece);
    if (address) item.append(Object.assign(document.createElement("img"), { src: address, alt: "" }));
    const what = Object.assign(document.createElement("div"), { className: "what" });
    const name = Object.assign(document.createElement("p"), { textContent: named(piece), className: "name" });
    const words = Object.assign(document.createElement("p"), { className: "help" });
    what.append(name, words);
    const row = Object.assign(document.createElement("div"), { className: "row" });
    const about = { name: named(piece) };
    if (piece.record) {
      words.textContent = sentence(piece.record.music.words);
      row.append(
        this.button("show", t("show"), t("show_piece", about), () => this.again(piece)),
        this.button("compare", t("compare"), t("compare_with", about), () => this.guarded(() => this.sideBySide(piece))),
        this.button("star", piece.star ? "★" : "☆", t("star", about), () => this.star(piece), piece.star),
        this.button("rename", "✎", t("rename", about), () => this.rename(piece, name)),
      );
    } else {
      const state = this.states.get(piece.id);
      const here = this.current().running?.id === piece.id;
      words.textContent = piece.status === "lost" ? t("run_lost") : here ? t("on_the_page") : this.stands(state);
      if (state?.status === "running" && !here)
        what.append(Object.assign(document.createElement("progress"), { max: 1, value: state.progress, ariaLabel: named(piece) }));
      if (piece.status === "lost") row.append(this.button("show", t("wishes_back"), t("show_piece", about), () => this.onShow(piece)));
    }
    row.append(this.button("delete", "✕", t("delete", about), () => this.remove(piece)));
    item.append(what, row);
    return item;
  }

  stands(state) {
    if (!state) return t("waiting");
    if (state.status === "queued") return state.place ? t("in_line", { place: state.place + 1 }) : t("your_turn");
    return t("step", { step: speak(state.step), percent: Math.round(state.progress * 100) });
  }

  button(act, words, label, run, pressed) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: words, title: label });
    button.dataset.act = act;
    if (words.length === 1) button.className = "quiet";
    button.setAttribute("aria-label", label);
    if (pressed !== undefined) button.setAttribute("aria-pressed", pressed);
    button.addEventListener("click", run);
    return button;
  }

  again(piece) {
    return this.guarded(async () => {
      await this.onShow(piece);
      this.draw();
    });
  }

  async guarded(act) {
    this.tell("");
    try {
      await act();
    } catch (error) {
      this.tell(error.message);
    }
  }

  star(piece) {
    piece.star = !piece.star;
    this.draw();
    return keep(piece);
  }

  rename(piece, place) {
    const input = Object.assign(document.createElement("input"), { type: "text", value: nameOf(piece), maxLength: 120 });
    input.setAttribute("aria-label", t("new_name"));
    let over = false;
    const done = (kept) => {
      if (over) return;
      over = true;
      if (kept) piece.title = input.value.trim();
      input.remove();
      this.draw();
      document.querySelector(`#history-list li[data-piece="${piece.id}"] [data-act="rename"]`)?.focus();
      if (kept) keep(piece);
      const { shown } = this.current();
      if (kept && shown?.id === piece.id) show(Object.assign(shown, { title: piece.title }), piece.roll);
    };
    input.addEventListener("keydown", (event) => {
      if (!["Enter", "Escape"].includes(event.key)) return;
      event.preventDefault(); // else it presses the button that the focus goes to
      done(event.key === "Enter");
    });
    input.addEventListener("blur", () => done(true));
    place.replaceChildren(input);
    input.select();
  }

  // from this browser and from the server; until something else is done it can be had back, from its record
  async remove(piece) {
    const at = this.pieces.indexOf(piece);
    await this.forget(piece);
    ask(piece.links.self, { method: "DELETE" }).catch(() => null);
    this.tell("");
    if (!piece.record) return;
    const back = this.button("undo", t("undo"), t("undo"), async () => {
      this.pieces.splice(at, 0, piece);
      await keep(piece);
      this.tell("");
      this.draw();
    });
    $("e-history").replaceChildren(t("deleted", { name: named(piece) }), " ", back);
    $("e-history").hidden = $("history").hidden = false;
  }

  // notes, record and picture of all, in one file
  async saveAll() {
    const files = [];
    for (const piece of this.pieces.filter(({ record }) => record)) {
      const stem = `${(piece.title || piece.record.picture?.name || "words").replace(/[/\\:*?"<>|]/g, "_")}-${piece.seed}`;
      const free = files.some(([name]) => name === `${stem}.json`) ? `${stem}-${piece.id.slice(0, 6)}` : stem;
      files.push([`${free}.json`, piece.source ?? JSON.stringify(piece.record, null, 2)]);
      if (piece.midi) files.push([`${free}.mid`, piece.midi]);
      if (piece.thumbnail) files.push([`${free}.jpg`, piece.thumbnail]);
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await zipped(files));
    link.download = "klangbild-pieces.zip";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // what is on the page beside another
  sideBySide(piece) {
    const { shown } = this.current();
    const other = shown?.record && shown.id !== piece.id ? this.piece(shown.id) : null;
    this.compare.show([other, piece].filter(Boolean));
  }
}
