"""One added model that is damaged stops nobody: it is named, and what is whole goes on."""

import json
import os
import shutil

import pytest

from klangbild import hub
from klangbild.cli.main import main
from klangbild.errors import InputError, KlangbildError

CONFIG = {
    "kind": "midi-emotion", "licence": "MIT", "commercial": True, "image_encoder": None,
    "conditionings": {"none": {"sizes": {"n_layer": 1}, "parameters": 3}},
}  # fmt: skip


def write(folder):
    (folder / "none").mkdir()
    (folder / "none" / "model.safetensors").write_bytes(b"12345")


def changed(**entries):
    return lambda folder: (folder / "config.json").write_text(
        json.dumps({**json.loads((folder / "config.json").read_text()), **entries})
    )


def a_file_instead(folder):
    shutil.rmtree(folder)
    folder.write_text("hello")


def a_folder_instead(name):
    def change(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


def linked_to_nowhere(folder):
    shutil.rmtree(folder)
    folder.symlink_to("nowhere")


def a_pipe_instead(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


DAMAGES = {
    **({"a pipe where the config was": a_pipe_instead} if hasattr(os, "mkfifo") else {}),
    "weights missing": lambda folder: (folder / "none" / "model.safetensors").unlink(),
    "weights cut off": lambda folder: (folder / "none" / "model.safetensors").write_bytes(b"1"),
    "a file where the folder was": a_file_instead,
    "a folder where the weights were": a_folder_instead("none/model.safetensors"),
    "a folder where the config was": a_folder_instead("config.json"),
    "a link to nowhere": linked_to_nowhere,
    "no config": lambda folder: (folder / "config.json").unlink(),
    "config is no JSON": lambda folder: (folder / "config.json").write_text("{"),
    "config is no text": lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe{"),
    "config of brackets": lambda folder: (folder / "config.json").write_text("[" * 200_000),
    "config is a list": lambda folder: (folder / "config.json").write_text("[]"),
    "another format": changed(format=99),
    "files a list": changed(files=[]),
    "files empty": changed(files={}),
    "files without sizes": changed(files={"README.md": 3}),
    "files outside": changed(files={"../x": {"bytes": 1, "sha256": ""}}),
    "files with a NUL": changed(files={"none/\0": {"bytes": 1, "sha256": ""}}),
    "no weights told": changed(files={"README.md": {"bytes": 1, "sha256": ""}}),
    "kind a number": changed(kind=5),
    "a lone surrogate": changed(licence="\ud800"),
    "a lone surrogate deep inside": changed(image_encoder={"clip": {"act": "\ud800"}}),
    "no number of parameters": changed(conditionings={"none": {"sizes": {}}}),
    "a hash of nothing": changed(files={"none/model.safetensors": {"bytes": 5, "sha256": ""}}),
    "conditionings a list": changed(conditionings=["none"]),
    "encoder a word": changed(image_encoder="yes"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_named_and_the_rest_works(models_home, capsys, damage):
    for name in ("bad", "good"):
        hub.save_pretrained(models_home / name, {**CONFIG, "name": name}, "card", write)
    (models_home / "sentence-encoder").mkdir()
    DAMAGES[damage](models_home / "bad")
    assert [folder.name for folder in hub.added()] == ["good"]
    (broken,) = hub.damaged()
    assert broken.name == "bad" and str(models_home) not in broken.why and len(broken.why.splitlines()) == 1
    with pytest.raises(KlangbildError):
        hub.from_pretrained("bad")
    assert main(["models", "list", "--json"]) == 0
    rows = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["bad"]["from"] == "damaged" and rows["bad"]["damaged"] and rows["good"]["from"] == "added"
    assert main(["models", "list"]) == 0
    out, err = capsys.readouterr()
    assert "good" in out and "bad cannot be used" in err
    assert main(["models", "show", "bad"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    hub.save_pretrained(models_home / "bad", CONFIG, "card", write, overwrite=True)  # adding it again mends it
    assert hub.damaged() == [] and not list(models_home.glob(".*"))


def test_doctor_and_the_page_tell_of_it(models_home, capsys):
    from klangbild.web.form_fields import form_fields, installed_engines

    for name in ("bad", "good"):
        hub.save_pretrained(models_home / name, {**CONFIG, "name": name}, "card", write)
    changed(files=[])(models_home / "bad")
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["added models"] == "good" and "lists no files" in facts["damaged model bad"]
    choices = [value for value, _ in next(knob for knob in form_fields() if knob.name == "model").choices]
    assert "good" in choices and "bad" not in choices and "notes" in installed_engines()


def test_a_home_that_is_a_file(models_home, capsys):
    models_home.parent.mkdir(exist_ok=True)
    models_home.write_text("")
    assert hub.added() == [] and "cannot be read" in hub.damaged()[0].why
    assert main(["models", "list"]) == 0


def test_a_model_goes_by_its_folders_name(models_home):
    hub.save_pretrained(models_home / "one", {**CONFIG, "name": "one"}, "card", write)
    (models_home / "one").rename(models_home / "two")
    assert [folder.name for folder in hub.added()] == ["two"] and hub.from_pretrained("two").name == "two"


def test_files_are_as_the_umask_says(models_home):
    former = os.umask(0o027)
    try:
        folder = hub.save_pretrained(models_home / "one", CONFIG, "card", write).path
    finally:
        os.umask(former)
    assert folder.stat().st_mode & 0o777 == 0o750
    assert {p.stat().st_mode & 0o777 for p in folder.rglob("*") if p.is_file()} == {0o640}


def test_a_failed_replacement_leaves_the_former(models_home):
    hub.save_pretrained(models_home / "one", CONFIG, "card", write)

    def fail(folder):
        raise InputError("no")

    with pytest.raises(InputError):
        hub.save_pretrained(models_home / "one", CONFIG, "card", fail, overwrite=True)
    assert [folder.name for folder in hub.added()] == ["one"] and not list(models_home.glob(".*"))
