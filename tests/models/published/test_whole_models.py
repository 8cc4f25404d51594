"""What a published model lacks is said before it loads, with where to get it; what is not needed is not loaded."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from klangbild.cli.main import main
from klangbild.errors import InputError
from klangbild.models.published.first_minute import pace, too_large
from klangbild.models.published.melfusion.parts import load_melfusion, save_synapses
from klangbild.models.published.melfusion.pipeline import MelfusionPipeline
from klangbild.models.published.placement import choose_placement
from klangbild.models.published.where import find_folder
from klangbild.sound.files import read_audio

NO_WEIGHTS = shutil.ignore_patterns("*.pth", "imagebind_huge.json", "art2mus_*")


@pytest.fixture
def lake(tmp_path):
    rgb = np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "lake.png")
    return str(tmp_path / "lake.png")


@pytest.fixture
def compose(tmp_path, capfd):
    """compose(engine, model, ...) -> exit code and the lines of stderr."""

    def compose(engine, model, *arguments):
        capfd.readouterr()
        out = ["-o", str(tmp_path / "out"), "--overwrite", "--filename", "piece", "-f", "wav,json"]
        usual = ["--seconds", "1", "--steps", "2", "--seed", "4"]
        code = main(["compose", *arguments, "--engine", engine, "--model", str(model), *usual, *out])
        return code, capfd.readouterr().err.splitlines()

    return compose


@pytest.fixture
def melfusion(melfusion_folders, tmp_path):
    for folder, name in zip(melfusion_folders, ("music", "image"), strict=True):
        shutil.copytree(folder, tmp_path / "model" / name)
    return tmp_path / "model"


def test_a_picture_without_imagebind_is_refused_before_loading(audioldm2_folder, tmp_path, compose, lake):
    """A hub name alone is for words: it loaded for minutes and then spoke of a Python argument."""
    folder = shutil.copytree(audioldm2_folder, tmp_path / "model", ignore=NO_WEIGHTS)
    code, told = compose("art2mus", folder, lake)
    assert code == 4 and len(told) == 1, told
    for said in ("imagebind_huge.pth", "facebookresearch/ImageBind", "art2mus_img_proj_layer.pt", "justivanr/art2mus_",
                 "klangbild models add art2mus", "--text"):  # fmt: skip
        assert said in told[0]
    assert "imagebind=" not in told[0]
    assert compose("art2mus", folder, "--text", "calm")[0] == 0
    shutil.copy(audioldm2_folder / "art2mus_4_img_proj_layer.pt", folder)
    for name in ("imagebind_huge.pth", "imagebind_huge.json"):
        shutil.copy(audioldm2_folder / name, folder)
    code, told = compose("art2mus", folder, lake)
    assert code == 4 and "give --image-tokens 4" in told[0]
    assert compose("art2mus", folder, lake, "--image-tokens", "4")[0] == 0


def test_words_alone_do_not_load_what_sees(audioldm2_folder, tmp_path, compose, lake):
    folder = shutil.copytree(audioldm2_folder, tmp_path / "model")
    (folder / "imagebind_huge.pth").write_bytes(b"cut off")
    assert compose("art2mus", folder, "--text", "calm")[0] == 0
    code, told = compose("art2mus", folder, lake)
    assert code == 1 and "imagebind_huge.pth" in told[-1]


def test_a_missing_part_is_named_with_who_has_it(audioldm2_folder, melfusion, tmp_path, compose):
    folder = shutil.copytree(audioldm2_folder, tmp_path / "other", ignore=NO_WEIGHTS)
    shutil.rmtree(folder / "vocoder")
    code, told = compose("art2mus", folder, "--text", "calm")
    assert code == 4 and len(told) == 1 and "'vocoder'" in told[0] and "cvssp/audioldm2" in told[0]
    shutil.rmtree(melfusion / "music" / "tokenizer")
    code, told = compose("melfusion", melfusion, "--text", "calm")
    assert code == 4 and "music/tokenizer" in told[0] and "google/flan-t5-large" in told[0]
    shutil.rmtree(melfusion / "music")
    code, told = compose("melfusion", melfusion, "--text", "calm")
    assert code == 4 and "declare-lab/tango" in told[0] and "models add tango" in told[0]
    (melfusion / "main_config.json").write_text("{}")
    code, told = compose("melfusion", melfusion, "--text", "calm")
    assert code == 4 and f"klangbild models add tango --from {melfusion}" in told[0]


def test_untrained_synapses_are_said_first_and_cost_nothing(melfusion, tmp_path, compose, lake):
    """The only published state: the picture was inverted for minutes, was not heard, and nobody said so."""
    assert compose("melfusion", melfusion, "--text", "calm")[0] == 0
    words = read_audio(tmp_path / "out" / "piece.wav").samples
    for weights in (melfusion / "image").rglob("*.safetensors"):
        weights.unlink()  # what is not heard is not loaded
    code, told = compose("melfusion", melfusion, lake, "--text", "calm")
    assert code == 0
    assert told.index(next(line for line in told if "no trained synapses" in line)) < told.index(
        next(line for line in told if line.startswith("loading"))
    )
    assert np.array_equal(read_audio(tmp_path / "out" / "piece.wav").samples, words)
    record = json.loads((tmp_path / "out" / "piece.json").read_text())
    assert any("the picture is not heard" in line for line in record["told"])
    code, told = compose("melfusion", melfusion, lake)
    assert code == 2 and len(told) == 1 and "--text" in told[0]


def test_trained_synapses_need_the_image_network(melfusion, melfusion_folders, compose, lake):
    fresh = MelfusionPipeline.from_pretrained(
        melfusion_folders[0], image=melfusion_folders[1], device="cpu", announce=lambda line: None
    )
    fresh.set_gates(0.5)
    save_synapses(fresh.parts.music, melfusion / "synapses")
    code, told = compose("melfusion", melfusion, lake, "--text", "calm")
    assert code == 0 and not any("not heard" in line for line in told)
    assert any("a pass to invert the picture takes" in line for line in told)
    assert any("a step takes" in line and "2 take about" in line for line in told)
    assert any(line.startswith("loaded in") and "unet" in line and "float32 on cpu" in line for line in told)
    shutil.rmtree(melfusion / "image")
    code, told = compose("melfusion", melfusion, lake, "--text", "calm")
    assert code == 4 and len(told) == 1 and "stabilityai/stable-diffusion-2-1" in told[0]


def test_audioldm_is_no_music_network(melfusion, compose):
    """It was promised and ended in a traceback: it hears words through class_labels, where no synapse is."""
    path = melfusion / "music" / "unet" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(
        json.dumps({**config, "class_embed_type": "simple_projection", "projection_class_embeddings_input_dim": 12})
    )
    code, told = compose("melfusion", melfusion, "--text", "calm")
    assert code == 1 and len(told) == 1 and "class_labels" in told[0] and "declare-lab/tango" in told[0]
    with pytest.raises(InputError, match="AudioLDM"):
        load_melfusion(melfusion / "music")


def test_a_folder_of_the_hubs_cache(audioldm2_folder, tmp_path, compose):
    """models--owner--name holds links to blobs under snapshots/COMMIT."""
    repository = tmp_path / "models--cvssp--audioldm2"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for name in ("blobs", "refs"):
        (repository / name).mkdir()
    (repository / "refs" / "main").write_text("abc\n")
    for part in audioldm2_folder.iterdir():
        if part.is_dir():
            (snapshot / part.name).symlink_to(part, target_is_directory=True)
    assert find_folder(str(repository)) == snapshot
    assert compose("art2mus", repository, "--text", "calm")[0] == 0
    (repository / "refs" / "main").write_text("gone")
    assert find_folder(str(repository)) == snapshot


def test_too_little_memory_is_told(tmp_path, monkeypatch):
    from klangbild.models.published import first_minute

    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "w.safetensors").write_bytes(b"1" * 1000)
    (tmp_path / "unet" / "w.bin").write_bytes(b"1" * 5000)  # the same once more
    monkeypatch.setattr(first_minute, "free_memory", lambda: 900)
    exact, coarse = choose_placement("cpu"), choose_placement("cpu", "bfloat16")
    assert "--precision bfloat16" in too_large([tmp_path], exact) and too_large([tmp_path], coarse) is None
    monkeypatch.setattr(first_minute, "free_memory", lambda: None)
    assert too_large([tmp_path], exact) is None


def test_durations():
    assert pace("step", 4.32, 25) == "a step takes 4.3 s; 25 take about 1 min 48 s"
    assert pace("step", 80.2, 200).endswith("200 take about 4 h 27 min")
    assert pace("step", 0.021, 2) == "a step takes 0.021 s; 2 take about 0.042 s"


def test_a_precision_behind_the_name_is_told_where_it_belongs(audioldm2_folder, compose):
    code, told = compose("art2mus", f"{audioldm2_folder}:bfloat16", "--text", "calm")
    assert code == 4 and "give --precision bfloat16" in told[0]
