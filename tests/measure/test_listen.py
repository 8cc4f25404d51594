"""The listening test: plans, answers over a restart with twenty raters at once, and what the analysis says of known answers."""

import csv
import io
import json
import threading
import urllib.error
import urllib.request
import wave
from pathlib import Path

import numpy as np
import pytest

from klangbild.errors import InputError, UsageError
from klangbild.measure.listening.analysis import analyse
from klangbild.measure.listening.plan import plan
from klangbild.measure.listening.server import ListeningTest, make_server
from klangbild.measure.listening.store import Store
from klangbild.metrics.agreement import krippendorff_alpha, raters_needed, raters_needed_share

NAN = float("nan")
# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C: four observers, twelve units
OBSERVERS = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
])  # fmt: skip


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_krippendorffs(level, published):
    assert krippendorff_alpha(OBSERVERS, level=level) == pytest.approx(published, abs=5e-4)


def test_alpha_by_hand():
    # two raters, three units: (1, 1), (2, 2), (1, 2). Observed 2 of 6 pairs differ; expected 18 of 30
    assert krippendorff_alpha(np.array([[1, 2, 1], [1, 2, 2.0]]), level="nominal") == pytest.approx(
        1 - (2 / 6) / (18 / 30)
    )
    assert np.isnan(krippendorff_alpha(np.array([[3.0, 3.0], [3.0, 3.0]])))
    assert np.isnan(krippendorff_alpha(np.array([[1.0, NAN], [NAN, 2.0]])))
    with pytest.raises(InputError, match="raters, units"):
        krippendorff_alpha(np.zeros(3))


def test_power_by_hand():
    assert raters_needed(0.5, 1.0) == 32  # (2.8016 / 0.5)^2 = 31.4
    assert raters_needed(0.0, 1.0) is None and raters_needed(NAN, 1.0) is None
    # 60 % against 50 %: ((1.96 * .5 + .8416 * .4899) / .1)^2 = 193.8
    assert raters_needed_share(0.6) == 194
    assert raters_needed_share(0.6, answers_each=10) == 20


def test_plans_are_fair_and_repeatable():
    pictures, engines = [f"p{i}" for i in range(6)], ["a", "b"]
    plans = [plan(pictures, engines, rater=r, trials=24, seed=3) for r in range(24)]
    assert plans[5] == plan(pictures, engines, rater=5, trials=24, seed=3)
    heard: dict = {}
    for trials in plans:
        assert [t.number for t in trials] == list(range(len(trials)))
        assert sum(t.again >= 0 for t in trials) >= 1
        for t in trials:
            if t.kind == "rate" and t.again < 0:
                heard[t.stimuli[0]] = heard.get(t.stimuli[0], 0) + 1
            if t.kind == "pair":
                assert {e for _, e in t.stimuli} == {"a", "b"} and len({p for p, _ in t.stimuli}) == 1
            if t.kind == "which":
                assert len(set(t.pictures)) == 4 and t.pictures[t.right] == t.stimuli[0][0]
    assert len(heard) == 12 and max(heard.values()) - min(heard.values()) <= 1
    with pytest.raises(UsageError, match="questions"):
        plan(pictures, engines, rater=0, questions="vibes")


