// Making music: a wish becomes a run, which is followed to its end; runs of before are followed again, pieces come back.

import { ask, follow, post } from "./api.js";
import { alive } from "./again.js";
import { fields } from "./fields.js";
import { History } from "./history.js";
import { course, forget, mood, pad, read, stopTyping, wordsAndReader } from "./mood.js";
import { given, noPicture, preview } from "./picture.js";
import { $, live } from "./place.js";
import { heardOf, lookAtResult, player, roll, sentence, show } from "./result.js";
import { speak } from "./speak.js";
import { hold, wanted } from "./takes.js";
import { capital, known, t } from "./words.js";

const DRAFT = "klangbild-draft";
const NOTHING = { seconds: 0, bars: [], lanes: [] };

// running: the run that is being made; shown: the run that is on the page
export const music = { running: null, shown: null };
export const history = new History({ onShow: bringBack, onFollow: resume, current: () => music });

let complaints = null; // where refusals of the run in hand are told, instead of by a field of the form

function complain(error) {
  if (complaints) error.field = null;
  fields.complain(error, complaints ?? undefined);
}

// start(): a promise of {run, about, goal}: what is being made, what the shelf keeps of the wish, how many seconds it will be
export async function launch(start, place = null) {
  if (music.running) return;
  fields.clear();
  complaints = place;
  busy(true);
  say(t("starting"));
  try {
    const { run, about, goal } = await start();
    const stopped = music.running.stop;
    music.running = run;
    if (stopped) stop();
    history.begin(run, about);
    await stage(run, goal);
  } catch (error) {
    $("status").hidden = true;
    complain(error);
  } finally {
    idle();
  }
}

function make({ seed = null } = {}) {
  return launch(async () => {
    stopTyping();
    await mood.reading;
    const wishes = fields.values();
    if (seed !== null) wishes.seed = seed;
    const of_picture = {};
    if (mood.picture) Object.assign(of_picture, { picture_id: mood.picture.id, alt: $("alt").value });
    const point = pad.moved && !course() ? pad.point : {};
    if (!mood.picture && !wishes.text) {
      const missing = new Error(t("nothing_given"));
      missing.field = "picture";
      throw missing;
    }
    const wish = { ...wishes, ...of_picture, ...point };
    const run = await post("/v1/compose", wish, fields.files());
    const about = { wishes, point, picture: given.file, alt: $("alt").value };
    const ids = [run.id];
    hold(ids);
    moreTakes(wish, about, run.seed, ids).then(() => others(wishes));
    return { run, about, goal: parseFloat(wishes.seconds) || known.fields.seconds.default };
  });
}

// the other takes, with the seeds that follow, each a run of its own behind the first
async function moreTakes(wish, about, seed, ids) {
  const files = fields.files();
  for (let number = 1; number < wanted(); number++)
    try {
      const run = await post("/v1/compose", { ...wish, seed: (seed + number) % 2 ** 32 }, files);
      await history.begin(run, about);
      ids.push(run.id);
      hold(ids);
    } catch (error) {
      return fields.complain(error);
    }
  return undefined;
}

function busy(at_all) {
  document.body.dataset.stage = "result";
  music.running ??= { id: null };
  $("make").textContent = t("stop");
  $("make").classList.add("stop");
  $("status").hidden = !at_all;
  $("bar").removeAttribute("value");
}

function idle() {
  music.running = null;
  if ($("result-full").hidden) delete document.body.dataset.stage;
  $("make").textContent = given.more.length ? t("make_of", { number: given.more.length + 1 }) : t("make");
  $("make").classList.remove("stop");
  $("make").disabled = false;
}

// the pictures that came with the first one, each as a run of its own behind it
async function others(wishes) {
  const files = given.more;
  given.clear();
  for (const file of files)
    try {
      const seen = await post("/v1/emotion", wordsAndReader(), { picture: file });
      const run = await post("/v1/compose", { ...wishes, seed: null, picture_id: seen.picture.id, alt: seen.alt });
      history.begin(run, { wishes, point: {}, picture: file, alt: seen.alt });
    } catch (error) {
      fields.complain(error);
    }
}

// a run from here to its end, on the page
async function stage(run, goal) {
  document.body.dataset.stage = "result";
  player.hold(null);
  $("finished").hidden = true;
  $("result-full").hidden = false;
  roll.show(NOTHING, { goal_s: goal });
  lookAtResult();
  let ready = false;
  const on = {
    onState: (state) => {
      progress(state);
      if (state.status !== "running" || !state.sound || !state.record || ready) return;
      ready = true;
      music.shown = state;
      show(state, roll.data);
    },
    onRoll: (data) => ready || roll.show(data, { goal_s: goal }),
  };
  try {
    finish(await follow(run, on));
  } catch (error) {
    if (error.lost) {
      roll.show(roll.data, { torn: true });
      history.lost = run.id;
    }
    throw error;
  }
}

