"""`models pull` knows what an id is, and what is said after adding works as it is printed."""

import shlex

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
hub_constants = pytest.importorskip("huggingface_hub.constants")
pytest.importorskip("onnx")
from published_checkpoints import write_checkpoint  # noqa: E402

from klangbild import hub  # noqa: E402
from klangbild.cli.main import main  # noqa: E402
from klangbild.cli.models import commands_for  # noqa: E402
from klangbild.emotion.predict import open_predictor  # noqa: E402
from klangbild.errors import InputError, KlangbildError  # noqa: E402
from klangbild.models import fetch as hub_fetch  # noqa: E402
from klangbild.models.aria.convert_torch import convert  # noqa: E402

TINY = {"n_layer": 1, "n_head": 2, "d_model": 16, "d_inner": 8}


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A function that puts a repository into a hub's cache as the hub's library lays it out: links to blobs."""
    monkeypatch.setattr(hub_constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def put(hub_id, fill):
        root = tmp_path / "hub" / f"models--{hub_id.replace('/', '--')}"
        plain, snapshot = root / "plain", root / "snapshots" / ("0" * 40)
        fill(plain)
        (root / "refs").mkdir()
        (root / "refs" / "main").write_text("0" * 40)
        (root / "blobs").mkdir()
        for number, path in enumerate(sorted(p for p in plain.rglob("*") if p.is_file())):
            blob = root / "blobs" / str(number)
            path.rename(blob)
            link = snapshot / path.relative_to(plain)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(blob)
        return snapshot

    return put


def files(*names):
    def fill(folder):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("{}")

    return fill


def test_a_sound_model_is_kept_as_it_is(cached, models_home, capsys):
    """Every id was converted as ARIA once: `compose` recommends `models pull cvssp/audioldm2`, which could not do it."""
    folder = cached("cvssp/audioldm2", files("model_index.json", "unet/config.json"))
    assert main(["models", "pull", "cvssp/audioldm2"]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(folder) and "--engine art2mus --model cvssp/audioldm2" in err and "CC BY-NC-SA" in err
    assert not models_home.exists()
    from klangbild.models.published.where import find_folder

    assert find_folder("cvssp/audioldm2") == folder
    assert main(["models", "add", "aria", "--from", "cvssp/audioldm2"]) == 1
    assert "models pull cvssp/audioldm2" in capsys.readouterr().err
    assert main(["models", "add", "aria", "--from", str(folder)]) == 1
    assert "--engine art2mus" in capsys.readouterr().err


def test_unknown_ids_are_told_by_their_files(cached, models_home, capsys):
    cached("some/notes", lambda folder: write_checkpoint(folder / "none", "none", **TINY))
    assert main(["models", "pull", "some/notes"]) == 0
    assert "--model notes --conditioning none" in capsys.readouterr().err and hub.from_pretrained("notes")
    cached("some/sound", files("model_index.json"))
    assert hub_fetch.identify("some/sound").layout == "diffusers"
    cached("some/words", files("config.json"))
    assert hub_fetch.identify("some/words").layout == "transformers"
    cached("some/pictures", files("cat.txt"))
    repository = hub_fetch.fetch("some/notes", patterns=["*"]).parents[1]  # the cache's own folder of it
    assert main(["models", "add", "aria", "--from", str(repository), "--name", "again"]) == 0
    with pytest.raises(InputError, match="neither"):
        hub_fetch.identify("some/pictures")
    assert main(["models", "pull", "some/nothing"]) == 4
    assert main(["models", "pull", "audioldm2"]) == 2
    assert "did you mean cvssp/audioldm2?" in capsys.readouterr().err
    assert main(["compose", "--model", "cvssp/audioldm2-music", "--text", "calm"]) == 4
    assert "models pull cvssp/audioldm2-music" in capsys.readouterr().err


def test_doubled_weights_are_fetched_once():
    doubled = hub_fetch._pickles_that_are_safetensors_too(["a/w.safetensors", "a/w.bin", "b/w.bin", "w.bin"])
    assert doubled == ["a/w.bin"]


@pytest.mark.parametrize("conditioning", ["continuous_concat", "discrete_token", "none"])
def test_the_printed_command_works(checkpoint, models_home, tmp_path, capsys, conditioning):
    """A model without continuous_concat was recommended without saying which conditioning it has."""
    source = checkpoint(conditioning, **TINY)[0].parent
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "lake.png")
    assert main(["models", "add", "aria", "--from", str(source), "--name", "mine"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("added; use it with: ")]
    assert len(told) == 1
    words = shlex.split(told[0].removeprefix("added; use it with: klangbild "))
    words = [str(tmp_path / "lake.png") if word == "PICTURE" else word for word in words]
    assert main([*words, "--seconds", "1", "--seed", "1", "-f", "mid", "-o", str(tmp_path)]) == 0


def test_added_models_read_pictures_by_name(checkpoint, models_home, capsys):
    pytest.importorskip("transformers")
    from test_aria_image_encoder import write_image_encoder

    source = checkpoint("none", **TINY)[0].parent
    write_image_encoder(source / "image_encoder.pt")
    folder = convert(source, name="mine")
    assert commands_for("mine", folder.config)[-1] == "klangbild emotion PICTURE --emotion-model mine"
    open_predictor.cache_clear()
    assert open_predictor("mine").name == "mine" and open_predictor(str(folder.path)).name == "mine"
    with pytest.raises(KlangbildError, match="did you mean mine"):
        open_predictor("mime")
    (folder.path / "config.json").write_text("{")
    open_predictor.cache_clear()
    with pytest.raises(InputError, match="damaged"):
        open_predictor("mine")
