"""REST on a real server: names, errors, the line, files, and that nobody gets what is another's."""

import base64
import io
import json
import time
import urllib.error
import urllib.request
import zipfile

import httpx
import pytest
from running import Server

from klangbild.settings import Settings
from klangbild.web.texts import HELP


@pytest.fixture(scope="module")
def rest(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def compose(rest, picture=None, **values):
    files = {"picture": (picture.name, picture.read_bytes())} if picture else None
    data = {name: str(value) for name, value in values.items()}
    return rest.post("/v1/compose", data=data, files=files) if files else rest.post("/v1/compose", json=values)


def finished(rest, run, timeout_s=90):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        state = rest.get(run["links"]["self"]).json()
        if state["status"] in ("done", "stopped", "failed", "cancelled"):
            return state
        time.sleep(0.1)
    raise AssertionError(state)


def test_compose_status_and_files(rest, paintings):
    answer = compose(rest, paintings[0], seconds=4, seed=11, instruments="piano,strings", alt="a glowing dusk")
    assert answer.status_code == 202
    run = answer.json()
    assert answer.headers["location"] == run["links"]["self"]
    state = finished(rest, run)
    assert state["status"] == "done" and state["seed"] == 11
    assert state["record"]["picture"]["alt"] == "a glowing dusk"
    assert set(state["record"]["music"]["instruments"]) == {"piano", "strings"}
    assert state["command"] == "klangbild compose dusk.png --seconds 4 --seed 11 --instruments piano,strings"
    midi = rest.get(state["files"]["mid"])
    assert midi.content[:4] == b"MThd" and midi.headers["content-type"] == "audio/midi"
    wav = rest.get(state["files"]["wav"] + "?download=true")
    assert wav.content[:4] == b"RIFF" and 'filename="dusk-11.wav"' in wav.headers["content-disposition"]
    part = rest.get(state["files"]["mp3"], headers={"range": "bytes=0-99"})
    assert part.status_code == 206 and len(part.content) == 100
    names = zipfile.ZipFile(io.BytesIO(rest.get(state["files"]["zip"]).content)).namelist()
    assert {"dusk-11.mid", "dusk-11.wav", "stems/piano.wav", "stems/strings.wav"} <= set(names)
    roll = rest.get(run["links"]["roll"]).json()
    assert {lane["family"] for lane in roll["lanes"]} == {"piano", "strings"}
    record = rest.get(state["files"]["json"]).json()
    assert record["files"]["wav"] == "dusk-11.wav"


@pytest.mark.parametrize("wishes", [{}, {"engine": "art2mus", "steps": 2, "key": "D", "text": "qwxz, slow, no drums"}])
def test_large_files_are_the_same_bytes_as_composed_anew(rest, paintings, tmp_path, wishes):
    """The sound is let go of and played again from the notes: nothing may differ from what compose saves."""
    import klangbild

    state = finished(rest, compose(rest, paintings[1], seconds=3, seed=5, **wishes).json())
    result = klangbild.compose(paintings[1], seconds=3.0, seed=5, **wishes)
    saved = result.save(tmp_path, ("mid", "wav"))
    assert rest.get(state["files"]["mid"]).content == saved["mid"].read_bytes()
    assert rest.get(state["files"]["wav"]).content == saved["wav"].read_bytes()


def test_words_alone_and_json(rest):
    state = finished(rest, compose(rest, text="calm and happy", seconds=3, seed=2).json())
    assert state["status"] == "done" and state["record"]["emotion"]["source"] == "text"


def test_words_are_read_alike_by_the_page_and_by_the_command_line(rest, klangbild, tmp_path):
    text = "traurige Geige, langsam, sans batterie, qwxz"
    seen = rest.get("/v1/emotion", params={"text": text}).json()
    made = finished(rest, compose(rest, text=text, seconds=2, seed=3).json())["record"]
    flags = ("--text", text, "--seconds", "2", "--seed", "3", "-f", "json", "-o", tmp_path, "--json")
    typed = json.loads(klangbild("compose", *flags)[1])
    read = json.loads(klangbild("emotion", "--text", text, "--json")[1])
    assert seen["reasons"] == made["reasons"] == typed["reasons"] == read["reasons"]
    assert seen["unknown"] == read["unknown_words"] == ["qwxz"]
    assert made["told"] == typed["told"] and '"geige": played by strings' in made["told"]
    assert made["settings"] == typed["settings"] and made["settings"]["instruments"] == ["strings"]
    assert made["settings"]["text"] == text and made["settings"]["without"] == ["drums"]


def test_emotion_by_upload_by_words_and_by_id(rest, paintings):
    seen = rest.post("/v1/emotion", files={"picture": (paintings[0].name, paintings[0].read_bytes())}).json()
    assert (
        -1 <= seen["emotion"]["valence"] <= 1
        and seen["asked"]["valence_spread"] > 0
        and seen["palette"]
        and seen["alt"]
    )
    again = rest.get("/v1/emotion", params={"picture": seen["picture"]["id"], "text": "stormy"}).json()
    assert again["source"] == "mixed"
    words = rest.get("/v1/emotion", params={"text": "stormy"}).json()
    assert words["source"] == "text" and words["asked"]["arousal"] > 0
    run = compose(rest, picture_id=seen["picture"]["id"], seconds=2, seed=1).json()
    assert finished(rest, run)["record"]["picture"]["name"] == "dusk"


@pytest.mark.parametrize(
    ("values", "status", "field", "sentence"),
    [
        ({"tempo": 999, "text": "calm"}, 422, "tempo", "out of range; give a number from 40 to 240"),
        ({"instruments": "pinao", "text": "calm"}, 422, "instruments", "did you mean 'piano'?"),
        ({"sounds": 1, "text": "calm"}, 422, None, "'sounds' is not a setting"),
        ({}, 422, None, "neither a picture nor words"),
        ({"picture_id": "x" * 22}, 422, "picture", "no longer kept"),
        ({"picture_url": "http://127.0.0.1/x.png"}, 422, None, "ddresses are not fetched here"),
        ({"text": "calm", "soundfont": "/etc/passwd"}, 422, "soundfont", "is not installed here"),
        ({"text": "calm", "model": "../../etc"}, 422, "model", "is not installed here"),
        ({"text": "calm", "continue_from": "/etc/passwd"}, 422, "continue_from", "file"),
        ({"text": "calm", "seconds": "long"}, 422, "seconds", "is not a number"),
        ({"text": "calm " * 500}, 422, "text", "is longer than 2000 letters"),
        ({"text": "calm", "path": "0:0.5,9"}, 422, "path", "out of range"),
    ],
)
def test_every_refusal_is_one_sentence_by_its_field(rest, values, status, field, sentence):
    answer = rest.post("/v1/compose", json=values)
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (
        body["field"] == field
        and sentence in body["error"]
        and "\n" not in body["error"]
        and "/tmp" not in body["error"]
    )


def test_not_a_picture(rest):
    answer = rest.post("/v1/compose", files={"picture": ("../../note.txt", b"hello, this is text")})
    assert answer.status_code == 422 and answer.json() == {
        "error": "note.txt: is text, not a picture; give a JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP picture", "field": "picture",
    }  # fmt: skip


def test_a_midi_file_to_go_on_from_is_checked_at_once_and_kept_under_its_name(rest, paintings):
    """Its sentence belongs to its own field, and no path of this machine is told."""
    letter = {"continue_from": ("letter.mid", b"Dear music, ...")}
    answer = rest.post("/v1/compose", data={"text": "calm"}, files=letter)
    assert answer.status_code == 422 and answer.json()["field"] == "continue_from"
    assert answer.json()["error"].startswith("Go on from a MIDI file: letter.mid: is not a MIDI file")
    first = finished(rest, compose(rest, text="calm", seconds=3, seed=1).json())
    piece = {"continue_from": ("first part.mid", rest.get(first["files"]["mid"]).content)}
    state = finished(rest, rest.post("/v1/compose", data={"text": "calm", "seconds": "6"}, files=piece).json())
    assert state["status"] == "done" and "'first part.mid'" in state["command"]


def test_stopping_what_is_just_finished_keeps_it(rest):
    state = finished(rest, compose(rest, text="calm", seconds=2, seed=1).json())
    assert rest.delete(state["links"]["self"] + "?keep=true").json()["status"] == "done"
    assert rest.get(state["files"]["mid"]).content[:4] == b"MThd"


def test_a_file_without_settings_is_no_preset(rest):
    for body in ("[]", "null", '{"foo": 1}', '{"settings": 3}', "nonsense"):
        answer = rest.post("/v1/settings", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422, body
    assert rest.post("/v1/settings", json={}).json() == {}
    assert rest.post("/v1/settings", json={"settings": {"tempo": 96, "unknown": 1}}).json() == {"tempo": 96.0}


def test_too_large_is_refused_before_it_is_read(server):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rsplit(":", 1)[1]), timeout=20)
    connection.putrequest("POST", "/v1/emotion")
    connection.putheader("content-length", str(200_000_000))
    connection.putheader("content-type", "multipart/form-data; boundary=x")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413 and "100 MB" in json.loads(answer.read())["error"]


