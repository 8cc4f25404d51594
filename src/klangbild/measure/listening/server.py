"""Serves the listening test from this machine with the standard library alone: no outside address, no cookie, no log of who.

A page asks for its next trial and sends its answers; the store keeps them before the server says so. Nothing of the engines'
names reaches the page. Content-Security-Policy forbids any other origin.
"""

from __future__ import annotations

import json
import math
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from klangbild.measure.listening.page import CONSENT, PAGE
from klangbild.measure.listening.plan import QUESTIONS, plan, stimulus_id
from klangbild.measure.listening.store import Store

MAX_BODY = 20_000
_OTHER_QUESTIONS = {
    "fits_better": ("Which music fits the picture better?", 0, 1),
    "which_picture": ("Which picture is this music for?", 0, 3),
}


class ListeningTest:
    """A study: pictures (name -> file), sounds ((picture, engine) -> .wav file), the store, and how trials are drawn."""

    def __init__(
        self,
        store: Store,
        pictures: dict[str, Path],
        sounds: dict[tuple[str, str], Path],
        *,
        questions: str = "all",
        trials: int = 24,
        seed: int = 0,
        consent: str | None = None,
    ) -> None:
        self.engines = sorted({engine for _, engine in sounds})
        study = {
            "pictures": sorted(pictures),
            "engines": self.engines,
            "questions": questions,
            "trials": trials,
            "seed": seed,
        }
        self.store, self.study = store, store.settle(study)
        self.consent = (consent or CONSENT).format(minutes=max(round(trials * 0.6), 1))
        key = self.study["key"]
        self.pictures = {stimulus_id(key, name, "picture"): path for name, path in pictures.items()}
        self.sounds = {stimulus_id(key, *pair): path for pair, path in sounds.items()}

    def new_rater(self) -> str:
        """A new rater's token."""
        study = self.study

        def make_plan(number: int) -> list[dict[str, Any]]:
            trials = plan(study["pictures"], study["engines"], rater=number, seed=study["seed"],
                          questions=study["questions"], trials=study["trials"])  # fmt: skip
            return [trial.as_dict() for trial in trials]

        return self.store.add_rater("yes", make_plan)[0]

    def next_trial(self, token: str) -> dict[str, Any] | None:
        """The first page without answers, as the page may know it; {"done": True} at the end; None for a stranger."""
        found = self.store.rater(token)
        if found is None:
            return None
        _, trials, done = found
        left = [t for t in trials if t["number"] not in done]
        if not left:
            return {"done": True}
        trial, key = left[0], self.study["key"]
        texts = QUESTIONS | _OTHER_QUESTIONS
        return {
            "done": False, "number": trial["number"], "kind": trial["kind"], "position": len(done), "total": len(trials),
            "pictures": [stimulus_id(key, name, "picture") for name in trial["pictures"]],
            "sounds": [stimulus_id(key, picture, engine) for picture, engine in trial["stimuli"]],
            "questions": [
                {"name": q, "text": texts[q][0], "low": texts[q][1], "high": texts[q][2]} for q in trial["questions"]
            ],
        }  # fmt: skip

    def answer(self, body: dict[str, Any]) -> str | None:
        """Keep the answers of a page; gives what is wrong with them, or None."""
        found = self.store.rater(str(body.get("rater", "")))
        if found is None:
            return "this rater is not known here; begin again"
        number, trials, _ = found
        trial = next((t for t in trials if t["number"] == body.get("trial")), None)
        answers = body.get("answers")
        if trial is None or not isinstance(answers, dict) or set(answers) != set(trial["questions"]):
            return "the answers do not belong to this page"
        texts = QUESTIONS | _OTHER_QUESTIONS
        for question, value in answers.items():
            _, low, high = texts[question]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                return f"{question} must be a number from {low} to {high}"
        took = [body.get(name, 0.0) for name in ("seconds", "heard_s")]
        took = [float(t) if isinstance(t, (int, float)) and math.isfinite(t) else 0.0 for t in took]
        self.store.answer(number, trial["number"], answers, seconds=round(took[0], 2), heard_s=round(took[1], 2))
        return None


def make_server(test: ListeningTest, *, host: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """A server that is bound but not yet running; port 0 takes a free one."""

    class Handler(_Handler):
        study = test

    return _Server((host, port), Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # five, the default, resets connections when a class of twenty begins at once

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that was closed while it was answered is no news; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    study: ListeningTest
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        token = parse_qs(url.query).get("rater", [""])[0]
        if url.path == "/":
            self._send(PAGE.encode(), "text/html; charset=utf-8")
        elif url.path == "/api/study":
            self._json(
                {"consent": self.study.consent, "known": bool(token) and self.study.store.rater(token) is not None}
            )
        elif url.path == "/api/next":
            trial = self.study.next_trial(token)
            self._json(trial or {"error": "this rater is not known here; begin again"}, 200 if trial else 404)
        elif url.path.startswith("/picture/"):
            self._file(self.study.pictures.get(url.path.removeprefix("/picture/")))
        elif url.path.startswith("/sound/"):
            self._file(self.study.sounds.get(url.path.removeprefix("/sound/").removesuffix(".wav")))
        else:
            self._json({"error": "there is no such page"}, 404)

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length", "0"))
            if not 0 < length <= MAX_BODY:
                raise ValueError
            body = json.loads(self.rfile.read(length))
            if not isinstance(body, dict):
                raise ValueError
        except ValueError:
            self.close_connection = True
            self._json({"error": "send a small JSON object"}, 400)
            return
        if self.path == "/api/start" and body.get("consent") is True:
            self._json({"rater": self.study.new_rater()})
        elif self.path == "/api/start":
            self._json({"error": "consent is needed first"}, 400)
        elif self.path == "/api/answer":
            wrong = self.study.answer(body)
            self._json({"error": wrong} if wrong else {"kept": True}, 400 if wrong else 200)
        else:
            self._json({"error": "there is no such page"}, 404)

    def _file(self, path: Path | None) -> None:
        if path is None or not path.is_file():
            self._json({"error": "there is no such file"}, 404)
            return
        kinds = {".wav": "audio/wav", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp"}
        data = path.read_bytes()
        begin, end, status = 0, len(data), HTTPStatus.OK
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):  # some phones play nothing without
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            if first.isdigit() and int(first) < len(data):
                begin, status = int(first), HTTPStatus.PARTIAL_CONTENT
                end = min(int(last) + 1, len(data)) if last.isdigit() else len(data)
        extra = {"Accept-Ranges": "bytes"}
        if status == HTTPStatus.PARTIAL_CONTENT:
            extra["Content-Range"] = f"bytes {begin}-{end - 1}/{len(data)}"
        self._send(data[begin:end], kinds.get(path.suffix.lower(), "image/jpeg"), status, extra)

    def _json(self, value: dict[str, Any], status: int = 200) -> None:
        self._send(json.dumps(value).encode(), "application/json", status)

    def _send(self, data: bytes, kind: str, status: int = 200, extra: dict[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind, "Content-Length": str(len(data)), "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' data:",
            "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
        }  # fmt: skip
        for name, value in (headers | (extra or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silence: who asked for what is nobody's business."""
