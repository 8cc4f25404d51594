// The result: player, facts, downloads, how to make it again. Given a run as the server describes it, or a ready-made example.

import { signed, written } from "./numbers.js";
import { $, live } from "./place.js";
import { Roll } from "./roll.js";
import { speak, speakLine } from "./speak.js";
import { capital, known, t } from "./words.js";

const VOLUME = "klangbild-volume";

export const roll = new Roll($("roll"));
roll.follow($("player"));
prepare($("player"));

function prepare(player) {
  const kept = parseFloat(localStorage.getItem(VOLUME));
  if (kept >= 0 && kept <= 1) player.volume = kept;
  player.addEventListener("volumechange", () => localStorage.setItem(VOLUME, player.volume));
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
}

export function factsOf(record) {
  const { music, emotion, sound, heard } = record;
  const seconds = (sound || music).seconds; // the sound may still be in the making
  const whole = Math.round(seconds);
  const minutes = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  return {
    length: minutes,
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

// run: {record, sound, files, picture, alt, command, python, status}
export function show(run) {
  const { record } = run;
  $("result-full").hidden = $("finished").hidden = false;
  $("result-empty").hidden = true;
  const player = $("player");
  if (run.sound && player.getAttribute("src") !== run.sound) player.src = run.sound;
  player.title = run.sound ? decodeURIComponent(run.sound.split("/").pop()) : "";
  player.setAttribute("aria-label", t("play", { name: player.title }));
  const picture = $("result-picture");
  picture.hidden = !run.picture;
  if (run.picture) {
    picture.src = run.picture;
    picture.alt = run.alt || t("its_picture");
  }
  $("piece-name").textContent = run.status === "stopped" ? t("stopped_early", { title: title(record) }) : title(record);
  const asked = record.heard ? sentence(record.heard.words) : "";
  $("piece-words").textContent = `${sentence(record.music.words)} ${asked}`.trim();
  document.dispatchEvent(new CustomEvent("heard", { detail: record.heard ? { ...record.heard, asked: record.emotion.asked } : null }));
  list($("heard"), heardOf(record), (words) => {
    const item = document.createElement("li");
    item.textContent = words;
    return item;
  });
  list($("facts"), Object.entries(factsOf(record)).filter(([, value]) => value), ([name, value]) => {
    const item = document.createElement("li");
    item.textContent = `${t(`fact_${name}`)} ${value}`;
    if (name === "seed") item.id = "seed";
    return item;
  });
  $("again").textContent = t("again_with", { seed: record.seed });
  list($("downloads"), Object.entries(run.files || {}).filter(([kind]) => known.files[kind]), ([kind, url]) => {
    const [name, about] = known.files[kind];
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${url}?download=true`;
    link.download = decodeURIComponent(url.split("/").pop());
    link.textContent = name;
    link.title = about;
    item.append(link);
    return item;
  });
  $("command").textContent = run.command;
  $("python").textContent = run.python;
}

export function sentence(words) {
  return words ? `${capital(speak(words))}.` : "";
}

export function list(place, items, make) {
  place.replaceChildren(...items.map(make));
}
