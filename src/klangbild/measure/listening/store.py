"""Where answers live: one SQLite file, written before the page is told "thank you", and a CSV made from it.

An answer is one row for (rater, trial, question); sending it twice (a phone that lost its network, a page reloaded, a server
started again) replaces it with itself. Raters are numbered in the order they come and know themselves by a random token.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from klangbild.errors import InputError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS study (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS raters (number INTEGER PRIMARY KEY, token TEXT UNIQUE NOT NULL, plan TEXT NOT NULL,
    consent TEXT NOT NULL, started TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS answers (rater INTEGER NOT NULL, trial INTEGER NOT NULL, question TEXT NOT NULL,
    value REAL NOT NULL, seconds REAL NOT NULL, heard_s REAL NOT NULL, at TEXT DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (rater, trial, question));
"""
COLUMNS = ("rater", "trial", "kind", "question", "picture", "engine", "other_engine", "value", "right", "again", "seconds",
           "heard_s", "at")  # fmt: skip


class Store:
    """The study's database. One connection, one lock: twenty raters answer once in some seconds."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.db = sqlite3.connect(path, check_same_thread=False)
            self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)
        except sqlite3.DatabaseError as error:
            raise InputError(f"{path}: is not a study of ours ({error}); give another folder") from None
        self.lock = threading.Lock()

    def settle(self, study: dict[str, Any]) -> dict[str, Any]:
        """Keep what the study is, the first time; later give what was kept (with its secret key).

        Raises:
            InputError: the folder holds another study.
        """
        with self.lock, self.db:
            row = self.db.execute("SELECT value FROM study WHERE key = 'study'").fetchone()
            if row is None:
                kept = {**study, "key": secrets.token_hex(16)}
                self.db.execute("INSERT INTO study VALUES ('study', ?)", (json.dumps(kept),))
                return kept
        kept = json.loads(row[0])
        if {k: v for k, v in kept.items() if k != "key"} != json.loads(json.dumps(study)):
            raise InputError(
                "this folder holds a study with other pictures, engines or questions; give another with --work"
            )
        return kept

    def add_rater(
        self, consent: str, make_plan: Callable[[int], list[dict[str, Any]]]
    ) -> tuple[str, list[dict[str, Any]]]:
        """A new rater: (token, plan); make_plan(number) gives the trials."""
        with self.lock, self.db:
            number = self.db.execute("SELECT COALESCE(MAX(number) + 1, 0) FROM raters").fetchone()[0]
            token, plan = secrets.token_urlsafe(16), make_plan(number)
            self.db.execute(
                "INSERT INTO raters (number, token, plan, consent) VALUES (?, ?, ?, ?)",
                (number, token, json.dumps(plan), consent),
            )
        return token, plan

    def rater(self, token: str) -> tuple[int, list[dict[str, Any]], set[int]] | None:
        """(number, plan, numbers of trials answered) of a token, or None."""
        with self.lock:
            row = self.db.execute("SELECT number, plan FROM raters WHERE token = ?", (token,)).fetchone()
            if row is None:
                return None
            done = self.db.execute("SELECT DISTINCT trial FROM answers WHERE rater = ?", (row[0],)).fetchall()
        return row[0], json.loads(row[1]), {trial for (trial,) in done}

    def answer(self, rater: int, trial: int, values: dict[str, float], *, seconds: float, heard_s: float) -> None:
        """Keep the answers of one page, all or none."""
        rows = [(rater, trial, question, value, seconds, heard_s) for question, value in values.items()]
        with self.lock, self.db:
            self.db.executemany(
                "INSERT OR REPLACE INTO answers (rater, trial, question, value, seconds, heard_s) VALUES (?,?,?,?,?,?)",
                rows,
            )

    def rows(self) -> list[dict[str, Any]]:
        """Every answer with what it was about, in the columns of the CSV."""
        with self.lock:
            plans = {n: json.loads(p) for n, p in self.db.execute("SELECT number, plan FROM raters")}
            answers = self.db.execute("SELECT * FROM answers ORDER BY rater, trial, question").fetchall()
        out = []
        for rater, number, question, value, seconds, heard_s, at in answers:
            trial = next(t for t in plans[rater] if t["number"] == number)
            engines = [engine for _, engine in trial["stimuli"]]
            out.append(dict(zip(COLUMNS, (
                rater, number, trial["kind"], question, trial["stimuli"][0][0], engines[0],
                engines[1] if len(engines) > 1 else "", value, trial["right"], trial["again"], seconds, heard_s, at,
            ), strict=True)))  # fmt: skip
        return out

    def csv(self) -> str:
        """The same as text."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(self.rows())
        return text.getvalue()

    def close(self) -> None:
        with self.lock:
            self.db.close()
