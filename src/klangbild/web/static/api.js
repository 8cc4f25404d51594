// Talking to the server: every refusal becomes an Error with one plain sentence and the field it belongs to.

import { speak } from "./speak.js";
import { t } from "./words.js";

export class Refusal extends Error {
  constructor(sentence, field, status = 0) {
    super(sentence);
    this.field = field;
    this.status = status;
  }
}

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(t("unreachable"), null);
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(speak(body.error) || t("answered", { status: answer.status }), body.field || null, answer.status);
  return body;
}

export function post(path, values, files = {}) {
  const given = Object.entries(files).filter(([, file]) => file);
  if (!given.length)
    return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(values) });
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) if (value !== null && value !== undefined) form.append(name, value);
  for (const [name, file] of given) form.append(name, file, file.name || "picture.png");
  return ask(path, { method: "POST", body: form });
}

// Follow a run: onState and onRoll get what is newest; the promise ends with the run.
export function follow(run, { onState, onRoll }) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(run.links.events);
    let failures = 0;
    source.addEventListener("roll", (event) => onRoll(JSON.parse(event.data)));
    source.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      failures = 0;
      onState(state);
      if (["done", "stopped", "failed", "cancelled"].includes(state.status)) {
        source.close();
        resolve(state);
      }
    });
    source.onerror = () => {
      // the browser tries again by itself; a few times in a row means that nobody is there
      failures += 1;
      if (failures > 5 || source.readyState === EventSource.CLOSED) {
        source.close();
        reject(new Refusal(t("lost"), null));
      }
    };
  });
}
