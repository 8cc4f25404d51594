"""A piece edited by REST: one made here, or a file that is sent."""

import json

import httpx
import pytest
from test_doors import finished

from klangbild.editing.midi_events import MidiEvents
from klangbild.music.midi import read_record, with_record, without_record


@pytest.fixture(scope="module")
def rest(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def made(rest, paintings):
    seen = rest.post("/v1/emotion", files={"picture": ("dusk.png", paintings[0].read_bytes())}).json()
    wish = {"picture_id": seen["picture"]["id"], "bars": 8, "seed": 4, "drafts": 0, "alt": "a dusk"}
    return finished(rest, rest.post("/v1/compose", json=wish).json())


def notes(midi: bytes) -> list:
    return [(n.track, n.begin, n.end, n.pitch, n.velocity) for n in MidiEvents.read(without_record(midi)).notes()]


def test_bars_of_a_run_are_written_anew_and_the_rest_stays(rest, made):
    before = rest.get(made["files"]["mid"]).content
    run = finished(rest, rest.post("/v1/edit", json={"run": made["id"], "bars": "3-4", "seed": 2}).json())
    assert run["status"] == "done" and run["seed"] == 2 and run["record"]["edit"]["wish"] == {"bars": "3-4"}
    assert run["picture"] and run["alt"] == "a dusk" and run["command"].endswith(".mid --bars 3-4 --seed 2")
    after = rest.get(run["files"]["mid"]).content
    assert set(notes(before)) != set(notes(after)) and len(notes(after)) > 10
    first = min(n[1] for n in set(notes(before)) ^ set(notes(after)))
    assert first >= 2 * 3 * 240  # two bars of the shortest meter, at least
    # its own record brings it again, and its file, sent, can be edited further
    again = finished(rest, rest.post("/v1/replay", json={"record": run["record"]}).json())
    assert rest.get(again["files"]["mid"]).content == after
    sent = rest.post("/v1/edit", files={"piece": ("mine.mid", before)}, data={"bars": "3-4", "seed": "2"})
    assert rest.get(finished(rest, sent.json())["files"]["mid"]).content == after


@pytest.mark.parametrize(
    ("body", "status", "field", "words"),
    [
        ({"bars": "2"}, 422, "piece", "say which piece"),
        ({"run": "nobody", "bars": "2"}, 404, None, "no such run"),
        ({"run": "ID"}, 422, None, "nothing to edit"),
        ({"run": "ID", "bars": "4-2"}, 422, "bars", "write 2-4"),
        ({"run": "ID", "bars": "2", "seed": -1}, 422, "seed", "whole number"),
        ({"run": "ID", "tempi": 3}, 422, "tempi", "nothing an edit knows"),
    ],
)
def test_a_wrong_wish_is_one_sentence(rest, made, body, status, field, words):
    body = {name: made["id"] if value == "ID" else value for name, value in body.items()}
    answer = rest.post("/v1/edit", json=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert words.lower() in answer.json()["error"].lower()


def test_what_is_no_piece_is_refused_and_what_cannot_be_known_before_fails_in_words(rest, made):
    answer = rest.post("/v1/edit", files={"piece": ("letter.mid", b"Dear music")}, data={"bars": "2"})
    assert (
        answer.status_code == 422 and answer.json()["field"] == "piece" and "not a MIDI file" in answer.json()["error"]
    )
    run = finished(rest, rest.post("/v1/edit", json={"run": made["id"], "bars": "90-99"}).json())
    assert run["status"] == "failed" and "the piece has" in run["error"]
    midi = rest.get(made["files"]["mid"]).content
    # a record of somebody else may name any file of this machine
    record = json.loads(read_record(midi))
    for change in (
        {"settings": {**record["settings"], "soundfont": "/etc/passwd"}},
        {"picture": {**record["picture"], "name": "../x"}},
    ):
        forged = with_record(without_record(midi), json.dumps({**record, **change}))
        answer = rest.post("/v1/edit", files={"piece": ("a.mid", forged)}, data={"bars": "2"})
        assert answer.status_code == 422 and answer.json()["field"] == "piece", answer.text
    answer = rest.post("/v1/compose", files={"piece": ("a.mid", midi)}, data={"text": "calm"})
    assert answer.status_code == 422 and answer.json()["field"] == "piece"