def test_other_sites_and_foreign_names_are_refused(server, rest):
    assert rest.post("/v1/compose", json={"text": "calm"}, headers={"origin": "http://evil.example"}).status_code == 403
    assert rest.get("/v1/health", headers={"host": "evil.example"}).status_code == 403
    policy = rest.get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy


def test_ids_cannot_be_guessed_or_climbed(rest, paintings):
    state = finished(rest, compose(rest, text="calm", seconds=2, seed=3).json())
    assert rest.get("/v1/runs/..").status_code == 404
    assert rest.get("/v1/runs/AAAAAAAAAAAAAAAAAAAAAA").status_code == 404
    assert rest.get(f"/v1/runs/{state['id']}/files/..%2f..%2fpasswd").status_code == 404
    assert len(state["id"]) >= 22


def test_the_line_is_visible_and_can_be_left(rest, paintings):
    runs = [compose(rest, text="calm", seconds=60 if i == 0 else 2, seed=i).json() for i in range(4)]
    states = [rest.get(run["links"]["self"]).json() for run in runs]
    assert [s["place"] for s in states[1:] if s["status"] == "queued"] == sorted(
        s["place"] for s in states[1:] if s["status"] == "queued"
    )
    health = rest.get("/v1/health").json()
    assert health["running"] + health["waiting"] >= 2
    left = rest.delete(runs[3]["links"]["self"]).json()
    assert left["status"] == "cancelled"
    rest.delete(runs[0]["links"]["self"])
    assert finished(rest, runs[0])["status"] in ("stopped", "cancelled", "done")
    for run, seed in zip(runs[1:3], (1, 2), strict=True):
        state = finished(rest, run)
        assert state["status"] == "done" and state["record"]["seed"] == seed
    # a finished run can be removed with its files
    rest.delete(runs[1]["links"]["self"])
    assert rest.get(runs[1]["links"]["self"]).status_code == 404


