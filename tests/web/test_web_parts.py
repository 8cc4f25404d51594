"""The page's parts by themselves: addresses that may be fetched, folders, how a piece is made again, the command."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from running import klangbild_command

from klangbild.errors import UsageError
from klangbild.settings import Settings
from klangbild.web import reproduce
from klangbild.web.form_fields import form_fields, plain_sentence, read_settings
from klangbild.web.temporary_folders import TemporaryFolders, keep_upload


def test_temporary_folders_are_forgotten_by_age_and_by_size(tmp_path):
    folders = TemporaryFolders(tmp_path, keep_s=0.2, max_bytes=1000)
    old, _ = folders.new()
    time.sleep(0.3)
    young, folder = folders.new()
    assert folders.sweep() == [old] and folders.folder(young) == folder
    (folder / "a").write_bytes(b"x" * 900)
    other, second = folders.new()
    (second / "b").write_bytes(b"x" * 900)
    assert folders.sweep() == [young] and folders.folder(other)
    assert folders.sweep(frozenset({other})) == []
    assert folders.folder("../etc") is None


def test_uploads_keep_a_safe_name_and_never_overwrite(tmp_path):
    first = keep_upload(tmp_path, "../../a b\x00<.png", b"1")
    second = keep_upload(tmp_path, "../../a b\x00<.png", b"2")
    assert first.parent == second.parent == tmp_path and first.read_bytes() == b"1" and second.read_bytes() == b"2"
    assert keep_upload(tmp_path, "...", b"3").name == "picture"
    for name in ("🎹" * 90 + ".png", "é" * 300, "a" * 300 + ".png", "x" * 79 + "é" * 10):
        kept = keep_upload(tmp_path, name, b"4")
        assert len(kept.name.encode()) <= 100 and kept.read_bytes() == b"4"
    # a long name keeps its beginning, which says what it is, and its suffix
    assert keep_upload(tmp_path, "lake at dawn " * 20 + ".jpeg", b"5").name.startswith("lake at dawn lake")
    assert keep_upload(tmp_path, "lake at dawn " * 20 + ".jpeg", b"5").suffix == ".jpeg"


def test_a_large_upload_is_copied_piece_by_piece(tmp_path):
    """Its bytes never lie in memory at once; before, each of some visitors' 100 MB did."""
    import tracemalloc

    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(50_000_000)
    tracemalloc.start()
    with source.open("rb") as file:
        kept = keep_upload(tmp_path, "large.png", file)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kept.stat().st_size == 50_000_000 and most < 5_000_000


def test_reproduce_makes_the_same_settings_again(klangbild, picture_file, tmp_path):
    settings = Settings(seconds=3.0, seed=5, valence=-0.5, without=("drums",), tempo=96.5, text="it's calm")
    line = reproduce.command(picture_file.name, settings)
    import shlex

    argv = shlex.split(line)[1:]
    code, out, err = klangbild(argv[0], picture_file, *argv[2:], "-o", tmp_path, "-f", "json")
    assert code == 0, err
    made = json.loads(Path(out.strip()).read_text())["settings"]
    assert Settings.from_dict(made) == settings
    code = reproduce.python(str(picture_file), settings).replace('.save("out")', "")
    space: dict = {}
    exec(code.replace("klangbild.compose", "result = klangbild.compose"), space)
    assert space["result"].settings == settings


def test_a_picture_whose_name_begins_with_a_minus_is_no_flag():
    assert reproduce.command("-dash.jpg", Settings()) == "klangbild compose ./-dash.jpg"


def test_forms_read_as_the_command_line_does():
    given = read_settings(
        {"seconds": "12", "instruments": "piano, bass", "top_k": "5", "loudness": "off", "commercial": "on", "key": ""}
    )
    assert given == {
        "seconds": 12.0,
        "instruments": ("piano", "bass"),
        "top_k": 5,
        "loudness": "off",
        "commercial": True,
    }
    assert plain_sentence(UsageError("--bars and --seconds exclude each other; give one length"))[1] == "bars"
    assert {k.kind for k in form_fields()} == {"number", "whole", "choice", "many", "words", "switch", "file"}


