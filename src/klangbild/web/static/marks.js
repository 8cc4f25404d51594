// The words as they are typed: each marked as heard, and as what, or as not understood, by the engine that is chosen.

import { ask } from "./api.js";
import { $ } from "./place.js";
import { list } from "./result.js";
import { speak } from "./speak.js";
import { t } from "./words.js";

const TYPING_MS = 250;
let newest = 0;
let waiting = 0;

function meaning(word) {
  if (!word.heard) return t("word_unheard");
  if (word.denied) return t("word_denied", { meaning: speak(word.means) || word.written });
  return word.means ? t("word_means", { meaning: speak(word.means) }) : t("word_heard");
}

function chip(word) {
  const item = document.createElement("li");
  item.className = word.heard ? "heard" : "unheard";
  item.title = meaning(word);
  const about = document.createElement("span");
  about.className = "hidden";
  about.textContent = `: ${meaning(word)}`;
  item.append(word.written, about);
  return item;
}

async function mark() {
  const mine = ++newest;
  const query = new URLSearchParams();
  for (const name of ["text", "negative", "engine", "model"]) if ($(`k-${name}`)?.value) query.set(name, $(`k-${name}`).value);
  const found = query.has("text") || query.has("negative") ? await ask(`/v1/words?${query}`).catch(() => ({})) : {};
  if (mine !== newest) return;
  for (const name of ["text", "negative"]) {
    const words = (found[name] || []).filter((word) => word.heard !== null);
    $(`m-${name}`).hidden = !words.length;
    list($(`m-${name}`), words, chip);
  }
}

for (const name of ["text", "negative", "engine", "model"])
  $(`k-${name}`)?.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(mark, TYPING_MS);
  });
