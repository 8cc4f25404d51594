// Several takes of one wish, each a run of its own: all are kept, and heard by keys from the place where another one is.

import { ask } from "./api.js";
import { history, music } from "./making.js";
import { $, live } from "./place.js";
import { list, player, show } from "./result.js";
import { t } from "./words.js";

const OFTEN_MS = 700;
let takes = []; // ids of runs, in order
let timer = 0;

export const wanted = () => Number($("takes").value);

// ids: of the runs of one wish; one alone needs no row
export function hold(ids) {
  takes = ids.length > 1 ? ids : [];
  draw();
}

const piece = (id) => history.piece(id);

function draw() {
  clearTimeout(timer);
  const row = $("takes-row");
  row.hidden = !takes.length;
  if (!takes.length) return;
  const ready = takes.filter((id) => piece(id)?.record);
  list(row, takes, (id, index) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: t("take", { number: index + 1 }) });
    button.disabled = !piece(id)?.record;
    button.setAttribute("aria-pressed", music.shown?.id === id);
    button.addEventListener("click", () => hear(index + 1));
    return button;
  });
  if (ready.length > 1) {
    const side = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: t("takes_beside") });
    side.addEventListener("click", () => {
      history.compare.show(takes.map(piece).filter((one) => one?.record));
      $("compare").scrollIntoView({ block: "nearest" });
    });
    row.append(side);
  }
  if (takes.some((id) => piece(id)?.status === "unfinished")) timer = setTimeout(draw, OFTEN_MS);
}

// a take, from where the one before it is heard
async function hear(number) {
  const one = piece(takes[number - 1]);
  if (!one?.record || music.running?.id === one.id || music.shown?.id === one.id) return;
  const run = await ask(one.links.self).catch(() => null);
  if (!run) {
    await history.again(one);
    return draw();
  }
  const [at, playing] = [player.seconds, player.playing];
  music.shown = { ...run, roll: one.roll };
  show(music.shown, one.roll);
  live(t("take_shown", { number }));
  draw();
  player.seek(Math.min(at, one.roll.seconds));
  if (playing) await player.play();
}

document.addEventListener("take", (event) => {
  if (event.defaultPrevented || !takes.length || event.detail.number > takes.length) return;
  event.preventDefault();
  hear(event.detail.number);
});
document.addEventListener("shown", draw);
