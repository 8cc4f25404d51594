// The page: a picture comes in, its mood is read and can be moved, music is made and kept.

import { ask, follow, post } from "./api.js";
import { Fields } from "./fields.js";
import { History } from "./history.js";
import { Pad, signed } from "./pad.js";
import { heardOf, list, prepare, sentence, show, title } from "./result.js";
import { Roll } from "./roll.js";
import { capital, known, t } from "./words.js";

const $ = (id) => document.getElementById(id);
const live = (words) => ($("live").textContent = words);

const fields = new Fields(known.fields);
const pad = new Pad($("pad"), { ring: known.ring, centre: known.centre, onMove: moved });
const roll = new Roll($("roll"));
const history = new History({ onShow: bringBack, current: () => shown });
prepare($("player"), known.files);
roll.follow($("player"));

let picture = null; // {id, name} as the server knows it
let reading = Promise.resolve(); // the reading under way
let ticket = 0; // only the newest reading may write
let running = null;
let shown = null;

// ---- the picture ------------------------------------------------------------------------------------------------------

async function take(file) {
  fields.clear();
  for (const card of document.querySelectorAll(".example")) card.removeAttribute("aria-current");
  picture = null;
  preview(URL.createObjectURL(file));
  $("alt").value = "";
  await read(() => post("/v1/emotion", wordsAndReader(), { picture: file }), "picture");
}

function preview(url) {
  const image = $("preview");
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
  image.onerror = () => (image.hidden = true);
  image.onload = () => (image.hidden = false);
  image.src = url;
  image.alt = t("your_picture");
  $("drop").classList.add("has");
  $("drop").querySelector(".drop-words span").textContent = t("drop_another");
}

function noPicture() {
  picture = null;
  $("preview").hidden = true;
  $("drop").classList.remove("has");
  $("alt-field").hidden = true;
}

$("file").addEventListener("change", (event) => event.target.files[0] && take(event.target.files[0]));
addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files || [])].find((one) => one.type.startsWith("image/"));
  if (file) {
    event.preventDefault();
    take(file);
  }
});
for (const name of ["dragenter", "dragover"])
  addEventListener(name, (event) => {
    if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
    event.preventDefault();
    $("drop").classList.add("over");
  });
addEventListener("dragleave", (event) => event.relatedTarget || $("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file) take(file);
});
$("fetch")?.addEventListener("click", async () => {
  fields.clear();
  $("alt").value = "";
  await read(() => post("/v1/emotion", { ...wordsAndReader(), picture_url: $("url").value }), "picture");
  if (picture) preview(`/v1/pictures/${picture.id}`);
});
$("alt").addEventListener("input", () => ($("preview").alt = $("alt").value || t("your_picture")));

// ---- what we see ------------------------------------------------------------------------------------------------------

function wordsAndReader() {
  const { text, emotion_model, kind } = fields.values();
  return Object.fromEntries(Object.entries({ text, emotion_model, kind }).filter(([, value]) => value));
}

function read(request, field) {
  const mine = ++ticket;
  $("see").setAttribute("aria-busy", "true");
  reading = request()
    .then((seen) => mine === ticket && see(seen))
    .catch((error) => {
      if (mine !== ticket) return;
      if (field === "picture" && !picture) noPicture();
      error.field ||= field;
      fields.complain(error);
    })
    .finally(() => mine === ticket && $("see").removeAttribute("aria-busy"));
  return reading;
}

function see(seen, keep = false) {
  $("see-empty").hidden = true;
  $("see-full").hidden = false;
  const other = seen.picture && (!picture || picture.id !== seen.picture.id);
  if (seen.picture) picture = seen.picture;
  // a mood that came with loaded settings, before there was any picture, holds for the first one
  pad.predict(seen.asked, keep || !other || !pad.predicted);
  if (other) pad.hear(null);
  const { emotion } = seen;
  const spread = (value) => (value ? ` ± ${value.toFixed(2)}` : "");
  $("read").textContent = t("rated", {
    valence: signed(emotion.valence) + spread(emotion.valence_spread),
    arousal: signed(emotion.arousal) + spread(emotion.arousal_spread),
    name: emotion.name,
  });
  list($("reasons"), seen.reasons.length ? seen.reasons : [t("no_reasons")], (words) => {
    const item = document.createElement("li");
    item.textContent = words;
    return item;
  });
  $("palette-part").hidden = !seen.palette;
  list($("palette"), seen.palette || [], (colour) => {
    const item = document.createElement("li");
    item.innerHTML = '<svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10"/></svg>';
    item.querySelector("rect").setAttribute("fill", colour.hex);
    item.append(`${colour.name} ${Math.round(colour.share * 100)} %`);
    return item;
  });
  $("alt-field").hidden = !seen.alt;
  if (seen.alt && !$("alt").value) $("alt").value = seen.alt;
  if (seen.alt) $("preview").alt = $("alt").value;
  live(seen.words || "");
}