@pytest.fixture
def study(tmp_path):
    pictures, sounds = {}, {}
    for i in range(4):
        picture = tmp_path / f"p{i}.jpg"
        picture.write_bytes(b"\xff\xd8 a picture")
        pictures[picture.stem] = picture
        for engine in ("winner", "loser"):
            path = tmp_path / f"{engine}-{i}.wav"
            with wave.open(str(path), "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(8000)
                out.writeframes(bytes(1600))
            sounds[picture.stem, engine] = path
    return tmp_path, pictures, sounds


class Running:
    """A server on a free (or the same) port with its store; `stop` is what Ctrl-C does."""

    def __init__(self, study, port=0):
        folder, pictures, sounds = study
        self.store = Store(folder / "answers.sqlite")
        self.test = ListeningTest(self.store, pictures, sounds, trials=12)
        self.server = make_server(self.test, port=port)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.store.close()


def call(port, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def asks(port, path, body=None):
    status, data, _ = call(port, path, body)
    assert status == 200, data
    return json.loads(data)


class Rater(threading.Thread):
    """Rates the good engine two steps above the bad one; knows engines only through what the test tells this simulation."""

    def __init__(self, port, token, names, *, pages):
        super().__init__()
        self.port, self.token, self.names, self.pages, self.kept, self.error = port, token, names, pages, 0, None

    def run(self):
        try:
            self.token = self.token or asks(self.port, "/api/start", {"consent": True})["rater"]
            while self.kept < self.pages:
                trial = asks(self.port, f"/api/next?rater={self.token}")
                if trial["done"]:
                    break
                good = [self.names[s] == "winner" for s in trial["sounds"]]
                answers = {}
                for q in trial["questions"]:
                    if q["name"] == "fits_better":
                        answers["fits_better"] = 0 if good[0] else 1
                    elif q["name"] == "which_picture":
                        answers["which_picture"] = 2
                    else:
                        answers[q["name"]] = q["high"] - (0 if good[0] else (q["high"] - q["low"]) // 2)
                body = {
                    "rater": self.token,
                    "trial": trial["number"],
                    "answers": answers,
                    "seconds": 1.0,
                    "heard_s": 2.0,
                }
                asks(self.port, "/api/answer", body)
                asks(self.port, "/api/answer", body)  # a phone that sends twice
                self.kept += 1
        except BaseException as error:  # noqa: BLE001 - reported by the test
            self.error = error


def test_twenty_raters_and_a_restart_lose_nothing(study, tmp_path):
    first = Running(study)
    from klangbild.measure.listening.plan import stimulus_id

    names = {stimulus_id(first.test.study["key"], p, e): e for p, e in study[2]}
    raters = [Rater(first.port, "", names, pages=5) for _ in range(20)]
    for r in raters:
        r.start()
    for r in raters:
        r.join()
    assert not [r.error for r in raters if r.error]
    first.stop()
    second = Running(study)
    again = [Rater(second.port, r.token, names, pages=99) for r in raters]
    for r in again:
        r.start()
    for r in again:
        r.join()
    assert not [r.error for r in again if r.error]
    rows = second.store.rows()
    pages = {(r["rater"], r["trial"]) for r in rows}
    plans = [second.store.rater(r.token)[1] for r in raters]
    assert len(plans) == 20 and len(pages) == sum(map(len, plans)) == sum(r.kept for r in [*raters, *again])
    kept = list(csv.DictReader(io.StringIO(second.store.csv())))
    assert [float(r["value"]) for r in kept] == [r["value"] for r in rows]
    second.stop()
    results = analyse(rows)
    assert results.sets["winner"]["quality"].value == 5 and results.sets["loser"]["quality"].value == 3
    assert results.sets["winner"]["preferred"].value == 1.0
    assert results.sets["all"]["alpha_quality"].value == pytest.approx(1.0)
    assert results.sets["all"]["consistency_quality"].value == 0
    # who always says the third picture is right a quarter of the time
    assert results.details["which_picture_p"] > 0.01
    assert "raters needed" in " ".join(results.notes)


def test_the_page_gives_nothing_away(study):
    running = Running(study)
    token = running.test.new_rater()
    status, page, headers = call(running.port, "/")
    assert status == 200 and b"http" not in page.split(b"</title>")[1].replace(b"http-equiv", b"")
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    trial = asks(running.port, f"/api/next?rater={token}")
    text = json.dumps(trial)
    assert "winner" not in text and "loser" not in text
    sound = call(running.port, f"/sound/{trial['sounds'][0]}.wav")
    assert sound[0] == 200 and sound[1][:4] == b"RIFF"
    for path, body in (
        ("/sound/../answers.sqlite", None), ("/picture/x", None), ("/api/next?rater=stranger", None),
        ("/api/start", {"consent": False}), ("/api/answer", {"rater": token, "trial": 0, "answers": {"quality": 9}}),
        ("/api/answer", {"rater": "x"}), ("/api/answer", [1]),
    ):  # fmt: skip
        status, data, _ = call(running.port, path, body)
        assert status in (400, 404) and "error" in json.loads(data), path
    running.stop()


def test_values_out_of_range_are_refused(study):
    running = Running(study)
    token = running.test.new_rater()
    trial = running.test.next_trial(token)
    for wrong in (float("nan"), 1000, "5", True):
        answers = {q["name"]: wrong for q in trial["questions"]}
        assert running.test.answer({"rater": token, "trial": trial["number"], "answers": answers})
    assert running.store.rows() == []
    running.stop()


def test_another_study_does_not_overwrite(study):
    folder, pictures, sounds = study
    store = Store(folder / "answers.sqlite")
    ListeningTest(store, pictures, sounds, trials=12)
    with pytest.raises(InputError, match="another"):
        ListeningTest(store, pictures, sounds, trials=16)
    store.close()
    with pytest.raises(InputError, match="no answers"):
        analyse([])
    (folder / "x.sqlite").write_bytes(b"not a database at all, but long enough to be read as one" * 50)
    with pytest.raises(InputError, match="not a study"):
        Store(Path(folder / "x.sqlite"))
