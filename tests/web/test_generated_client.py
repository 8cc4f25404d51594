"""A client that a generator makes from the OpenAPI document, and nothing else, goes the whole road."""

import importlib
import io
import json
import subprocess
import sys
import time

import pytest
from running import read_json


@pytest.fixture(scope="module")
def made(server, tmp_path_factory):
    """The generated package, imported."""
    pytest.importorskip("openapi_python_client", reason="needs openapi-python-client (pip install '.[dev]')")
    folder = tmp_path_factory.mktemp("client")
    document = read_json(server.url + "/v1/openapi.json")
    (folder / "openapi.json").write_text(json.dumps(document))
    kinds = {
        kind
        for item in document["paths"].values()
        for about in item.values()
        for answer in about["responses"].values()
        for kind in answer["content"]
    }
    # files are bytes, whatever is in them; the generator wants to be told so by media type
    files = {kind: "application/octet-stream" for kind in kinds if not kind.startswith(("text/", "application/json"))}
    (folder / "config.json").write_text(json.dumps({"post_hooks": [], "content_type_overrides": files}))
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--config", "config.json", "--output-path", "out", "--meta", "none"],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout.lower(), done.stdout
    for path in (folder / "out" / "api").rglob("*.py"):
        # the generator (0.29.1) names this without importing it where a body may be a form or JSON
        if "Unset" in path.read_text() and "import UNSET, Unset" not in path.read_text():
            path.write_text(f"from ...types import Unset\n{path.read_text()}")
    (folder / "out").rename(folder / "klangbild_generated")
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"klangbild_generated.{name}")
    sys.path.remove(str(folder))


def test_the_whole_road(made, server, paintings):
    client = made("client").Client(base_url=server.url)
    models, types = made("models"), made("types")

    def call(group, name, *given, **about):
        return made(f"api.{group}.{name}").sync_detailed(*given, client=client, **about)

    picture = types.File(io.BytesIO(paintings[0].read_bytes()), "dusk.png", "image/png")
    seen = call("emotion", "emotion_of_upload", body=models.EmotionOfUploadFilesBody(picture=picture)).parsed
    assert isinstance(seen, models.Reading) and -1 <= seen.asked.valence <= 1 and seen.palette[0].hex_
    assert call("emotion", "emotion", text="stormy", picture=seen.picture.id).parsed.source == "mixed"
    assert call("emotion", "given_picture", seen.picture.id).parsed.payload.read()[:2] == b"\xff\xd8"

    wish = models.ComposeJsonBody(picture_id=seen.picture.id, seconds=2.0, seed=5, instruments=["piano", "bass"])
    answer = call("music", "compose", body=wish)
    assert answer.status_code == 202 and answer.headers["location"] == answer.parsed.links.self_
    picture = types.File(io.BytesIO(paintings[1].read_bytes()), "meadow.png", "image/png")
    form = models.ComposeFilesBody(picture=picture, seconds=1.0, seed=6, commercial=False, instruments="piano")
    other = call("music", "compose", body=form).parsed
    assert isinstance(other, models.Run)

    events = call("music", "run_events", answer.parsed.id)
    assert b"event: state" in events.content
    deadline = time.monotonic() + 120
    while (run := call("music", "run_status", answer.parsed.id).parsed).status in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert run.status == "done" and run.record.seed == 5 and run.record.settings.instruments == ["piano", "bass"]
    assert {lane.family for lane in call("music", "run_roll", run.id).parsed.lanes} == {"piano", "bass"}
    for kind, begin in (("mid", b"MThd"), ("mp3", None), ("png", b"\x89PNG"), ("json", b"{")):
        name = run.files[kind].rsplit("/", 1)[-1]
        content = call("music", "run_file", run.id, name, download=True).content
        assert content[: len(begin)] == begin if begin else len(content) > 1000
    assert call("about", "health").parsed.status == "ok"
    assert {one.name for one in call("about", "settings").parsed} >= {"tempo", "seed"}
    assert "notes" in call("about", "models").parsed.engines

    wrong = call("music", "compose", body=models.ComposeJsonBody(text="calm", tempo=999.0))
    assert wrong.status_code == 422 and isinstance(wrong.parsed, models.Error) and wrong.parsed.field == "tempo"
    call("music", "delete_run", other.id)
    assert call("music", "delete_run", run.id).parsed.status == "done"
    gone = call("music", "run_status", run.id)
    assert gone.status_code == 404 and isinstance(gone.parsed, models.Error)
