// The ready-made examples: one click plays one, and its picture is there to be made anew with other wishes.

import { ask, post } from "./api.js";
import { fields } from "./fields.js";
import { music } from "./making.js";
import { forget, pad, read, see, wordsAndReader } from "./mood.js";
import { given, preview } from "./picture.js";
import { $, live } from "./place.js";
import { lookAtResult, sentence, show, transport } from "./result.js";
import { speak } from "./speak.js";
import { known, t } from "./words.js";

for (const card of document.querySelectorAll(".example"))
  card.addEventListener("click", async () => {
    if (music.running) return;
    fields.clear();
    const example = known.examples[card.dataset.example];
    for (const other of document.querySelectorAll(".example")) other.removeAttribute("aria-current");
    card.setAttribute("aria-current", "true");
    const base = "/examples/";
    const ready = await ask(base + example.result);
    const files = Object.fromEntries(Object.entries(ready.files).map(([kind, name]) => [kind, base + name]));
    const { command, python, record } = ready;
    const about = { id: example.result, status: "done", alt: example.alt, picture: base + example.picture, roll: ready.roll };
    music.shown = { ...about, title: speak(example.title), record, command, python, files, sound: base + ready.sound, played: files.mid };
    show(music.shown, ready.roll);
    lookAtResult();
    transport.toggle();
    // the same picture, ready to be made anew with other wishes
    forget();
    pad.moved = false;
    $("alt").value = speak(example.alt);
    preview(base + example.picture);
    see(ready.reading);
    live(t("plays", { title: music.shown.title, words: sentence(record.music.words) }));
    const bytes = await (await fetch(base + example.picture)).blob();
    const file = new File([bytes], example.picture, { type: "image/jpeg" });
    given.file = file;
    await read(() => post("/v1/emotion", wordsAndReader(), { picture: file }), "picture");
  });