function stop() {
  if (!music.running) return;
  if (!music.running.id) {
    music.running.stop = true; // its number is not known yet
    return;
  }
  $("make").disabled = true;
  say(t("stopping"));
  ask(`/v1/runs/${music.running.id}?keep=true`, { method: "DELETE" }).catch((error) => fields.complain(error));
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
  const step = capital(speak(state.step));
  // spoken at each ten percent at most
  say(t("step", { step, percent }), t("step", { step, percent: Math.floor(percent / 10) * 10 }));
}

function finish(state) {
  $("status").hidden = true;
  told = "";
  history.end(state, roll.data);
  if (state.status === "failed" || state.status === "cancelled") {
    if (music.shown) bringShownBack();
    else {
      $("result-full").hidden = true;
      delete document.body.dataset.stage;
    }
    if (state.status === "failed") complain(Object.assign(new Error(speak(state.error)), { field: state.field }));
    else live(t("nothing_kept"));
    return;
  }
  music.shown = state;
  show(state, roll.data);
  const words = [sentence(state.record.music.words), ...heardOf(state.record)].filter(Boolean).join(" ");
  live(t(state.status === "stopped" ? "kept" : "ready", { words }));
  // whoever pressed the button and waits there can press on, to hear it
  if (["make", "pad-make", "again", "another"].includes(document.activeElement?.id)) $("play").focus({ preventScroll: true });
}

async function bringShownBack() {
  const data = music.shown.roll ?? (await ask(music.shown.links.roll).catch(() => null));
  if (data) show(music.shown, data);
}

// what was asked for, into the form again: {settings or wishes, point, alt, picture_id, picture (Blob), thumbnail (address)}
async function restore({ wishes, point = {}, alt, picture_id, picture, thumbnail }) {
  fields.write({ ...wishes, seed: null });
  stopTyping();
  pad.moved = false;
  forget();
  $("alt").value = alt || "";
  if (!picture_id && !picture) noPicture();
  else preview(thumbnail || (picture ? URL.createObjectURL(picture) : `/v1/pictures/${picture_id}`));
  given.file = picture || null;
  if (!picture_id && !picture && !wishes.text) return;
  await read(async () => {
    const query = new URLSearchParams(wordsAndReader());
    if (picture_id) query.set("picture", picture_id);
    try {
      return await ask(`/v1/emotion?${query}`);
    } catch (error) {
      // past its hour it is given again
      if (!picture || error.status === 0) throw error;
      return post("/v1/emotion", wordsAndReader(), { picture: new File([picture], picture.name || "picture.png") });
    }
  }, "picture");
  if (Number.isFinite(point.valence) || Number.isFinite(point.arousal))
    pad.move({ valence: point.valence ?? pad.point.valence, arousal: point.arousal ?? pad.point.arousal });
}

// a piece of the shelf again, with its picture, wishes and mood, so that "again" and "another" mean what is shown
async function bringBack(piece) {
  if (music.running) return;
  fields.clear();
  const now = { ...piece, sound: null, files: {}, picture: history.thumbnail(piece) };
  music.shown = now;
  show(now, piece.roll);
  const wishes = piece.record.settings;
  const ready = restore({ ...piece, wishes, point: wishes, thumbnail: history.thumbnail(piece) });
  say(t("making_again"));
  const slow = setTimeout(() => ($("status").hidden = false), 400);
  try {
    const run = await alive(piece, progress);
    if (music.shown !== now) return;
    const { id, title, command, python, alt, picture_id, status } = piece;
    const whole = { ...run, id, title, command, python, alt, picture_id, status, picture: now.picture, roll: piece.roll };
    music.shown = whole;
    show(whole, piece.roll);
  } finally {
    clearTimeout(slow);
    if (!music.running) $("status").hidden = true;
  }
  await ready;
  $("result").focus();
}

// an unfinished run of this browser again: its picture, words and wishes, and what it is at
async function resume(piece, run) {
  if (music.running) return;
  fields.clear();
  busy(true);
  music.running = run;
  const ready = restore({ ...piece, thumbnail: run.picture });
  try {
    await stage(run, parseFloat(piece.wishes.seconds) || known.fields.seconds.default);
    await ready;
  } catch (error) {
    $("status").hidden = true;
    fields.complain(error);
  } finally {
    idle();
  }
}

// a page that is left keeps what stood on it, for its tab
addEventListener("pagehide", () => {
  const { picture } = mood;
  const point = pad.moved ? pad.point : {};
  const draft = { wishes: fields.values(), point, alt: $("alt").value, picture_id: picture?.id, shown: music.shown?.id };
  sessionStorage.setItem(DRAFT, JSON.stringify(draft));
});

async function open() {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) || "null");
  await history.load();
  if (music.running) return;
  const shown = draft?.shown && history.piece(draft.shown);
  if (shown?.record) await history.again(shown);
  if (!draft || (!draft.picture_id && !Object.keys(draft.wishes).length)) return;
  if (shown) return;
  await restore(draft);
}

$("make").addEventListener("click", () => (music.running ? stop() : make()));
$("again").addEventListener("click", () => make({ seed: music.shown.record.seed }));
$("another").addEventListener("click", () => make({ seed: Math.floor(Math.random() * 2 ** 31) }));
$("pad-make").addEventListener("click", () => make());
document.addEventListener("pictures", () => music.running || idle());
open();
