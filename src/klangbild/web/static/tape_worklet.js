// The tape in the browser's sound thread. Told what to do by messages; tells thirty times a second where it is.

import { Tape } from "./tape.js";

const TELL_EVERY = 12; // of 128 samples

class TapeProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions = {} }) {
    super();
    this.tape = new Tape();
    this.count = 0;
    this.port.onmessage = ({ data }) => this.do(data);
    for (const order of processorOptions.orders || []) this.do(order);
  }

  // order: {load, mix, seek, pace, round, playing}, any of them
  do(order) {
    for (const name of ["load", "mix", "pace", "round", "seek"]) if (name in order) this.tape[name](order[name]);
    if ("playing" in order) this.tape.playing = order.playing;
    this.tell();
  }

  tell(over = false) {
    this.port.postMessage({ at: this.tape.heard, over });
  }

  process(_, [[left, right]]) {
    if (!this.tape.play(left, right)) {
      this.tape.playing = false;
      this.tell(true);
    } else if (this.tape.playing && ++this.count % TELL_EVERY === 0) this.tell();
    return true;
  }
}

registerProcessor("tape", TapeProcessor);
