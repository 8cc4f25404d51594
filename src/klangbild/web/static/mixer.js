// What stands before the lanes of the roll: each is a channel of the mixer, with its name, mute, solo and a fader.

import { look } from "./patterns.js";
import { $, live } from "./place.js";
import { speak } from "./speak.js";
import { capital, t } from "./words.js";

const LOUDEST = 1.5;
// what a button says in short, in full, and when it is pressed or not
const SAID = {
  mute: ["mute_letter", "mute", "mute_on", "mute_off"],
  solo: ["solo_letter", "solo", "solo_on", "solo_off"],
};

function make(tag, values = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...inside);
  return element;
}

export class Mixer {
  constructor(place, player) {
    this.place = place;
    this.player = player;
    this.names = "";
    this.at = 0; // the lane that M and S are for
    player.addEventListener("mix", () => this.tell());
    player.addEventListener("track", () => this.tell());
    // on a phone the lane that is chosen has its fader below the roll
    this.wide = $("lane-fader").querySelector("input");
    this.wide.addEventListener("input", () => player.mixLane(this.families[this.at], { fader: Number(this.wide.value) }));
  }

  // track: the piece as the player knows it, when it is finished and can be mixed
  show(data, track) {
    this.track = track;
    const live = Boolean(track);
    const names = data.lanes.map((lane) => lane.family);
    const key = names.join() + live;
    if (key !== this.names) {
      this.names = key;
      this.families = names;
      this.at = Math.min(this.at, Math.max(names.length - 1, 0));
      this.place.replaceChildren(...data.lanes.map((lane, index) => this.head(lane, index, live)));
    }
    this.tell();
  }

  head(lane, index, live) {
    const { family } = lane;
    const name = capital(speak(family));
    const swatch = make("canvas", { className: "swatch", width: 16, height: 16 });
    const paint = () => {
      const dark = parseInt(getComputedStyle(this.place).getPropertyValue("--roll").trim().slice(1, 3), 16) < 128;
      const c = swatch.getContext("2d");
      c.fillStyle = c.createPattern(look(lane, index, dark).tile, "repeat");
      c.fillRect(0, 0, 16, 16);
    };
    paint();
    document.addEventListener("colours", paint);
    const title = make("span", { className: "lane-name", textContent: name, title: name });
    const head = make("div", { className: "lane-head" }, make("p", {}, swatch, title));
    head.dataset.family = family;
    head.addEventListener("pointerdown", () => this.choose(index));
    head.addEventListener("focusin", () => this.choose(index));
    if (!live) return head;
    const row = make("div", { className: "lane-row" });
    for (const kind of Object.keys(SAID)) {
      const button = make("button", { type: "button", className: kind, textContent: t(SAID[kind][0]), title: t(SAID[kind][1], { name }) });
      button.setAttribute("aria-label", t(SAID[kind][1], { name }));
      button.addEventListener("click", () => this.flip(kind, index));
      row.append(button);
    }
    const fader = make("input", { type: "range", min: 0, max: LOUDEST, step: 0.05, value: 1, title: t("fader", { name }) });
    fader.setAttribute("aria-label", t("fader", { name }));
    fader.addEventListener("input", () => this.player.mixLane(family, { fader: Number(fader.value) }));
    fader.addEventListener("dblclick", () => this.player.mixLane(family, { fader: 1 }));
    row.append(fader);
    head.append(row);
    return head;
  }

  get able() {
    return Boolean(this.track) && this.player.track?.id === this.track.id;
  }

  flip(kind, index = this.at) {
    const family = this.families?.[index];
    if (!family || !this.able) return;
    this.choose(index);
    this.player.mixLane(family, { [kind]: !this.player.lane(family)[kind] });
    const on = this.player.lane(family)[kind];
    live(capital(t(SAID[kind][on ? 2 : 3], { name: speak(family) })));
  }

  // the lane that the keys are for
  choose(index) {
    this.at = Math.min(Math.max(index, 0), Math.max((this.families?.length ?? 1) - 1, 0));
    this.tell();
  }

  tell() {
    $("lane-fader").hidden = !this.able;
    if (this.able) {
      $("lane-fader").querySelector("span").textContent = capital(speak(this.families[this.at]));
      this.wide.value = this.player.lane(this.families[this.at]).fader;
    }
    const heads = [...this.place.children];
    heads.forEach((head, index) => {
      head.classList.toggle("chosen", index === this.at && heads.length > 1);
      const lane = this.able ? this.player.lane(head.dataset.family) : { fader: 1, mute: false, solo: false };
      for (const kind of Object.keys(SAID)) head.querySelector(`.${kind}`)?.setAttribute("aria-pressed", lane[kind]);
      const fader = head.querySelector("input");
      if (!fader) return;
      fader.value = lane.fader;
      fader.setAttribute("aria-valuetext", t("percent", { number: Math.round(lane.fader * 100) }));
      head.classList.toggle("quiet", this.able && this.player.gains[head.dataset.family] === 0);
    });
  }
}
