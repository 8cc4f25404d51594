// A piece that the server has forgotten is made again from its record, to the byte.

import { Refusal, ask, post } from "./api.js";
import { speak } from "./speak.js";

const OVER = ["done", "stopped", "failed", "cancelled"];
const OFTEN_MS = 400;
const making = new Map();

// the run as the server has it now, under its own name or, made again, under another.
// piece: {id, record, source, links, picture, played}; source: the record as text; played: the address of its notes, where it is enough that they are played;
// on_step(state) while it is being made
export async function alive(piece, on_step = () => {}) {
  if (piece.links) {
    const there = await ask(piece.links.self).catch((error) => (error.status === 404 ? null : Promise.reject(error)));
    if (there) return there;
  }
  const key = piece.id;
  if (!making.has(key)) making.set(key, remade(piece, on_step).catch((error) => Promise.reject((making.delete(key), error))));
  const run = await making.get(key);
  // that one, too, has its hour
  const there = await ask(run.links.self).catch((error) => (error.status === 404 ? null : Promise.reject(error)));
  if (there) return there;
  making.delete(key);
  return alive({ ...piece, links: null }, on_step);
}

async function remade({ record, source, picture, played }, on_step) {
  const wish = {};
  if (played) wish.midi = btoa(String.fromCharCode(...new Uint8Array(await (await fetch(played)).arrayBuffer())));
  // engines that look at the picture need it again
  else if (record.engine !== "notes" && record.picture && picture)
    wish.picture_id = (await post("/v1/emotion", {}, { picture: new File([picture], `${record.picture.name}.png`) })).picture.id;
  // the record as it was written: a script would make 1 of its 1.0, and other bytes of the piece
  const body = `{"record":${source ?? JSON.stringify(record)},${JSON.stringify(wish).slice(1)}`.replace(/,}$/, "}");
  let state = await ask("/v1/replay", { method: "POST", headers: { "content-type": "application/json" }, body });
  while (!OVER.includes(state.status)) {
    on_step(state);
    await new Promise((go) => setTimeout(go, OFTEN_MS));
    state = await ask(state.links.self);
  }
  if (state.status === "failed") throw new Refusal(speak(state.error), state.field);
  return state;
}
