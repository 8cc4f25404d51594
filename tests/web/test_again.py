"""A piece that is made again from its record, and the lanes that the page mixes."""

import io

import httpx
import numpy as np
import pytest
import soundfile
from test_doors import finished


@pytest.fixture(scope="module")
def rest(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def made(rest, paintings):
    seen = rest.post("/v1/emotion", files={"picture": ("dusk.png", paintings[0].read_bytes())}).json()
    wish = {
        "picture_id": seen["picture"]["id"],
        "seconds": 6,
        "seed": 4,
        "instruments": ["piano", "drums", "bass"],
        "alt": "a dusk",
    }
    return finished(rest, rest.post("/v1/compose", json=wish).json())


def test_a_piece_past_its_hour_comes_again_byte_for_byte_from_its_record(rest, made):
    before = {kind: rest.get(made["files"][kind]).content for kind in ("mid", "mp3", "wav")}
    rest.delete(f"/v1/runs/{made['id']}")
    run = finished(rest, rest.post("/v1/replay", json={"record": made["record"]}).json())
    assert run["status"] == "done" and run["id"] != made["id"]
    assert run["record"]["picture"] == made["record"]["picture"] and run["seed"] == 4
    assert {kind: rest.get(run["files"][kind]).content for kind in before} == before
    made.update(run)


def test_lanes_sum_to_the_mix(rest, made):
    mix, _ = soundfile.read(io.BytesIO(rest.get(made["files"]["wav"]).content))
    families = [lane["family"] for lane in rest.get(made["links"]["roll"]).json()["lanes"]]
    assert len(families) >= 2
    lanes = [soundfile.read(io.BytesIO(rest.get(f"{made['links']['lanes']}/{f}.flac").content))[0] for f in families]
    assert all(np.abs(lane).max() > 0.01 for lane in lanes)
    assert np.abs(sum(lanes) - mix).max() < 2**-14
    refused = rest.get(f"{made['links']['lanes']}/theremin.flac")
    assert refused.status_code == 404 and "no lane 'theremin.flac'" in refused.json()["error"]


def test_notes_that_are_there_are_played_without_being_written_anew(rest, made):
    import base64

    notes = rest.get(made["files"]["mid"]).content
    wish = {"record": made["record"], "midi": base64.b64encode(notes).decode()}
    run = finished(rest, rest.post("/v1/replay", json=wish).json())
    assert rest.get(run["files"]["mid"]).content == notes
    for kind in ("seconds", "lufs"):
        assert abs(run["record"]["sound"][kind] - made["record"]["sound"][kind]) < 0.05
    for wrong, words in (("###", "no base64"), ("AAAA", "MIDI")):
        assert words in rest.post("/v1/replay", json={**wish, "midi": wrong}).json()["error"]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (lambda record: {}, 422, "is not a klangbild record"),
        (lambda record: {**record, "settings": {**record["settings"], "soundfont": "/etc/passwd"}}, 422, "not installed here"),
        (lambda record: {**record, "settings": {**record["settings"], "continue_from": "a.mid"}}, 422, "went on from a MIDI file"),
        (lambda record: {**record, "picture": {**record["picture"], "name": "../../x"}}, 422, "name that no file can have"),
        (lambda record: {**record, "schema": 9}, 422, "schema 9"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_played_again_is_refused_at_once(rest, made, change, status, words):
    answer = rest.post("/v1/replay", json={"record": change(made["record"])})
    assert answer.status_code == status and words in answer.json()["error"]
    assert "/etc" not in answer.json()["error"].replace("'/etc/passwd'", "")


def test_what_is_no_record_at_all_is_refused(rest):
    for body in ({}, [], {"record": 5}, {"record": None, "tempo": 3}):
        assert rest.post("/v1/replay", json=body).status_code == 422
