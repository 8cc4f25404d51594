"""`models add`: every download as it is becomes part of a model that plays; what is missing, damaged or of something else is said."""

import json
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants as hub_constants
from PIL import Image
from tiny_downloads import SCALE, HifiGan, as_hub_cache, ldm_vae, write_tango

from klangbild import hub
from klangbild.cli.main import main
from klangbild.models.published.melfusion.parts import read_synapses
from klangbild.models.published.melfusion.tango import TANGO_SCHEDULE, _vae_weights, read_hifigan
from klangbild.models.published.where import find_folder, lacks_of, part_of


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KLANGBILD_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


@pytest.fixture
def add(capfd, home):
    """add(kind, *sources, ...) -> exit code and the lines of stderr."""

    def add(kind, *sources, name=None, overwrite=False):
        capfd.readouterr()
        given = [word for source in sources for word in ("--from", str(source))]
        given += (["--name", name] if name else []) + (["--overwrite"] if overwrite else [])
        code = main(["models", "add", kind, *given])
        return code, capfd.readouterr().err.splitlines()

    return add


@pytest.fixture
def tango(melfusion_folders, tmp_path):
    return write_tango(tmp_path / "downloads" / "tango", melfusion_folders[0])


def play(line: str, tmp_path: Path) -> int:
    """Run a command that was printed, shortened."""
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(tmp_path / "lake.png")
    words = shlex.split(line[line.index("klangbild ") :])[1:]
    words = [{"PICTURE": str(tmp_path / "lake.png"), "WORDS": "calm"}.get(word, word) for word in words]
    return main([*words, "--seconds", "1", "--steps", "1", "-f", "wav", "-o", str(tmp_path / "out"), "--seed", "1"])


