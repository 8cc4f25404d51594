// Working on the piece that is shown: gone on from, bars written anew, the tune with other players, a little otherwise.

import { post } from "./api.js";
import { alive } from "./again.js";
import { fields } from "./fields.js";
import { launch, music } from "./making.js";
import { mood } from "./mood.js";
import { given } from "./picture.js";
import { $ } from "./place.js";
import { player } from "./result.js";
import { hold } from "./takes.js";
import { t } from "./words.js";

// of a piece that goes on: its length is added to, and its bars say the rest
const NOT_GONE_ON_WITH = ["exact", "hits", "loop", "key", "path", "gaze", "seed"];

function about(wishes) {
  return { wishes, point: {}, picture: given.file, alt: $("alt").value };
}

// wish: as POST /v1/edit takes it
function edit(wish) {
  const { record } = music.shown;
  return launch(async () => {
    const source = await alive(music.shown);
    const run = await post("/v1/edit", { run: source.id, ...wish });
    hold([run.id]);
    return { run, about: about(record.settings), goal: record.music.seconds };
  }, "e-work");
}

function goOn() {
  return launch(async () => {
    const source = await alive(music.shown);
    const notes = await (await fetch(source.files.mid)).blob();
    const wishes = fields.values();
    for (const name of NOT_GONE_ON_WITH) delete wishes[name];
    const of_picture = mood.picture ? { picture_id: mood.picture.id, alt: $("alt").value } : {};
    const file = new File([notes], decodeURIComponent(source.files.mid.split("/").pop()), { type: "audio/midi" });
    if (!mood.picture && !wishes.text) wishes.text = music.shown.record.settings.text || music.shown.record.emotion.asked.name;
    const run = await post("/v1/compose", { ...wishes, ...of_picture }, { continue_from: file });
    hold([run.id]);
    return { run, about: about(wishes), goal: music.shown.record.music.seconds };
  }, "e-work");
}

const CHIPS = {
  calmer: () => ({ calmer: true }),
  livelier: () => ({ livelier: true }),
  brighter: () => ({ brighter: true }),
  darker: () => ({ darker: true }),
  fewer: ({ music: { instruments } }) => ({ players: instruments.slice(0, -1).join(",") }),
};

$("go-on").addEventListener("click", goOn);
$("keep-tune").addEventListener("click", () => edit({ keep: "melody" }));
$("anew").addEventListener("submit", (event) => {
  event.preventDefault();
  edit({ bars: $("anew-bars").value.trim() });
});
for (const chip of document.querySelectorAll("#work [data-chip]"))
  chip.addEventListener("click", () => edit({ ...CHIPS[chip.dataset.chip](music.shown.record), seed: music.shown.record.seed }));

// the bars of the loop are those that are meant
function bars() {
  const { loop, track } = player;
  if (!loop || !track || document.activeElement === $("anew-bars")) return;
  const [a, b] = [player.bar(loop[0]) + 1, player.bar(Math.max(loop[1] - 0.02, loop[0])) + 1];
  $("anew-bars").value = a === b ? String(a) : `${a}-${b}`;
}
player.addEventListener("change", bars);

document.addEventListener("shown", ({ detail: { record } }) => {
  const notes = (record.music.instruments || []).length > 0;
  $("work").hidden = !notes;
  for (const chip of document.querySelectorAll('#work [data-chip="fewer"]')) chip.disabled = (record.music.instruments || []).length < 2;
  $("anew-bars").placeholder = t("bars_like", { last: Math.min(4, record.music.bars || 4) });
});