function moved(point, byHand) {
  const name = pad.name(point);
  $("mood").textContent = byHand ? t("by_hand", { mood: capital(name) }) : capital(name);
  for (const axis of ["valence", "arousal"]) $(axis).value = point[axis].toFixed(2);
  $("pad-reset").hidden = $("pad-make").hidden = !pad.moved;
}

document.addEventListener("heard", ({ detail }) => pad.hear(detail));

for (const axis of ["valence", "arousal"])
  $(axis).addEventListener("change", () => {
    const value = parseFloat($(axis).value);
    if (Number.isFinite(value)) pad.move({ ...pad.point, [axis]: value });
    else moved(pad.point, pad.moved);
  });
$("pad-reset").addEventListener("click", () => {
  pad.reset();
  $("pad").querySelector(".handle").focus();
});
$("pad-make").addEventListener("click", () => make());

let typing = 0;
function readAgain() {
  clearTimeout(typing);
  typing = setTimeout(() => {
    const values = wordsAndReader();
    if (!values.text && !picture) return;
    fields.clear();
    const query = new URLSearchParams(values);
    if (picture) query.set("picture", picture.id);
    read(() => ask(`/v1/emotion?${query}`), "text");
  }, 500);
}
for (const name of ["text", "emotion_model", "kind"]) $(`k-${name}`).addEventListener("input", readAgain);

// ---- making music -----------------------------------------------------------------------------------------------------

async function make({ seed = null } = {}) {
  if (running) return;
  fields.clear();
  const button = $("make");
  running = { id: null };
  button.textContent = t("stop");
  button.classList.add("stop");
  $("status").hidden = false;
  $("bar").removeAttribute("value");
  say(t("starting"));
  try {
    clearTimeout(typing);
    await reading;
    const wishes = fields.values();
    if (seed !== null) wishes.seed = seed;
    if (picture) Object.assign(wishes, { picture_id: picture.id, alt: $("alt").value });
    if (pad.moved && !wishes.path) Object.assign(wishes, pad.point);
    if (!picture && !wishes.text) {
      const missing = new Error(t("nothing_given"));
      missing.field = "picture";
      throw missing;
    }
    const run = await post("/v1/compose", wishes, fields.files());
    const stopped = running.stop;
    running = run;
    if (stopped) stop();
    history.begin(run);
    $("player").pause();
    $("finished").hidden = true;
    $("result-empty").hidden = true;
    $("result-full").hidden = false;
    roll.show({ seconds: 0, bars: [], lanes: [] }, { goal_s: parseFloat(wishes.seconds) || known.fields.seconds.default });
    const goal = roll.goal;
    $("result").scrollIntoView({ block: "nearest" });
    const state = await follow(run, { onState: progress, onRoll: (data) => roll.show(data, { goal_s: goal }) });
    finish(state);
  } catch (error) {
    $("status").hidden = true;
    fields.complain(error);
  } finally {
    running = null;
    button.textContent = t("make");
    button.classList.remove("stop");
    button.disabled = $("stop").disabled = false;
  }
}

function stop() {
  if (!running) return;
  if (!running.id) {
    running.stop = true; // its number is not known yet
    return;
  }
  $("make").disabled = $("stop").disabled = true;
  say(t("stopping"));
  ask(`/v1/runs/${running.id}?keep=true`, { method: "DELETE" }).catch((error) => fields.complain(error));
}

let told = "";
function say(words, aloud = words) {
  $("status-words").textContent = words;
  if (aloud !== told) live((told = aloud));
}

function progress(state) {
  if (state.status === "queued") {
    say(state.place ? t("in_line", { place: state.place + 1 }) : t("your_turn"));
    return;
  }
  if (state.status !== "running") return;
  const percent = Math.round(state.progress * 100);
  $("bar").value = percent;
  const step = capital(state.step);
  // spoken at each ten percent at most
  say(t("step", { step, percent }), t("step", { step, percent: Math.floor(percent / 10) * 10 }));
  if (state.sound && state.record && $("finished").hidden) {
    shown = state;
    show(state);
    roll.goal = 0;
  }
}

