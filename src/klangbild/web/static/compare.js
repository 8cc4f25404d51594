// Two pieces side by side, with one player for both: another one is heard from the place where the first is.

import { alive } from "./again.js";
import { $ } from "./place.js";
import { factsOf, player, trackOf } from "./result.js";
import { Roll } from "./roll.js";
import { known, t } from "./words.js";

export class Compare {
  // named(piece): what it is called; guarded(act): does it, and tells what went wrong
  constructor(named, guarded) {
    Object.assign(this, { named, guarded });
    document.addEventListener("take", (event) => this.number(event));
  }

  show(pieces) {
    const heading = Object.assign(document.createElement("h3"), { textContent: t(pieces.length > 1 ? "side_by_side" : "the_chosen") });
    const two = Object.assign(document.createElement("div"), { className: "two" });
    $("compare").replaceChildren(heading, two);
    $("compare").hidden = false;
    this.sides = [];
    for (const [index, piece] of pieces.entries()) two.append(this.side(piece, index));
    if (pieces.length > 1) $("compare").append(this.differences(...pieces));
  }

  side(piece, index) {
    const part = document.createElement("div");
    const shape = document.createElement("div");
    shape.classList.add("roll", "small");
    shape.innerHTML = '<div class="roll-sight" tabindex="-1"><div class="roll-wide"><canvas role="img"></canvas></div></div>';
    const roll = new Roll(shape, { player });
    // its sound is asked for, or made again, when it is first heard
    const hear = () =>
      this.guarded(async () => {
        const { sound } = await alive(piece);
        const at = player.track && this.sides.some(({ id }) => id === player.track.id) ? player.seconds : 0;
        const track = trackOf({ ...piece, sound }, piece.roll);
        roll.show(piece.roll, { words: piece.record.music.words, track });
        if (player.track?.id === piece.id) return player.toggle();
        player.hold(track, { at });
        return player.play();
      });
    this.sides.push({ id: piece.id, hear });
    const play = Object.assign(document.createElement("button"), { type: "button", textContent: `${index + 1}: ${this.named(piece)}` });
    play.setAttribute("aria-label", t("play", { name: this.named(piece) }));
    play.addEventListener("click", hear);
    part.append(play, shape);
    requestAnimationFrame(() => roll.show(piece.roll, { words: piece.record.music.words, track: trackOf(piece, piece.roll) }));
    return part;
  }

  // a key from 1 to 4
  number(event) {
    const side = !$("compare").hidden && this.sides?.length > 1 && this.sides[event.detail.number - 1];
    if (!side) return;
    event.preventDefault();
    if (player.track?.id !== side.id || !player.playing) side.hear();
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
    for (const words of [t("differs"), ...[a, b].map(this.named)]) {
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
