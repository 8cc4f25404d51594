// The result: roll, player, facts, downloads, how to make it again. What is shown is what plays, or nothing does.

import { alive } from "./again.js";
import { Mixer } from "./mixer.js";
import { signed, written } from "./numbers.js";
import { $, live } from "./place.js";
import { Player } from "./player.js";
import { Roll } from "./roll.js";
import { speak, speakLine } from "./speak.js";
import { Transport, clock } from "./transport.js";
import { capital, known, t } from "./words.js";

export const player = new Player($("sound"));
export const mixer = new Mixer($("lane-heads"), player);
export const roll = new Roll($("roll"), { player, heads: mixer });
export const transport = new Transport(player, roll, mixer);

for (const button of document.querySelectorAll("[data-copy]"))
  button.addEventListener("click", async () => {
    const place = $(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(place.textContent);
      live((button.textContent = t("copied")));
    } catch {
      // without a secure context there is no clipboard: select it, so that Ctrl-C does it
      getSelection().selectAllChildren(place);
      button.textContent = t("selected");
    }
    setTimeout(() => (button.textContent = t("copy")), 2000);
  });

export function factsOf(record) {
  const { music, emotion, sound, heard } = record;
  return {
    length: clock((sound || music).seconds), // the sound may still be in the making
    tempo: music.tempo ? t("bpm", { tempo: Math.round(music.tempo) }) : null,
    key: speak(music.key),
    meter: music.meter,
    instruments: (music.instruments || []).map(speak).join(", "),
    mood: `${signed(emotion.asked.valence)}, ${signed(emotion.asked.arousal)}`,
    sounds: heard ? `${signed(heard.valence)}, ${signed(heard.arousal)}` : null,
    loudness: sound ? t("lufs", { lufs: written(sound.lufs) }) : null,
    model: record.model.name,
    seed: record.seed,
  };
}

export function title(record) {
  const name = record.picture ? record.picture.name.replace(/[-_]+/g, " ") : record.settings.text || t("words");
  return capital(name);
}

// what a sound model understood of the words, and what was asked for and is not quite so
export function heardOf({ music, told = [] }) {
  const { words_heard: heard = [], words_avoided: avoided = [] } = music;
  return [
    ...(heard.length ? [t("heard", { words: heard.join(", ") })] : []),
    ...(avoided.length ? [t("avoided", { words: avoided.join(", ") })] : []),
    ...told.map((line) => capital(speakLine(line))),
  ];
}

// "2-3,5" -> [[1, 2], [4, 4]]: bars from 0
function spans(bars) {
  return (bars ? String(bars).split(",") : []).map((part) => {
    const [first, last = first] = part.split("-").map((bar) => Number(bar) - 1);
    return [first, last];
  });
}

// a run, and its roll, as the player and the rolls know it
export function trackOf(run, data) {
  const { record } = run;
  const families = data.lanes.map((lane) => lane.family);
  return {
    id: run.id,
    title: run.title || title(record),
    sound: run.sound,
    seconds: data.seconds,
    bars: data.bars,
    families,
    file: `${record.picture?.name ?? "words"}-${record.seed}`,
    about: t("mix_of", { title: title(record), seed: record.seed, model: record.model.name }),
    async lanes() {
      const { links } = await alive(run);
      return Object.fromEntries(families.map((family) => [family, `${links.lanes}/${family}.flac`]));
    },
  };
}

// run: {id, record, sound, files, picture, alt, command, python, status, title}; data: its roll
export function show(run, data) {
  const { record } = run;
  document.body.dataset.stage = "result";
  $("result-full").hidden = $("finished").hidden = false;
  const track = trackOf(run, data);
  roll.show(data, { words: record.music.words, track, anew: spans(record.edit?.wish.bars) });
  player.hold(track);
  const picture = $("result-picture");
  picture.hidden = !run.picture;
  if (run.picture) {
    picture.src = run.picture;
    picture.alt = run.alt || t("its_picture");
  }
  const name = run.title || title(record);
  $("piece-name").textContent = run.status === "stopped" ? t("stopped_early", { title: name }) : name;
  const asked = record.heard ? sentence(record.heard.words) : "";
  $("piece-words").textContent = `${sentence(record.music.words)} ${asked}`.trim();
  document.dispatchEvent(new CustomEvent("shown", { detail: run }));
  document.dispatchEvent(new CustomEvent("heard", { detail: record.heard ? { ...record.heard, asked: record.emotion.asked } : null }));
  list($("heard"), heardOf(record), (words) => item(words));
  list($("facts"), Object.entries(factsOf(record)).filter(([, value]) => value), ([fact, value]) => {
    const part = item(`${t(`fact_${fact}`)} ${value}`);
    if (fact === "seed") part.id = "seed";
    return part;
  });
  $("again").textContent = t("again_with", { seed: record.seed });
  list($("downloads"), Object.entries(run.files || {}).filter(([kind]) => known.files[kind]), ([kind, url]) => {
    const [word, about] = known.files[kind];
    const link = document.createElement("a");
    link.href = `${url}?download=true`;
    link.download = decodeURIComponent(url.split("/").pop());
    link.textContent = word;
    link.title = about;
    return item(link);
  });
  $("command").textContent = run.command;
  $("python").textContent = run.python;
}

// to the result, where it is not in sight from its beginning
export function lookAtResult() {
  const top = $("result").getBoundingClientRect().top;
  if (top < 0 || top > innerHeight / 3) $("result").scrollIntoView({ block: "start" });
}

function item(...inside) {
  const part = document.createElement("li");
  part.append(...inside);
  return part;
}

export function sentence(words) {
  return words ? `${capital(speak(words))}.` : "";
}

export function list(place, items, make) {
  place.replaceChildren(...items.map(make));
}