async function finish(state) {
  $("status").hidden = true;
  told = "";
  if (state.status === "failed") {
    $("result-full").hidden = !shown;
    fields.complain(Object.assign(new Error(state.error), { field: state.field }));
    return;
  }
  if (state.status === "cancelled") {
    $("result-full").hidden = true;
    $("result-empty").hidden = false;
    live(t("nothing_kept"));
    return;
  }
  shown = state;
  show(state);
  roll.show(roll.data, { words: state.record.music.words });
  history.end(state);
  const words = [sentence(state.record.music.words), ...heardOf(state.record)].filter(Boolean).join(" ");
  live(t(state.status === "stopped" ? "kept" : "ready", { words }));
}

// a piece of this session again, with its picture, wishes and mood, so that "again" and "another" mean what is shown
async function bringBack(run, data) {
  if (running) return;
  fields.clear();
  shown = run;
  show(run);
  roll.show(data, { words: run.record.music.words });
  const { settings } = run.record;
  fields.write({ ...settings, seed: null });
  clearTimeout(typing);
  pad.moved = false;
  picture = null;
  $("alt").value = run.alt || "";
  if (run.picture_id) preview(run.picture);
  else noPicture();
  const query = new URLSearchParams(wordsAndReader());
  if (run.picture_id) query.set("picture", run.picture_id);
  await read(() => ask(`/v1/emotion?${query}`), "picture");
  if (Number.isFinite(settings.valence) || Number.isFinite(settings.arousal))
    pad.move({ valence: settings.valence ?? pad.point.valence, arousal: settings.arousal ?? pad.point.arousal });
  $("result").focus();
}

$("make").addEventListener("click", () => (running ? stop() : make()));
$("stop").addEventListener("click", stop);
$("again").addEventListener("click", () => make({ seed: shown.record.seed }));
$("another").addEventListener("click", () => make({ seed: Math.floor(Math.random() * 2 ** 31) }));

// ---- the examples -----------------------------------------------------------------------------------------------------

for (const card of document.querySelectorAll(".example"))
  card.addEventListener("click", async () => {
    if (running) return;
    fields.clear();
    const example = known.examples[card.dataset.example];
    for (const other of document.querySelectorAll(".example")) other.removeAttribute("aria-current");
    card.setAttribute("aria-current", "true");
    const base = "/examples/";
    const ready = await ask(base + example.result);
    const files = Object.fromEntries(Object.entries(ready.files).map(([kind, name]) => [kind, base + name]));
    const { command, python, record } = ready;
    shown = { record, command, python, files, sound: base + ready.sound, picture: base + example.picture, alt: example.alt, status: "done" };
    show(shown);
    roll.show(ready.roll, { words: record.music.words });
    $("player").play().catch(() => live(t("press_play")));
    // the same picture, ready to be made anew with other wishes
    ticket += 1;
    picture = null;
    pad.moved = false;
    $("alt").value = example.alt;
    preview(base + example.picture);
    see(ready.reading);
    live(t("plays", { title: title(record), words: sentence(record.music.words) }));
    const bytes = await (await fetch(base + example.picture)).blob();
    const file = new File([bytes], example.picture, { type: "image/jpeg" });
    await read(() => post("/v1/emotion", wordsAndReader(), { picture: file }), "picture");
  });

// ---- presets, colours -------------------------------------------------------------------------------------------------

$("reset").addEventListener("click", () => {
  fields.clear();
  fields.write({});
  if (pad.predicted) pad.reset();
  else pad.moved = false;
  live(t("defaults"));
});
$("preset-save").addEventListener("click", () => {
  const values = fields.values();
  if (pad.moved) Object.assign(values, pad.point);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(values, null, 2)], { type: "application/json" }));
  link.download = "klangbild-settings.json";
  link.click();
  URL.revokeObjectURL(link.href);
});
$("preset-load").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  fields.clear();
  try {
    const body = await file.text();
    const values = await ask("/v1/settings", { method: "POST", headers: { "content-type": "application/json" }, body });
    fields.write(values);
    if (Number.isFinite(values.valence) || Number.isFinite(values.arousal))
      pad.move({ valence: values.valence ?? pad.point.valence, arousal: values.arousal ?? pad.point.arousal });
    live(t("loaded"));
  } catch (error) {
    fields.complain(error, "e-preset");
  }
});

const THEMES = { "": "theme_system", light: "theme_light", dark: "theme_dark" };
function colours(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  localStorage.setItem("klangbild-theme", theme);
  $("theme").setAttribute("aria-label", t(THEMES[theme]));
  roll.draw();
}
const order = Object.keys(THEMES);
$("theme").addEventListener("click", () => {
  const now = localStorage.getItem("klangbild-theme") || "";
  colours(order[(order.indexOf(now) + 1) % order.length]);
});
colours(localStorage.getItem("klangbild-theme") || "");
document.documentElement.dataset.ready = "true";
