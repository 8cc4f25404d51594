// What the program says in English (reasons, music in words, refusals), said in the reader's language by the catalogue's patterns.

import { capital, known, t } from "./words.js";

const language = document.documentElement.lang;
const semicolon = language === "fr" ? " ; " : "; ";

// what may stand in a place, by its first sign; `catalogue.py` says what each means
const KINDS = { "#": "([^\\s,;\"]+)", "-": "((?:(?! the ).)+?)" };
const PLACE = /\{([#~=-]?\w+)\}/g;
const escaped = (text) => text.replace(/[.*+?^$()|[\]\\/{}]/g, "\\$&");
const settings = Object.values(known.flags).sort((a, b) => b.length - a.length).map(escaped).join("|");
const exact = new Map();
const patterns = [];
for (const [english, words] of Object.entries(known.said)) {
  const places = [...english.matchAll(PLACE)].map((match) => match[1]);
  if (!places.length) {
    exact.set(english, words);
    continue;
  }
  const source = english.split(PLACE).map((part, index) => {
    if (index % 2 === 0) return escaped(part);
    return part === "~setting" ? `(${settings})` : (KINDS[part[0]] ?? "(.+?)");
  });
  const letters = english.replace(PLACE, "").length;
  patterns.push({ regex: new RegExp(`^${source.join("")}$`, "s"), places, words, letters });
}
patterns.sort((a, b) => b.letters - a.letters);

const memory = new Map();
export const unsaid = new Set(); // what had no words, for whoever checks the catalogue

function whole(text) {
  if (!memory.has(text)) memory.set(text, exactly(text) ?? joined(text) ?? halves(text));
  return memory.get(text);
}

function exactly(text) {
  const found = exact.get(text) ?? matched(text);
  if (found !== undefined) return found;
  const small = text.charAt(0).toLowerCase() + text.slice(1);
  if (small === text) return undefined;
  const other = exact.get(small) ?? matched(small);
  return other && capital(other);
}

function matched(text) {
  for (const { regex, places, words } of patterns) {
    const match = regex.exec(text);
    if (!match) continue;
    const values = {};
    for (const [index, place] of places.entries())
      values[place] = inside(place, match[index + 1]);
    if (Object.values(values).includes(undefined)) continue;
    return words.replace(PLACE, (_, place) => values[place]);
  }
  return undefined;
}

function inside(place, value) {
  if (place.startsWith("=")) return exactly(value);
  if (/^[~-]/.test(place)) return whole(value);
  return value.replace(/(^|\s)([+-]?\d+)\.(\d+)(?=$|[\s,)])/g, `$1$2${known.decimal}$3`).replace(/(\d)%$/, "$1 %");
}

// "guitar, bass and drums", each of them sayable
function joined(text) {
  for (const [mark, own] of [[", ", ", "], [" and ", ` ${t("and")} `], [" or ", ` ${t("or")} `]])
    for (let at = text.indexOf(mark); at > 0; at = text.indexOf(mark, at + 1)) {
      const first = exactly(text.slice(0, at));
      const rest = first && whole(text.slice(at + mark.length));
      if (rest) return first + own + rest;
    }
  return undefined;
}

// what is wrong; what to do
function halves(text) {
  for (let at = text.indexOf("; "); at > 0; at = text.indexOf("; ", at + 1)) {
    const first = whole(text.slice(0, at));
    const rest = first && whole(text.slice(at + 2));
    if (rest) return first + semicolon + rest;
  }
  return undefined;
}

// what has no words as a whole is said part by part, as far as it goes
function partly(text) {
  for (const [mark, own] of [["; ", semicolon], [", ", ", "]])
    if (text.includes(mark)) return text.split(mark).map((part) => whole(part) ?? part).join(own);
  return text;
}

export function speak(text) {
  if (!text || language === "en") return text;
  const found = whole(text);
  if (found === undefined) unsaid.add(text);
  return found ?? partly(text);
}

// a line in which settings go by their flags, as records have it
export function speakLine(line) {
  const name = (flag) => (language === "en" && known.flags[flag] ? `“${known.flags[flag]}”` : (known.flags[flag] ?? flag.slice(2)));
  return speak(line.replace(/(?<![\w-])--[a-z][a-z-]*/g, name));
}
