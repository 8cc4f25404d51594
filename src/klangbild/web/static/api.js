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

// on_sent(share): how much of the files has gone out, 0..1
export function post(path, values, files = {}, on_sent = null) {
  const given = Object.entries(files).filter(([, file]) => file);
  if (!given.length)
    return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(values) });
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) if (value !== null && value !== undefined) form.append(name, value);
  for (const [name, file] of given) form.append(name, file, file.name || "picture.png");
  return on_sent ? sent(path, form, on_sent) : ask(path, { method: "POST", body: form });
}

// as `ask`, telling how much has gone out, which `fetch` does not
function sent(path, form, on_sent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => on_sent(total ? loaded / total : 0);
    request.onload = () => {
      const { status, response } = request;
      if (status >= 200 && status < 300) resolve(response);
      else reject(new Refusal(speak(response?.error) || t("answered", { status }), response?.field || null, status));
    };
    request.onerror = () => reject(new Refusal(t("unreachable"), null));
    request.send(form);
  });
}

const OVER = ["done", "stopped", "failed", "cancelled"];
const SILENT_MS = 1800; // the server says something each second
const PATIENCE_MS = 1000;

// Follow a run: onState and onRoll get what is newest; the promise ends with the run. A server that is gone is told within 3 s:
// the error has `lost` then.
export function follow(run, { onState, onRoll }) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(run.links.events);
    let heard = Date.now();
    let asking = false;
    const end = (act, value) => {
      clearInterval(watch);
      source.close();
      act(value);
    };
    const lost = () => end(reject, Object.assign(new Refusal(t("lost"), null), { lost: true }));
    const still = async () => {
      if (asking) return;
      asking = true;
      try {
        const answer = await fetch(run.links.self, { signal: AbortSignal.timeout(PATIENCE_MS) });
        if (!answer.ok) return lost();
        heard = Date.now();
        if (source.readyState === EventSource.CLOSED) lost();
      } catch {
        lost();
      } finally {
        asking = false;
      }
    };
    const watch = setInterval(() => Date.now() - heard > SILENT_MS && still(), 200);
    source.addEventListener("beat", () => (heard = Date.now()));
    source.addEventListener("roll", (event) => {
      heard = Date.now();
      onRoll(JSON.parse(event.data));
    });
    source.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      heard = Date.now();
      if (OVER.includes(state.status)) end(resolve, state);
      else onState(state);
    });
    // the browser tries again by itself, where there is somebody
    source.onerror = still;
  });
}