def test_serve_says_where_it_is_and_ends_on_interrupt():
    import signal

    process = subprocess.Popen([*klangbild_command(), "serve", "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        url = line.split()[3]
        deadline = time.monotonic() + 30
        while True:
            try:
                page = urllib.request.urlopen(url, timeout=10).read().decode()
                break
            except OSError:
                assert time.monotonic() < deadline, line
                time.sleep(0.1)
        assert "<title>klangbild</title>" in page
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=40) in (0, 130, -2)
    finally:
        process.kill()


def test_composing_leaves_nothing_in_the_home_folder(tmp_path):
    """onnxruntime since 1.29 writes a number for this machine and a line of reports there, to be sent to its maker."""
    code = "import klangbild; klangbild.compose(text='calm', seconds=1, seed=1)"
    environment = {name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "CI")}
    subprocess.run([sys.executable, "-c", code], env={**environment, "HOME": str(tmp_path)}, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_serve_complains_in_one_line(klangbild):
    for argv, words in (
        (["--port", "99999"], "out of range"),
        (["--auth", "anna"], "--auth needs"),
        (["--host", "203.0.113.7"], "--host"),
    ):
        code, _, err = klangbild("serve", *argv)
        assert code == 2 and err.strip().splitlines()[-1].startswith("Error: ") and words in err


def test_the_space_file_and_the_dockerfile_start_the_same_app():
    root = Path(__file__).resolve().parents[2]
    code = "import app; print(type(app.app).__module__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "klangbild.web.app"
    docker = (root / "Dockerfile").read_text()
    assert 'CMD ["klangbild", "serve", "--host", "0.0.0.0"' in docker
    for line in docker.splitlines():
        if line.startswith("COPY "):
            assert all((root / source).exists() for source in line.split()[1:-1]), line


def test_what_the_page_offers_of_models_can_read_a_picture_with_every_engine_it_offers(monkeypatch, tmp_path):
    from klangbild.models.plan.engine import load

    monkeypatch.setenv("KLANGBILD_HOME", str(tmp_path))
    offered = {
        field.name: [value for value, _ in field.choices]
        for field in form_fields()
        if field.name in ("engine", "model")
    }
    assert offered["model"] == ["klangbild"]
    for engine in offered["engine"]:
        if engine != "notes":
            for model in offered["model"]:
                settings = Settings(engine=engine, **read_settings({"model": model}))
                assert load(settings).part(settings) is not None
    with pytest.raises(UsageError, match="not installed"):
        read_settings({"model": "somebody-else"})


def test_nobody_s_picture_is_called_a_photograph_by_guess():
    from dataclasses import replace

    from klangbild.emotion.read import Reading
    from klangbild.emotion.space import Emotion
    from klangbild.picture.color import Swatch
    from klangbild.web.pictures import alt_text, words_of

    palette = (Swatch((10, 20, 90), 0.6, "dark blue"), Swatch((0, 0, 0), 0.4, "black"))
    assert alt_text(palette) == "A picture, mainly dark blue and black"
    seen = (("mountains", 0.97), ("trees", 0.9))
    for kind, painting in (("photo", 0.3), ("painting", 0.8)):
        reading = Reading(Emotion(0.2, 0.1), Emotion(0.3, 0.2), (), kind, "picture", {}, painting=painting)
        assert alt_text(palette, reading) == "A picture, mainly dark blue and black"
        named = {"photo": "A photograph", "painting": "A painting"}[kind]
        assert alt_text(palette, reading, told=True) == f"{named}, mainly dark blue and black"
        sure = replace(reading, painting=float(kind == "painting"), seen=seen)
        assert alt_text(palette, sure) == f"{named} of mountains and trees, mainly dark blue and black"
    for kind in ("photo", "painting"):
        reading = Reading(Emotion(0.2, 0.1), Emotion(0.3, 0.2), (), kind, "picture", {})
        assert words_of(reading).startswith("The picture feels") and kind in words_of(reading, told=True)


def test_the_file_field_takes_what_telephones_make():
    from klangbild.web.page import page_html

    assert 'accept="image/*,' in page_html() and ".heic" in page_html()


def test_only_what_can_work_here_is_offered(monkeypatch, tmp_path):
    """A font whose index cannot be read is not offered, and none twice; a GPU and ARIA's sampler say why they cannot be chosen."""
    from klangbild.sound import fonts
    from klangbild.web.page import page_html

    found = fonts.list_soundfonts()
    broken, twin = tmp_path / "broken.sf2", tmp_path / found[0].name
    broken.write_bytes(b"RIFF\x10\0\0\0sfbkLIST\xff\xff\xff\x7fINFO")
    twin.symlink_to(found[0])
    monkeypatch.setattr(fonts, "list_soundfonts", lambda: [*found, broken, twin])
    offered = [value for field in form_fields() if field.name == "soundfont" for value, _ in field.choices]
    assert len(offered) == len({name.casefold() for name in offered}) and found[0].name in offered
    assert "broken.sf2" not in offered
    monkeypatch.setenv("KLANGBILD_HOME", str(tmp_path / "home"))
    page = page_html(language="de")
    assert '<option value="cuda" disabled>cuda (kein Modell hier kann eine GPU nutzen)</option>' in page
    assert (
        '<option value="midi-emotion" disabled>midi-emotion (für ARIAs Modelle; keines ist installiert)</option>'
        in page
    )
