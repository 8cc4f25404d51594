// The one player of the page: it plays the piece that is held, or nothing. As it came the sound file is played; once a lane is
// moved or bars are looped, a deck takes over at the same place and plays the lanes.

import { Deck, MOST_S, fetchLanes, tapeOf } from "./deck.js";
import { wav } from "./tape.js";
import { t } from "./words.js";

const VOLUME = "klangbild-volume";
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// track: {id, title, sound, seconds, bars: [s], families: [name], lanes(): promise of {family: address}}
export class Player extends EventTarget {
  constructor(element) {
    super();
    this.element = element;
    this.deck = new Deck(() => this.over());
    this.track = null;
    this.speed = 1;
    this.loop = null; // [first, last) in seconds
    this.loading = false;
    this.onDeck = false; // who plays: the deck, or the element
    const kept = parseFloat(localStorage.getItem(VOLUME));
    this.volume = kept >= 0 && kept <= 1 ? kept : 1;
    for (const name of ["play", "pause", "seeked", "loadedmetadata", "durationchange"])
      element.addEventListener(name, () => this.onDeck || this.changed());
    element.addEventListener("ended", () => this.onDeck || this.over());
    element.preservesPitch = true;
    // one thing sounds: another tab that begins to play ends this one
    this.others = new BroadcastChannel("klangbild-sound");
    this.others.onmessage = () => this.playing && this.pause();
  }

  changed(what = "change") {
    this.dispatchEvent(new CustomEvent(what));
  }

  // hold a piece, from its start; null: nothing. The same piece again goes on as it was.
  hold(track, { at = 0 } = {}) {
    if (track && this.track?.id === track.id && this.track.sound === track.sound) {
      this.track = Object.assign(this.track, { ...track, mix: this.track.mix });
      return this.changed();
    }
    this.pause();
    this.track = track && { mix: {}, ...track };
    this.loop = null;
    this.deck.empty();
    this.loaded = null;
    this.moving = null;
    this.onDeck = false;
    if (track?.sound) {
      this.element.src = track.sound;
      this.element.playbackRate = this.speed;
      this.element.volume = this.volume;
      if (at) this.element.currentTime = at;
    } else {
      this.element.removeAttribute("src");
      this.element.load();
    }
    this.changed("track");
    this.changed();
  }

  get ready() {
    return Boolean(this.track?.sound);
  }

  get playing() {
    return this.onDeck ? this.deck.playing : !this.element.paused && !this.element.ended;
  }

  get seconds() {
    return this.onDeck ? this.deck.seconds : this.element.currentTime || 0;
  }

  get duration() {
    return this.element.duration || this.track?.seconds || 0;
  }

  async play() {
    if (!this.ready) return;
    this.others.postMessage("plays");
    if (this.onDeck) {
      if (this.seconds >= this.duration - 0.05 && !this.loop) this.deck.seek(0);
      await this.deck.play();
      return this.changed();
    }
    if (this.element.ended) this.element.currentTime = 0;
    await this.element.play();
    if (this.needsDeck) this.toDeck();
  }

  pause() {
    if (this.onDeck) this.deck.pause();
    this.element.pause();
    this.changed();
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  over() {
    this.changed();
    this.changed("over");
  }

  seek(seconds) {
    if (!this.ready) return;
    const to = clamp(seconds, 0, this.duration);
    if (this.onDeck) this.deck.seek(to);
    else this.element.currentTime = to;
    this.changed();
  }

  pace(speed) {
    this.speed = clamp(speed, 0.5, 1.5);
    this.element.playbackRate = this.speed;
    if (this.onDeck) this.deck.pace(this.speed);
    this.changed();
  }

  loud(volume) {
    this.volume = clamp(volume, 0, 1);
    this.element.volume = this.volume;
    this.deck.loud(this.volume);
    localStorage.setItem(VOLUME, this.volume);
    this.changed();
  }

  // go round from one second to another; null: on to the end
  round(loop) {
    this.loop = loop;
    this.changed();
    if (this.onDeck) this.deck.round(loop);
    else if (loop) this.toDeck();
    if (loop && (this.seconds < loop[0] || this.seconds >= loop[1])) this.seek(loop[0]);
  }

  // the bar at a second, from 0
  bar(second) {
    const bars = this.track?.bars ?? [];
    let index = 0;
    while (index + 1 < bars.length && bars[index + 1] <= second + 1e-3) index++;
    return index;
  }

  // where bars first..last begin and end, s
  span(first, last) {
    return [this.track.bars[first] ?? 0, this.track.bars[last + 1] ?? this.duration];
  }

  lane(family) {
    return (this.track.mix[family] ??= { fader: 1, mute: false, solo: false });
  }

  // change: {fader: 0..1.5, mute, solo}, any of them
  mixLane(family, change) {
    Object.assign(this.lane(family), change);
    this.changed("mix");
    if (this.onDeck && this.loaded === "lanes") this.deck.send({ mix: this.gains });
    else if (this.needsDeck) this.toDeck();
  }

  // {family: what it is played at}
  get gains() {
    const lanes = this.track.families.map((family) => [family, this.lane(family)]);
    const alone = lanes.some(([, lane]) => lane.solo);
    return Object.fromEntries(lanes.map(([family, { fader, mute, solo }]) => [family, mute || (alone && !solo) ? 0 : fader]));
  }

  get mixed() {
    return Boolean(this.track?.families?.length) && Object.values(this.gains).some((gain) => gain !== 1);
  }

  get needsDeck() {
    return this.mixed || Boolean(this.loop);
  }

  // load what is missing and let the deck play on from where the element is
  async toDeck() {
    const { track } = this;
    const want = this.mixed ? "lanes" : this.loaded || "mix";
    const under_way = `${track.id} ${want}`;
    if (this.moving === under_way) return; // the faders are read when it is there
    this.moving = under_way;
    try {
      const lanes = want === this.loaded ? null : await this.fetch(want);
      if (this.track !== track || this.moving !== under_way) return;
      if (lanes) {
        this.deck.load(lanes, this.seconds);
        this.loaded = want;
      }
      if (want === "lanes") this.deck.send({ mix: this.gains });
      this.deck.pace(this.speed);
      this.deck.round(this.loop);
      this.deck.loud(this.volume);
      if (!this.onDeck) {
        const was = this.playing;
        this.deck.seek(this.element.currentTime);
        if (was) await this.deck.play();
        this.onDeck = true;
        this.element.pause();
      }
      this.changed();
    } catch (error) {
      if (this.track === track) this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    } finally {
      if (this.moving === under_way) this.moving = null;
    }
  }

  async fetch(want) {
    const { track } = this;
    const count = want === "lanes" ? track.families.length : 1;
    if (count * this.duration > MOST_S) throw new Error(t("too_long_to_mix"));
    this.loading = true;
    this.changed();
    try {
      await this.deck.open();
      return await fetchLanes(this.deck.context, want === "mix" ? { mix: track.sound } : await track.lanes());
    } finally {
      this.loading = false;
      this.changed();
    }
  }

  // a WAV of what is heard: these faders, this speed, these bars
  async record(comment) {
    const lanes = await this.fetch(this.track.families.length ? "lanes" : "mix");
    const { tape, rate } = tapeOf(lanes, { gains: this.gains, speed: this.speed, loop: this.loop });
    return wav(tape, rate, comment);
  }
}
