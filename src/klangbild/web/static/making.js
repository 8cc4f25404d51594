// Making music: a wish becomes a run, which is followed to its end; a piece of before comes back.

import { ask, follow, post } from "./api.js";
import { fields } from "./fields.js";
import { History } from "./history.js";
import { course, forget, mood, pad, read, stopTyping, wordsAndReader } from "./mood.js";
import { noPicture, preview } from "./picture.js";
import { $, live } from "./place.js";
import { heardOf, roll, sentence, show } from "./result.js";
import { speak } from "./speak.js";
import { capital, known, t } from "./words.js";

// running: the run that is being made; shown: the run that is on the page
export const music = { running: null, shown: null };
const history = new History({ onShow: bringBack, current: () => music.shown });

async function make({ seed = null } = {}) {
  if (music.running) return;
  fields.clear();
  const button = $("make");
  music.running = { id: null };
  button.textContent = t("stop");
  button.classList.add("stop");
  $("status").hidden = false;
  $("bar").removeAttribute("value");
  say(t("starting"));
  try {
    stopTyping();
    await mood.reading;
    const wishes = fields.values();
    if (seed !== null) wishes.seed = seed;
    if (mood.picture) Object.assign(wishes, { picture_id: mood.picture.id, alt: $("alt").value });
    if (pad.moved && !course()) Object.assign(wishes, pad.point);
    if (!mood.picture && !wishes.text) {
      const missing = new Error(t("nothing_given"));
      missing.field = "picture";
      throw missing;
    }
    const run = await post("/v1/compose", wishes, fields.files());
    const stopped = music.running.stop;
    music.running = run;
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
    music.running = null;
    button.textContent = t("make");
    button.classList.remove("stop");
    button.disabled = $("stop").disabled = false;
  }
}

function stop() {
  if (!music.running) return;
  if (!music.running.id) {
    music.running.stop = true; // its number is not known yet
    return;
  }
  $("make").disabled = $("stop").disabled = true;
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
  if (state.sound && state.record && $("finished").hidden) {
    music.shown = state;
    show(state);
    roll.goal = 0;
  }
}

async function finish(state) {
  $("status").hidden = true;
  told = "";
  if (state.status === "failed") {
    $("result-full").hidden = !music.shown;
    fields.complain(Object.assign(new Error(speak(state.error)), { field: state.field }));
    return;
  }
  if (state.status === "cancelled") {
    $("result-full").hidden = true;
    $("result-empty").hidden = false;
    live(t("nothing_kept"));
    return;
  }
  music.shown = state;
  show(state);
  roll.show(roll.data, { words: state.record.music.words });
  history.end(state);
  const words = [sentence(state.record.music.words), ...heardOf(state.record)].filter(Boolean).join(" ");
  live(t(state.status === "stopped" ? "kept" : "ready", { words }));
}

// a piece of this session again, with its picture, wishes and mood, so that "again" and "another" mean what is shown
async function bringBack(run, data) {
  if (music.running) return;
  fields.clear();
  music.shown = run;
  show(run);
  roll.show(data, { words: run.record.music.words });
  const { settings } = run.record;
  fields.write({ ...settings, seed: null });
  stopTyping();
  pad.moved = false;
  forget();
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

$("make").addEventListener("click", () => (music.running ? stop() : make()));
$("stop").addEventListener("click", stop);
$("again").addEventListener("click", () => make({ seed: music.shown.record.seed }));
$("another").addEventListener("click", () => make({ seed: Math.floor(Math.random() * 2 ** 31) }));
$("pad-make").addEventListener("click", () => make());
