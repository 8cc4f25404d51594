// Files that are no pictures, dropped: settings come back from any file of ours, a MIDI file of somebody else is gone on from.

import { ask, post } from "./api.js";
import { fields } from "./fields.js";
import { pad } from "./mood.js";
import { $, live } from "./place.js";
import { t } from "./words.js";

const OURS = /\.(json|mid|midi|mp3|wav|flac|ogg|musicxml|mp4|html)$/i;
const MIDI = /\.(mid|midi)$/i;
const MARK = /[itz](?:TXt|EXt)klangbild\0/; // the record in a PNG of ours, which stands before its pixels
const HEAD_BYTES = 400_000;

async function ours(file) {
  if (OURS.test(file.name)) return true;
  if (!/\.png$/i.test(file.name)) return false;
  return MARK.test(new TextDecoder("latin1").decode(await file.slice(0, HEAD_BYTES).arrayBuffer()));
}

// those of the files that are pictures, or nothing that we know; of the others the first is taken
export async function withoutOurs(files) {
  const marked = await Promise.all(files.map(ours));
  const first = files.find((_, index) => marked[index]);
  if (first) await takeBack(first);
  return files.filter((_, index) => !marked[index]);
}

async function takeBack(file) {
  fields.clear();
  try {
    bring(await settingsOf(file));
    live(t("settings_of", { name: file.name }));
  } catch (error) {
    if (MIDI.test(file.name)) return goOnFrom(file);
    fields.complain(Object.assign(error, { field: "picture" }));
  }
  return undefined;
}

async function settingsOf(file) {
  if (!/\.json$/i.test(file.name)) return post("/v1/settings", {}, { piece: file });
  return ask("/v1/settings", { method: "POST", headers: { "content-type": "application/json" }, body: await file.text() });
}

export function bring(values) {
  fields.write(values);
  if (Number.isFinite(values.valence) || Number.isFinite(values.arousal))
    pad.move({ valence: values.valence ?? pad.point.valence, arousal: values.arousal ?? pad.point.arousal });
}

// the file goes into its field, where it is seen and can be taken out again
function goOnFrom(file) {
  const held = new DataTransfer();
  held.items.add(file);
  const field = $("k-continue_from");
  field.files = held.files;
  field.closest("details")?.setAttribute("open", "");
  field.scrollIntoView({ block: "center" });
  live(t("goes_on_from", { name: file.name }));
}
