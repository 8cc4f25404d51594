// What we see: the mood that was read of picture and words, why, and the pad on which it can be moved.

import { ask } from "./api.js";
import { fields } from "./fields.js";
import { number, signed, written } from "./numbers.js";
import { Pad } from "./pad.js";
import { $, live } from "./place.js";
import { list } from "./result.js";
import { speak, speakLine } from "./speak.js";
import { capital, known, t } from "./words.js";

export const pad = new Pad($("pad"), { ring: known.ring, centre: known.centre, onMove: moved });

// picture: {id, name} as the server knows it; reading: the reading under way
export const mood = { picture: null, reading: Promise.resolve() };
let ticket = 0; // only the newest reading may write

// another picture: what was heard in the piece of before says nothing of it
export const unheard = () => document.dispatchEvent(new CustomEvent("heard", { detail: null }));

// forget the picture, and what is being read of it
export function forget() {
  ticket += 1;
  mood.picture = null;
}

export function wordsAndReader() {
  const { text, emotion_model, kind } = fields.values();
  return Object.fromEntries(Object.entries({ text, emotion_model, kind }).filter(([, value]) => value));
}

// whether it could be read: false, or undefined when a newer reading has taken its place
export function read(request, field) {
  const mine = ++ticket;
  $("see").setAttribute("aria-busy", "true");
  mood.reading = request()
    .then((seen) => {
      if (mine !== ticket) return undefined;
      see(seen);
      return true;
    })
    .catch((error) => {
      if (mine !== ticket) return undefined;
      error.field ||= field;
      fields.complain(error);
      return false;
    })
    .finally(() => mine === ticket && $("see").removeAttribute("aria-busy"));
  return mood.reading;
}

export function see(seen, keep = false) {
  $("see-full").hidden = false;
  const other = seen.picture && mood.picture?.id !== seen.picture.id;
  if (seen.picture) mood.picture = seen.picture;
  // a mood that came with loaded settings, before there was any picture, holds for the first one
  pad.predict(seen.asked, keep || !other || !pad.predicted);
  const { emotion } = seen;
  const spread = (value) => (value ? ` ± ${written(value, 2)}` : "");
  $("read").textContent = t("rated", {
    valence: signed(emotion.valence) + spread(emotion.valence_spread),
    arousal: signed(emotion.arousal) + spread(emotion.arousal_spread),
    name: speak(emotion.name),
  });
  list($("reasons"), seen.reasons.length ? seen.reasons : [t("no_reasons")], (words) => {
    const item = document.createElement("li");
    item.textContent = speakLine(words);
    return item;
  });
  $("palette-part").hidden = !seen.palette;
  list($("palette"), seen.palette || [], (colour) => {
    const item = document.createElement("li");
    item.innerHTML = '<svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10"/></svg>';
    item.querySelector("rect").setAttribute("fill", colour.hex);
    item.append(`${speak(colour.name)} ${Math.round(colour.share * 100)} %`);
    return item;
  });
  $("alt-field").hidden = !seen.alt;
  if (seen.alt && !$("alt").value) $("alt").value = speak(seen.alt);
  if (seen.alt) $("preview").alt = $("alt").value;
  live(speak(seen.words || ""));
}

// a course goes before the point, and says so
export function course() {
  const { path, gaze } = fields.values();
  return path ? "path" : gaze ? "gaze" : null;
}

function moved(point, byHand) {
  const name = pad.name(point);
  const first = course();
  $("pad-note").hidden = !(byHand && first);
  if (first) $("pad-note").textContent = t("course_first", { setting: known.fields[first].label });
  byHand &&= !first;
  $("mood").textContent = byHand ? t("by_hand", { mood: capital(name) }) : capital(name);
  for (const axis of ["valence", "arousal"]) $(axis).value = written(point[axis], 2);
  $("pad-reset").hidden = $("pad-make").hidden = !pad.moved;
}

// what was asked and what is heard in the piece that is shown, on one scale: two dots and a sentence
document.addEventListener("heard", ({ detail }) => {
  pad.hear(detail);
  $("asked-heard").hidden = !detail;
  if (!detail) return;
  const [asked, heard] = [pad.name(detail.asked), pad.name(detail)];
  $("asked-heard").textContent = detail.stretches
    ? t("course_heard", { words: capital(speak(detail.words)) })
    : t(asked === heard ? "sounds_as_asked" : "sounds_otherwise", { asked, heard });
});
$("how").addEventListener("toggle", () => pad.showOpinions($("how").open));

for (const axis of ["valence", "arousal"])
  $(axis).addEventListener("change", () => {
    const value = number($(axis).value);
    if (Number.isFinite(value)) pad.move({ ...pad.point, [axis]: value });
    else moved(pad.point, pad.moved);
  });
$("pad-reset").addEventListener("click", () => {
  pad.reset();
  $("pad").querySelector(".handle").focus();
});

for (const name of ["path", "gaze"]) $(`k-${name}`).addEventListener("change", () => moved(pad.point, pad.moved));

let typing = 0;
export const stopTyping = () => clearTimeout(typing);

function readAgain() {
  stopTyping();
  typing = setTimeout(() => {
    const values = wordsAndReader();
    if (!values.text && !mood.picture) return;
    fields.clear();
    const query = new URLSearchParams(values);
    if (mood.picture) query.set("picture", mood.picture.id);
    read(() => ask(`/v1/emotion?${query}`), "text");
  }, 500);
}
for (const name of ["text", "emotion_model", "kind"]) $(`k-${name}`).addEventListener("input", readAgain);
