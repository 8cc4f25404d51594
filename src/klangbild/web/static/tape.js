// What plays the lanes: sound in, sound out, sample by sample, without the browser. It mixes lanes by their faders, goes round a
// loop to the very sample, and plays slower or faster without another pitch. A worklet runs it (tape_worklet.js), or the page.

const RAMP = 256; // samples in which a fader comes to its place
const SEAM = 441; // samples in which the end of a loop fades into its start
const GRAIN = 2048; // samples of sound that keep their pitch, half of them laid over the grain before
const HOP = GRAIN / 2;
const SEARCH = 512; // how far a grain may be moved so that it fits the one before
const COARSE = 8; // fits are looked for in every eighth sample, and then in all

export class Tape {
  constructor() {
    this.lanes = []; // {name, left, right: Int16Array, gain, wanted}
    this.frames = 0;
    this.at = 0; // the sample of the piece that is heard next
    this.speed = 1;
    this.loop = null; // [first, last) in samples
    this.wrapped = -1; // samples since the loop went round, while its seam sounds
    this.playing = false;
    this.grain = null; // the second half of the grain before, [left, right]
    this.ready = [new Float32Array(HOP), new Float32Array(HOP)];
    this.left = 0; // how much of `ready` is still to be heard
  }

  // lanes: [{name, channels: [Int16Array, Int16Array], gain}]
  load(lanes) {
    this.lanes = lanes.map(({ name, channels, gain = 1 }) => ({ name, left: channels[0], right: channels[1], gain, wanted: gain }));
    this.frames = Math.max(0, ...lanes.map(({ channels }) => channels[0].length));
    this.forget();
  }

  // gains: {name: 0..1.5}
  mix(gains) {
    for (const lane of this.lanes) lane.wanted = gains[lane.name] ?? lane.wanted;
    if (!this.playing) for (const lane of this.lanes) lane.gain = lane.wanted;
  }

  seek(sample) {
    this.at = Math.max(0, Math.min(sample, this.frames));
    this.forget();
  }

  pace(speed) {
    if (speed === this.speed) return;
    this.speed = speed;
    this.forget();
  }

  round(loop) {
    this.loop = loop && loop[1] - loop[0] > 2 * SEAM ? loop : null;
    this.wrapped = -1;
    if (this.loop && this.at >= this.loop[1]) this.seek(this.loop[0]);
  }

  // the sample that is heard now
  get heard() {
    return this.speed === 1 ? this.at : Math.max(this.at - this.left * this.speed, this.loop ? this.loop[0] : 0);
  }

  forget() {
    this.grain = null;
    this.left = 0;
    this.wrapped = -1;
  }

  // fill left and right with what comes next; false when the piece is over
  play(left, right) {
    left.fill(0);
    right.fill(0);
    if (!this.playing) return true;
    if (this.at >= this.frames && !this.left) return false;
    if (this.speed === 1) this.straight(left, right, 0, left.length);
    else this.stretched(left, right);
    return true;
  }

  // as it was played, the loop's seam included; moves on
  straight(left, right, from, to) {
    while (from < to) {
      let n = Math.min(to - from, RAMP);
      if (this.loop && this.at < this.loop[1]) n = Math.min(n, this.loop[1] - this.at);
      if (this.wrapped >= 0 && this.wrapped < SEAM) {
        n = Math.min(n, SEAM - this.wrapped);
        const share = (i) => (this.wrapped + i + 0.5) / SEAM;
        this.add(left, right, from, n, this.at, share, false);
        this.add(left, right, from, n, this.loop[1] + this.wrapped, (i) => 1 - share(i), true);
      } else this.add(left, right, from, n, this.at, null, true);
      from += n;
      this.at += n;
      if (this.wrapped >= 0) this.wrapped += n;
      if (this.wrapped >= SEAM) this.wrapped = -1;
      if (this.loop && this.at === this.loop[1]) {
        this.at = this.loop[0];
        this.wrapped = 0;
      }
      if (this.at >= this.frames && !this.loop) return;
    }
  }

  // add n samples of all lanes from `at` on, each lane at its fader, times share(i); settle: the faders have moved then
  add(left, right, from, n, at, share, settle) {
    for (const lane of this.lanes) {
      const step = (lane.wanted - lane.gain) / RAMP;
      const last = Math.min(n, lane.left.length - at);
      let gain = lane.gain / 32768;
      const move = step / 32768;
      if (gain || move)
        for (let i = 0; i < last; i++, gain += move) {
          const level = share ? gain * share(i) : gain;
          left[from + i] += lane.left[at + i] * level;
          right[from + i] += lane.right[at + i] * level;
        }
      if (settle) lane.gain = n === RAMP ? lane.wanted : lane.gain + step * n;
      if (settle && Math.abs(lane.gain - lane.wanted) < 1e-4) lane.gain = lane.wanted;
    }
  }