def test_events_tell_the_whole_story(rest):
    run = compose(rest, text="excited", seconds=6, seed=4).json()
    kinds, last = [], None
    with rest.stream("GET", run["links"]["events"]) as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                kinds.append(line[7:])
            elif line.startswith("data: "):
                last = json.loads(line[6:])
    assert (
        "roll" in kinds and last["status"] == "done" and last["waits_s"]["first_notes_s"] <= last["waits_s"]["sound_s"]
    )


def test_settings_are_the_command_lines(rest):
    listed = {entry["name"]: entry for entry in rest.get("/v1/settings").json()}
    assert set(listed) == set(Settings.__dataclass_fields__)
    assert (listed["top_p"]["low"], listed["top_p"]["high"], listed["top_p"]["default"]) == (0.05, 1.0, 0.995)
    page = rest.get("/").text
    for name, entry in listed.items():
        if set(entry["engines"]) & {"notes"} and name not in ("valence", "arousal", "engine", "text"):
            assert HELP.get(name, entry["help"])[1:30].replace("'", "&#x27;") in page, name
    schema = rest.get("/v1/openapi.json").json()["paths"]["/v1/compose"]["post"]["requestBody"]["content"]
    assert set(listed) <= set(schema["multipart/form-data"]["schema"]["properties"])
    assert rest.get("/v1/models").json()["engines"][0] == "notes"


@pytest.mark.parametrize(
    "path", ["/config", "/gradio_api/info", "/gradio_api/call/emotion", "/gradio_api/file=/etc/passwd"]
)
def test_there_is_no_second_door(rest, path):
    assert rest.get(path).status_code == 404
    assert rest.post(
        path, json={"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]}
    ).status_code in (404, 405)


def test_password_hour_and_full_line(paintings):
    small = Server(auth=("anna", "secret"), keep_s=1.0, max_waiting=1, warm=False)
    try:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(small.url + "/v1/health", timeout=20)
        token = base64.b64encode(b"anna:secret").decode()
        with httpx.Client(base_url=small.url, headers={"authorization": f"Basic {token}"}, timeout=60) as rest:
            answers = [compose(rest, text="calm", seconds=2, seed=i) for i in range(6)]
            full = [a for a in answers if a.status_code == 503]
            assert full and "in line already" in full[0].json()["error"]
            run = answers[0].json()
            assert finished(rest, run)["status"] == "done"
            folder = small.app.folder / "runs" / run["id"]
            assert folder.is_dir()
            deadline = time.monotonic() + 20
            while folder.exists() and time.monotonic() < deadline:
                time.sleep(0.2)
            assert not folder.exists() and rest.get(run["links"]["self"]).status_code == 404
    finally:
        small.close()
    assert not small.app.folder.exists()


def test_a_wish_made_before_the_models_are_loaded_gets_the_same_music(paintings):
    """Warming up happens in the one worker: a model remembers what it reads, and two pieces at once would mix."""
    early = Server()
    try:
        with httpx.Client(base_url=early.url, timeout=60) as rest:
            found = []
            for _ in range(2):
                state = finished(rest, compose(rest, paintings[0], seconds=3, seed=17).json())
                found.append(rest.get(state["files"]["mid"]).content)
        assert found[0] == found[1]
    finally:
        early.close()