def test_tango_as_it_is_downloaded(add, home, tango, melfusion_folders, tmp_path, monkeypatch, capfd):
    """The only reader of Tango's checkpoint was reached from tests alone, and nothing read its VAE."""
    repository = as_hub_cache(tango, tmp_path / "models--declare-lab--tango")
    code, told = add("tango", repository)
    assert code == 0 and any("google/flan-t5-large" in line for line in told), told
    assert not any("use it with" in line for line in told)  # without a tokenizer nothing plays
    code, told = add("melfusion", melfusion_folders[0] / "tokenizer")
    ready = [line for line in told if "use it with" in line]
    assert code == 0 and len(ready) == 1 and "--text WORDS" in ready[0]
    assert any("stabilityai/stable-diffusion-2-1" in line for line in told) and any("synapses" in line for line in told)
    assert play(ready[0], tmp_path) == 0
    assert lacks_of("melfusion", home / "melfusion") == ["stable-diffusion", "synapses"]
    config = json.loads((home / "melfusion" / "music" / "vae" / "config.json").read_text())
    assert config["scaling_factor"] == SCALE and config["block_out_channels"] == [32, 64]
    schedule = json.loads((home / "melfusion" / "music" / "scheduler" / "scheduler_config.json").read_text())
    assert TANGO_SCHEDULE.items() <= schedule.items() and schedule["prediction_type"] == "v_prediction"
    assert json.loads((home / "melfusion" / "music" / "unet" / "config.json").read_text())["sample_size"] == [256, 16]
    hub.from_pretrained("melfusion").verify()
    monkeypatch.setattr(hub_constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("KLANGBILD_OFFLINE", "1")
    code, told = add("tango", "declare-lab/tango", name="by-its-id")
    assert code == 0 and "hub: declare-lab/tango" in hub.from_pretrained("by-its-id").config["origin"], told
    assert main(["models", "pull", "declare-lab/tango"]) == 0
    assert "klangbild models add melfusion --from declare-lab/tango" in capfd.readouterr().err
    assert find_folder("melfusion") == home / "melfusion"


def test_the_translated_network_says_the_same(add, home, tango, melfusion_folders):
    """Weights are where they were: the UNet and T5 of the download are those of the folder it was made of."""
    from diffusers import UNet2DConditionModel
    from transformers import T5EncoderModel

    assert add("tango", tango)[0] == 0
    for cls, part in ((UNet2DConditionModel, "unet"), (T5EncoderModel, "text_encoder")):
        first, second = (
            cls.from_pretrained(folder / part) for folder in (melfusion_folders[0], home / "melfusion/music")
        )
        assert first.state_dict().keys() == second.state_dict().keys()
        for name, value in first.state_dict().items():
            assert torch.equal(value, second.state_dict()[name]), name


def test_the_vae_is_translated_as_diffusers_does():
    from diffusers import AutoencoderKL
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    state = ldm_vae()
    vae = AutoencoderKL(
        in_channels=1, out_channels=1, latent_channels=8, block_out_channels=(32, 64), layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    theirs, ours = convert_ldm_vae_checkpoint(state, dict(vae.config)), dict(_vae_weights(state, 2))
    assert ours.keys() == theirs.keys() == vae.state_dict().keys()
    for name, value in theirs.items():
        assert torch.equal(value, ours[name]), name


@pytest.mark.parametrize("normed", [True, False])
def test_the_vocoder_sounds_the_same(normed):
    from transformers import SpeechT5HifiGan

    torch.manual_seed(2)
    published = HifiGan(bands=8, width=16)
    config, state = read_hifigan(published.published(normed=normed), where="here")
    ours = SpeechT5HifiGan(config)
    ours.load_state_dict(state)
    mel = torch.randn(1, 12, 8)
    with torch.no_grad():
        assert torch.allclose(ours(mel), published(mel.transpose(1, 2)), atol=1e-6)
    assert tuple(config.upsample_rates) == (4, 4, 10)


def test_a_whole_melfusion_in_one_command(add, home, tango, melfusion_folders, tmp_path, capfd):
    """With the gates of a checkpoint of the released training it hears pictures at once."""
    trained = write_tango(tmp_path / "trained", melfusion_folders[0], alphas=1.5)
    code, told = add("tango", trained, melfusion_folders[0] / "tokenizer", melfusion_folders[1], name="mine")
    assert code == 0 and not any(line.startswith("lacks") for line in told), told
    form, state = read_synapses(home / "mine" / "synapses")
    assert form == "released" and {float(value) for value in state.values()} == {1.5}
    capfd.readouterr()
    assert play(told[-1], tmp_path) == 0
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("Licence of mine/")]
    assert len(said) == 3 and "CC BY-NC-SA 4.0" in said[0] and "RAIL" in said[1]
    code, told = add("melfusion", trained, name="mine")
    assert code == 2 and "has music already; give --overwrite" in told[-1]
    shutil.rmtree(tmp_path / "trained")
    hub.from_pretrained("mine").verify()
    assert add("tango", tango, name="mine", overwrite=True)[0] == 0
    assert (home / "mine" / "image" / "unet").is_dir()  # the other parts stay
    assert part_of(find_folder("mine"), "music") == home / "mine" / "music"  # `train melfusion --music-model mine`
    assert part_of(melfusion_folders[0], "music") == melfusion_folders[0]


def test_art2mus_of_its_downloads(add, home, audioldm2_folder, tmp_path):
    """AudioLDM 2, ImageBind and the projections, in any order, each recognised by what is in it."""
    downloads = tmp_path / "downloads"
    model = shutil.copytree(
        audioldm2_folder, downloads / "some-name", ignore=shutil.ignore_patterns("*.pt", "*.pth", "imagebind*")
    )
    for source, target in (("imagebind_huge.pth", "ear.pth"), ("imagebind_huge.json", "ear.json"),
                           ("art2mus_img_proj_layer.pt", "a.pt"), ("art2mus_4_img_proj_layer.pt", "b.pt")):  # fmt: skip
        shutil.copy(audioldm2_folder / source, downloads / target)
    (model / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"a variant")
    (model / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"the same as a pickle")
    os.chmod(downloads / "ear.pth", 0o600)  # noqa: PTH101
    code, told = add("art2mus", downloads / "b.pt", downloads / "ear.pth", model)
    assert code == 0 and told[-1].endswith("--engine art2mus --model art2mus --image-tokens 4"), told
    assert play(told[-1], tmp_path) == 0
    code, told = add("projection", downloads / "a.pt")
    assert code == 0 and told[-1].endswith("--model art2mus") and play(told[-1], tmp_path) == 0
    assert (downloads / "ear.pth").stat().st_mode & 0o777 == 0o600  # somebody's own file stays as private as it was
    names = {file.name for file in (home / "art2mus" / "unet").iterdir()}
    assert names == {"config.json", "diffusion_pytorch_model.safetensors"}
    folder = hub.from_pretrained("art2mus")
    assert folder.kind == "art2mus" and not folder.allows_commercial_use and "mit" in folder.licence
    assert "Art2Mus" not in folder.config["origin"] and "a.pt" in (folder.path / "README.md").read_text()
    code = main(["compose", "--text", "calm", "--engine", "melfusion", "--model", "art2mus", "-o", str(tmp_path)])
    assert code == 2
    assert (
        main(
            [
                "compose",
                "--text",
                "calm",
                "--engine",
                "art2mus",
                "--model",
                "art2mus",
                "--commercial",
                "-o",
                str(tmp_path),
            ]
        )
        == 2
    )


@pytest.mark.parametrize("case", ["unet", "text", "vae", "vocoder", "code", "json", "begun from pictures", "no file"])
def test_a_damaged_tango_is_one_line(add, home, tango, case):
    main_file, vae_file = tango / "pytorch_model_main.bin", tango / "pytorch_model_vae.bin"
    state, codec = torch.load(main_file), torch.load(vae_file)
    says = {"unet": "UNet2DConditionModel", "text": "T5EncoderModel", "vae": "AutoencoderKL", "vocoder": "HifiGan", "code": "run code",
            "json": "vae_config.json", "begun from pictures": "group_in", "no file": "pytorch_model_main.bin"}[case]  # fmt: skip
    if case == "unet":
        del state["unet.conv_in.weight"]
    elif case == "text":
        del state["text_encoder.encoder.block.0.layer.1.DenseReluDense.wo.weight"]
    elif case == "vae":
        codec["encoder.conv_in.weight"] = torch.zeros(3)
    elif case == "vocoder":
        codec["vocoder.more"] = torch.zeros(3)
    elif case == "begun from pictures":
        state["group_in.0.weight"] = torch.zeros(2)
    elif case == "json":
        (tango / "vae_config.json").write_text("{")
    torch.save(state, main_file)
    torch.save(codec, vae_file)
    if case == "code":
        torch.save({"weights": print}, main_file)
    elif case == "no file":
        main_file.unlink()
    code, told = add("tango", tango)
    assert code == 1 and says in told[-1], told
    assert not [line for line in told[:-1] if not line.startswith("Licence of")]
    assert not home.exists() or not list(home.iterdir())  # nothing half made


def test_tango_without_its_vae_takes_audioldms(add, home, tango, melfusion_folders, tmp_path):
    for name in ("vae_config.json", "pytorch_model_vae.bin"):
        (tango / name).unlink()
    code, told = add("tango", tango)
    assert code == 4 and "cvssp/audioldm-s-full-v2" in told[-1]
    audioldm = tmp_path / "audioldm"
    for part in ("unet", "vae", "vocoder"):
        shutil.copytree(melfusion_folders[0] / part, audioldm / part)
    config = json.loads((audioldm / "unet" / "config.json").read_text())
    (audioldm / "unet" / "config.json").write_text(json.dumps({**config, "class_embed_type": "simple_projection"}))
    code, told = add("melfusion", audioldm)
    assert code == 1 and "class_labels" in told[-1]  # alone it is no music network
    assert add("tango", tango, audioldm, melfusion_folders[0] / "tokenizer")[0] == 0
    assert lacks_of("melfusion", home / "melfusion") == ["stable-diffusion", "synapses"]


def test_what_is_something_else_is_said(add, audioldm2_folder, melfusion_folders, tango, tmp_path):
    code, told = add("melfusion", audioldm2_folder)
    assert code == 2 and "AudioLDM 2, a part of art2mus" in told[-1] and "models add art2mus" in told[-1]
    code, told = add("art2mus", tango)
    assert code == 2 and "Tango, a part of melfusion" in told[-1]
    assert add("tango", tmp_path / "nowhere")[0] == 4
    (tmp_path / "cats").mkdir()
    code, told = add("tango", tmp_path / "cats")
    assert code == 1 and "is none of these" in told[-1] and "declare-lab/tango" in told[-1]
    torch.save({"weight": torch.zeros(2)}, tmp_path / "w.pt")
    code, told = add("art2mus", tmp_path / "w.pt")
    assert code == 1 and "neither ImageBind nor a projection" in told[-1]
    (tmp_path / "model_config.pt").write_bytes(b"")
    code, told = add("art2mus", tmp_path)
    assert code == 2 and "models add aria" in told[-1]
    code, told = add("tango")
    assert code == 2 and "declare-lab/tango" in told[-1] and "AudioLDM 2" not in told[-1]
    code, told = add("melfusion", audioldm2_folder / "tokenizer", name="words")
    assert code == 0  # FLAN-T5's or another fast tokenizer cannot be told apart by its files
    code, told = add("art2mus", audioldm2_folder, name="words")
    assert code == 2 and "is a model of kind melfusion" in told[-1]
    for part in ("vae", "scheduler"):
        broken = shutil.copytree(audioldm2_folder, tmp_path / part)
        shutil.rmtree(broken / part)
        code, told = add("art2mus", broken, name="other")
        assert code == 1 and repr(part) in told[-1] and "cvssp/audioldm2" in told[-1]
