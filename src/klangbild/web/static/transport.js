// The player's controls: under the roll, and at the foot of the window while something plays and the roll is out of sight. And its
// keys: space, arrows, M, S, L, 1 to 4.

import { $, live } from "./place.js";
import { t } from "./words.js";

const KEYS = "klangbild-keys";
export const clock = (seconds) => {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

export class Transport {
  constructor(player, roll, mixer) {
    Object.assign(this, { player, roll, mixer });
    $("play").addEventListener("click", () => this.toggle());
    $("seek").addEventListener("input", () => player.seek(Number($("seek").value)));
    $("speed").addEventListener("change", () => player.pace(Number($("speed").value)));
    $("volume").addEventListener("input", () => player.loud(Number($("volume").value)));
    $("loop").addEventListener("click", () => this.loop());
    for (const id of ["loop-from", "loop-to"]) $(id).addEventListener("change", () => this.bars());
    $("take-mix").addEventListener("click", () => this.save());
    $("closer").addEventListener("click", () => roll.closer(1.5));
    $("farther").addEventListener("click", () => roll.closer(1 / 1.5));
    $("use-keys").checked = localStorage.getItem(KEYS) !== "off";
    $("use-keys").addEventListener("change", () => localStorage.setItem(KEYS, $("use-keys").checked ? "on" : "off"));
    for (const name of ["change", "track", "mix"]) player.addEventListener(name, () => this.tell());
    player.addEventListener("trouble", ({ detail }) => this.trouble(detail));
    player.addEventListener("over", () => this.foot());
    addEventListener("keydown", (event) => this.key(event));
    // a click leaves the focus where it was, so that space goes on to play and pause
    for (const place of [$("player"), $("lane-heads")])
      place.addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault());
    this.inSight = true;
    new IntersectionObserver(([entry]) => {
      this.inSight = entry.isIntersecting;
      this.foot();
    }).observe($("player-place"));
    $("volume").value = player.volume;
    setInterval(() => player.playing && this.clock(), 200);
    this.tell();
  }

  async toggle() {
    try {
      $("e-player").hidden = true;
      await this.player.toggle();
    } catch (error) {
      // a browser that wants a click first, or a file that is gone
      if (error.name === "NotAllowedError") live(t("press_play"));
      else if (error.name !== "AbortError") this.trouble(new Error(t("sound_gone")));
    }
  }

  trouble(error) {
    $("e-player").textContent = error.message;
    $("e-player").hidden = false;
    live(error.message);
  }

  get bar() {
    return this.player.bar(this.player.seconds);
  }

  // round the bar that is heard now, or no more
  loop() {
    const { player } = this;
    if (player.loop) player.round(null);
    else if (player.ready && player.track.bars.length)
      player.round(player.span(this.bar, Math.min(this.bar + 1, player.track.bars.length - 1)));
  }

  bars() {
    const last = this.player.track.bars.length;
    const [a, b] = ["loop-from", "loop-to"].map((id) => Math.min(Math.max(parseInt($(id).value, 10) || 1, 1), last) - 1);
    this.player.round(this.player.span(Math.min(a, b), Math.max(a, b)));
  }

  async save() {
    const { player } = this;
    const { track } = player;
    $("take-mix").disabled = true;
    try {
      const file = await player.record(track.about);
      const bars = player.loop ? `-${$("loop-from").value}-${$("loop-to").value}` : "";
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = `${track.file}-mix${bars}.wav`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (error) {
      this.trouble(error);
    } finally {
      $("take-mix").disabled = false;
    }
  }

  tell() {
    const { player } = this;
    const bars = player.track?.bars ?? [];
    $("player").hidden = !player.track;
    $("play").disabled = $("seek").disabled = $("loop").disabled = $("take-mix").disabled = !player.ready;
    $("player").classList.toggle("playing", player.playing);
    $("play").setAttribute("aria-label", t(player.playing ? "pause" : "play", { name: player.track?.title ?? "" }));
    $("player-title").textContent = player.track?.title ?? "";
    $("seek").max = Math.max(player.duration, 0.1);
    $("speed").value = String(player.speed);
    $("volume").value = player.volume;
    $("loop").setAttribute("aria-pressed", Boolean(player.loop));
    $("loop-bars").hidden = !player.loop;
    $("player-busy").hidden = !player.loading;
    if (player.loop && document.activeElement?.closest("#loop-bars") === null) {
      $("loop-from").value = player.bar(player.loop[0]) + 1;
      $("loop-to").value = player.bar(Math.max(player.loop[1] - 0.02, player.loop[0])) + 1;
    }
    for (const id of ["loop-from", "loop-to"]) $(id).max = Math.max(bars.length, 1);
    this.clock();
    this.foot();
  }

  clock() {
    const { player } = this;
    const values = { now: clock(player.seconds), all: clock(player.duration), bar: this.bar + 1 };
    $("clock").textContent = `${values.now} / ${values.all}`;
    $("clock-bar").textContent = this.player.track?.bars.length ? t("in_bar", values) : "";
    if (document.activeElement !== $("seek") || player.playing) $("seek").value = player.seconds;
    $("seek").setAttribute("aria-valuetext", t("now_of_all", values));
  }

  // at the foot of the window while something plays, or was playing, out of sight
  foot() {
    const { player } = this;
    if (player.playing) this.used = player.track.id;
    const away = !this.inSight && player.ready && this.used === player.track.id;
    const box = $("player");
    if (away && !box.classList.contains("at-foot")) $("player-place").style.minHeight = `${box.offsetHeight}px`;
    if (!away) $("player-place").style.minHeight = "";
    box.classList.toggle("at-foot", away);
    document.body.classList.toggle("has-foot", away);
  }

  key(event) {
    const { player, mixer } = this;
    if (!$("use-keys").checked || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    const typing = target.closest?.("input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]");
    if (typing || !player.track) return;
    const pressing = target.closest?.("button, a, summary, label, [type=checkbox]");
    const sliding = target.closest?.("[type=range], [role=slider], .roll-sight");
    const jump = (bars) => () => {
      const all = player.track.bars;
      const to = all[Math.min(Math.max(this.bar + bars, 0), all.length - 1)];
      player.seek(to ?? player.seconds + 5 * bars);
    };
    const acts = {
      " ": !pressing && (() => this.toggle()),
      ArrowLeft: !sliding && jump(player.seconds - (player.track.bars[this.bar] ?? 0) > 0.6 ? 0 : -1),
      ArrowRight: !sliding && jump(1),
      ArrowUp: !sliding && target.closest?.("#result, #player") && (() => mixer.choose(mixer.at - 1)),
      ArrowDown: !sliding && target.closest?.("#result, #player") && (() => mixer.choose(mixer.at + 1)),
      m: () => mixer.flip("mute"),
      s: () => mixer.flip("solo"),
      l: () => this.loop(),
    };
    let act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (/^[1-4]$/.test(event.key)) act = () => this.number(Number(event.key));
    if (!act) return;
    event.preventDefault();
    act();
  }

  // the take of that number, where there are several; else the lane
  number(number) {
    const take = new CustomEvent("take", { detail: { number }, cancelable: true });
    if (document.dispatchEvent(take)) this.mixer.choose(number - 1);
  }
}