  stretched(left, right) {
    let done = 0;
    while (done < left.length) {
      if (!this.left && !this.next()) return;
      const n = Math.min(this.left, left.length - done);
      const from = HOP - this.left;
      left.set(this.ready[0].subarray(from, from + n), done);
      right.set(this.ready[1].subarray(from, from + n), done);
      this.left -= n;
      done += n;
    }
  }

  // the sound from `at` on, going round the loop, at faders that stand still; does not move on
  glance(at, n) {
    const out = [new Float32Array(n), new Float32Array(n)];
    let from = 0;
    while (from < n) {
      if (this.loop && at >= this.loop[1]) at = this.loop[0] + ((at - this.loop[1]) % (this.loop[1] - this.loop[0]));
      const count = this.loop ? Math.min(n - from, this.loop[1] - at) : n - from;
      const start = Math.max(at, 0);
      for (const lane of this.lanes) {
        const gain = lane.gain / 32768;
        if (!gain) continue;
        const last = Math.min(at + count, lane.left.length);
        for (let s = start, i = from + start - at; s < last; s++, i++) {
          out[0][i] += lane.left[s] * gain;
          out[1][i] += lane.right[s] * gain;
        }
      }
      from += count;
      at += count;
    }
    return out;
  }

  // one more grain: of the places near `at` the one that goes on as the grain before did
  next() {
    if (this.at >= this.frames && !this.loop) return false;
    for (const lane of this.lanes) lane.gain += (lane.wanted - lane.gain) * 0.5;
    const at = Math.round(this.at);
    let best = 0;
    const near = this.glance(at - SEARCH, GRAIN + 2 * SEARCH);
    if (this.grain) best = fit(this.grain, near);
    else best = SEARCH;
    for (const channel of [0, 1]) {
      for (let i = 0; i < HOP; i++) {
        const rise = 0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / HOP);
        const before = this.grain ? this.grain[channel][i] * (1 - rise) : 0;
        this.ready[channel][i] = before + near[channel][best + i] * (this.grain ? rise : 1);
      }
    }
    this.grain = near.map((channel) => channel.slice(best + HOP, best + GRAIN));
    this.at += HOP * this.speed;
    if (this.loop && this.at >= this.loop[1]) this.at -= this.loop[1] - this.loop[0];
    this.left = HOP;
    return true;
  }
}

// where in `near` the sound goes on most like `grain`: by their likeness, first roughly, then to the sample
function fit(grain, near) {
  const mono = ([left, right]) => left.map((value, i) => value + right[i]);
  const [a, b] = [mono(grain), mono(near)];
  const likeness = (shift, step) => {
    let product = 0;
    let power = 1e-9;
    for (let i = 0; i < HOP; i += step) {
      product += a[i] * b[shift + i];
      power += b[shift + i] * b[shift + i];
    }
    return product / Math.sqrt(power);
  };
  const most = (from, to, step, every) => {
    let best = from;
    let top = -Infinity;
    for (let shift = from; shift <= to; shift += step) {
      const value = likeness(shift, every);
      if (value > top) [top, best] = [value, shift];
    }
    return best;
  };
  const rough = most(0, 2 * SEARCH, COARSE, COARSE);
  return most(Math.max(rough - COARSE, 0), Math.min(rough + COARSE, 2 * SEARCH), 1, 4);
}

// the lanes as they stand, from one sample to another, as 16-bit stereo at the tape's rate: a WAV file
export function wav(tape, rate, comment) {
  const block = 4096;
  const parts = [];
  const [left, right] = [new Float32Array(block), new Float32Array(block)];
  let frames = 0;
  const end = tape.end ?? tape.frames;
  tape.playing = true;
  while (tape.at < end) {
    const n = tape.speed === 1 ? Math.min(block, end - tape.at) : block;
    tape.play(left, right);
    const out = new Int16Array(2 * n);
    for (let i = 0; i < n; i++) {
      out[2 * i] = Math.max(-32768, Math.min(32767, Math.round(left[i] * 32767)));
      out[2 * i + 1] = Math.max(-32768, Math.min(32767, Math.round(right[i] * 32767)));
    }
    parts.push(out);
    frames += n;
  }
  const said = new TextEncoder().encode(comment);
  const words = new Uint8Array(said.length + 2 - (said.length % 2)); // an even number, ended by a zero
  words.set(said);
  const head = new DataView(new ArrayBuffer(64 + words.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => head.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 56 + words.length + frames * 4, true);
  text(8, "WAVEfmt ");
  for (const [at, value, bytes] of [[16, 16, 4], [20, 1, 2], [22, 2, 2], [24, rate, 4], [28, rate * 4, 4], [32, 4, 2], [34, 16, 2]])
    bytes === 4 ? head.setUint32(at, value, true) : head.setUint16(at, value, true);
  text(36, "LIST");
  head.setUint32(40, 12 + words.length, true);
  text(44, "INFOICMT");
  head.setUint32(52, words.length, true);
  words.forEach((byte, i) => head.setUint8(56 + i, byte));
  text(56 + words.length, "data");
  head.setUint32(60 + words.length, frames * 4, true);
  return new Blob([head.buffer, ...parts], { type: "audio/wav" });
}
