// The browser's side of the tape: lanes are fetched and decoded, and played in the browser's sound thread, or where that needs a
// secure address (http over a network has none) by the page itself.

import { Refusal } from "./api.js";
import { Tape } from "./tape.js";
import { t } from "./words.js";

const RATE = 44100;
export const MOST_S = 2400; // of all lanes together: 420 MB of sound
const BLOCK = 4096; // samples at a time where the page plays

export class Deck {
  // onOver() is called when the piece has come to its end
  constructor(onOver) {
    this.onOver = onOver;
    this.told = { at: 0, when: 0 };
    this.playing = false;
    this.speed = 1;
    this.loop = null;
  }

  // made in a click or a key press, as browsers ask for
  async open() {
    this.context ??= new AudioContext({ sampleRate: RATE });
    this.opened ??= this.connect();
    await this.opened;
  }

  async connect() {
    this.volume = this.context.createGain();
    this.volume.gain.value = this.loudness ?? 1;
    this.volume.connect(this.context.destination);
    if (this.context.audioWorklet) {
      await this.context.audioWorklet.addModule(new URL("./tape_worklet.js", import.meta.url));
      const node = new AudioWorkletNode(this.context, "tape", { numberOfInputs: 0, outputChannelCount: [2] });
      node.port.onmessage = ({ data }) => this.hear(data);
      node.connect(this.volume);
      this.send = (order, given = []) => node.port.postMessage(order, given);
      return;
    }
    const tape = new Tape();
    const node = this.context.createScriptProcessor(BLOCK, 0, 2);
    node.onaudioprocess = ({ outputBuffer }) => {
      const over = !tape.play(outputBuffer.getChannelData(0), outputBuffer.getChannelData(1));
      if (over) tape.playing = false;
      if (over || tape.playing) this.hear({ at: tape.heard, over });
    };
    node.connect(this.volume);
    this.send = (order) => {
      for (const name of ["load", "mix", "pace", "round", "seek"]) if (name in order) tape[name](order[name]);
      if ("playing" in order) tape.playing = order.playing;
      this.hear({ at: tape.heard });
    };
  }

  hear({ at, over }) {
    this.told = { at, when: performance.now() };
    if (over) {
      this.playing = false;
      this.onOver();
    }
  }

  // the lanes of a piece, which are given away: 240 s of seven lanes are 300 MB, and need not lie here twice
  load(lanes, seconds) {
    this.send({ load: lanes }, [...new Set(lanes.flatMap(({ channels }) => channels.map(({ buffer }) => buffer)))]);
    this.seek(seconds);
  }

  empty() {
    this.send?.({ load: [], playing: false });
    this.playing = false;
  }

  async play() {
    await this.context.resume();
    this.playing = true;
    this.told.when = performance.now();
    this.send({ playing: true });
  }

  pause() {
    this.told.at = this.seconds * RATE;
    this.playing = false;
    this.send?.({ playing: false });
  }

  seek(seconds) {
    this.told = { at: Math.round(seconds * RATE), when: performance.now() };
    this.send({ seek: this.told.at });
  }

  // loop: [first, last) in seconds, or null
  round(loop) {
    this.loop = loop;
    this.send({ round: loop && loop.map((seconds) => Math.round(seconds * RATE)) });
  }

  pace(speed) {
    this.speed = speed;
    this.send({ pace: speed });
  }

  loud(volume) {
    this.loudness = volume;
    if (this.volume) this.volume.gain.value = volume;
  }

  // where it is: as last told, and on by what has passed since
  get seconds() {
    const since = this.playing ? Math.min((performance.now() - this.told.when) / 1000, 0.1) * this.speed : 0;
    const now = this.told.at / RATE + since;
    return this.loop && this.playing && now >= this.loop[1] ? now - this.loop[1] + this.loop[0] : now;
  }
}

// sounds: {name: address} -> lanes as a tape takes them; in 16 bit they take half the memory
export async function fetchLanes(context, sounds, { signal } = {}) {
  return Promise.all(
    Object.entries(sounds).map(async ([name, address]) => {
      const answer = await fetch(address, { signal });
      if (!answer.ok) {
        const told = await answer.json().catch(() => ({}));
        throw new Refusal(told.error || t("answered", { status: answer.status }), null, answer.status);
      }
      const sound = await context.decodeAudioData(await answer.arrayBuffer());
      const channels = [0, Math.min(1, sound.numberOfChannels - 1)].map((channel) => whole(sound.getChannelData(channel)));
      return { name, channels };
    }),
  );
}

function whole(samples) {
  const out = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) out[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
  return out;
}

// the same lanes on a tape of the page's own, to be written into a file
export function tapeOf(lanes, { gains, speed, loop }) {
  const tape = new Tape();
  tape.load(lanes);
  tape.mix(gains);
  tape.pace(speed);
  if (loop) {
    tape.at = Math.round(loop[0] * RATE);
    tape.end = Math.min(Math.round(loop[1] * RATE), tape.frames);
  }
  return { tape, rate: RATE };
}
