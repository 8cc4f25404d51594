"""A part of another class, or with weights that lack, is refused: it used to load with random numbers and play on."""

import json
import os
import shutil

import pytest
from safetensors.torch import load_file, save_file

torch = pytest.importorskip("torch")
from transformers import CLIPTextConfig, CLIPTextModel, T5EncoderModel  # noqa: E402

from klangbild.cli.main import main  # noqa: E402
from klangbild.errors import InputError, NotAvailableError  # noqa: E402
from klangbild.models.published.art2mus.parts import load_art2mus  # noqa: E402
from klangbild.models.published.art2mus.projection import KEYS, ImageProjection  # noqa: E402
from klangbild.models.published.engine import PublishedEngine, folder_hash  # noqa: E402
from klangbild.models.published.folders import load_component, load_tokenizer  # noqa: E402
from klangbild.models.published.melfusion.parts import load_melfusion  # noqa: E402
from klangbild.models.published.weight_files import write_state_dict  # noqa: E402

ART2MUS = ("unet", "vae", "vocoder", "text_encoder", "text_encoder_2", "language_model", "projection_model")
MELFUSION = ("unet", "vae", "vocoder", "text_encoder")


def weights_of(part):
    return next(part.glob("*.safetensors"))


def change(part, kind):
    path = weights_of(part)
    state = load_file(path)
    # a large one, so that it is no table that is computed anew, and not tied to another
    name = max((n for n in state if "embed" not in n and "shared" not in n), key=lambda n: state[n].numel())
    if kind == "missing":
        del state[name]
    elif kind == "reshaped":
        state[name] = state[name][:-1].contiguous()
    elif kind == "too many":
        state["somebody.else"] = torch.zeros(2)
    save_file(state, path, metadata={"format": "pt"})


KINDS = [(part, "missing") for part in ART2MUS] + [("vae", "reshaped"), ("text_encoder_2", "too many")]


@pytest.mark.parametrize(("part", "kind"), KINDS)
def test_every_part_of_art2mus(audioldm2_folder, tmp_path, part, kind, capfd):
    folder = shutil.copytree(audioldm2_folder, tmp_path / "model", ignore=shutil.ignore_patterns("*.pth"))
    change(folder / part, kind)
    capfd.readouterr()
    with pytest.raises(InputError) as refused:
        load_art2mus(folder)
    assert str(folder / part) in str(refused.value) and len(str(refused.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")  # no tables, no bars of the libraries


@pytest.mark.parametrize("part", MELFUSION)
def test_every_part_of_melfusion(melfusion_folders, tmp_path, part):
    folder = shutil.copytree(melfusion_folders[0], tmp_path / "music")
    change(folder / part, "missing")
    with pytest.raises(InputError, match=part):
        load_melfusion(folder)
    image = shutil.copytree(melfusion_folders[1], tmp_path / "image")
    if (image / part).is_dir():
        change(image / part, "missing")
        with pytest.raises(InputError, match=part):
            load_melfusion(melfusion_folders[0], image=image)


def test_a_part_of_another_class(audioldm2_folder, tmp_path):
    clip = CLIPTextModel(
        CLIPTextConfig(vocab_size=270, hidden_size=24, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    )
    clip.save_pretrained(tmp_path / "text_encoder")
    with pytest.raises(InputError, match=r"clip_text_model.*not T5EncoderModel"):
        load_component(T5EncoderModel, tmp_path, "text_encoder")
    assert load_component(CLIPTextModel, tmp_path, "text_encoder")
    config = json.loads((tmp_path / "text_encoder" / "config.json").read_text())
    lying = shutil.copytree(tmp_path / "text_encoder", tmp_path / "lying")
    told = json.loads((audioldm2_folder / "text_encoder_2" / "config.json").read_text())
    (lying / "config.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match=r"lacks \d+ weights"):
        load_component(T5EncoderModel, tmp_path, "lying")
    for text in ("{", "[]", ""):
        (lying / "config.json").write_text(text)
        with pytest.raises(InputError, match=r"config\.json"):
            load_component(T5EncoderModel, tmp_path, "lying")
    from diffusers import AutoencoderKL

    with pytest.raises(InputError, match="is a AudioLDM2UNet2DConditionModel, not AutoencoderKL"):
        load_component(AutoencoderKL, audioldm2_folder, "unet")
    with pytest.raises(NotAvailableError, match="no folder"):
        load_component(AutoencoderKL, audioldm2_folder, "nothing")
    assert config["model_type"] == "clip_text_model"


def test_a_whole_t5_gives_its_encoder(tmp_path):
    from transformers import T5Config, T5ForConditionalGeneration

    sizes = T5Config(vocab_size=30, d_model=8, d_ff=8, d_kv=4, num_heads=2, num_layers=1)
    T5ForConditionalGeneration(sizes).save_pretrained(tmp_path / "text_encoder")
    assert load_component(T5EncoderModel, tmp_path, "text_encoder")


def test_a_projection_of_another_kind(tmp_path):
    good = ImageProjection(image_dim=4, hidden_dim=3, token_dim=2).state_dict()
    assert ImageProjection.from_state_dict(good, token_dim=2)
    for name in KEYS:
        for wrong in (torch.zeros(()), torch.zeros(9), torch.zeros(9, 9), torch.zeros(1, 1, 1)):
            if name == KEYS[2] and wrong.ndim == 2:
                continue
            with pytest.raises(InputError, match=r"shapes|multiple"):
                ImageProjection.from_state_dict({**good, name: wrong}, token_dim=2)
    with pytest.raises(InputError, match="no part"):
        ImageProjection.from_state_dict({**good, "more": torch.zeros(1)}, token_dim=2)


def test_the_hash_sees_behind_links(tmp_path):
    """A hub's cache is links to blobs, and a model may be put together of linked folders: it was the hash of nothing."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "real" / "unet").mkdir(parents=True)
    blob = tmp_path / "blobs" / "w"
    blob.write_bytes(b"1" * 100)
    (tmp_path / "real" / "unet" / "w.safetensors").symlink_to(blob)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "music").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / "real" / "unet" / "again").symlink_to(tmp_path / "real", target_is_directory=True)  # no endless walk
    first = folder_hash(tmp_path / "model")
    blob.write_bytes(b"1" * 99 + b"2")
    assert folder_hash(tmp_path / "model") != first
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no files"):
        folder_hash(tmp_path / "empty")


def test_the_hash_of_large_files_follows_their_content(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 70 * 2**20)
    first = folder_hash(tmp_path)
    with path.open("r+b") as file:  # training changes every weight: one in the middle of each megabyte here
        for megabyte in range(70):
            file.seek(megabyte * 2**20 + 2**19)
            file.write(b"\1" * 2**18)
    assert folder_hash(tmp_path) != first


def test_the_first_piece_tells_how_long_loading_took(audioldm2_folder, tmp_path, capfd):
    call = [
        "compose",
        "--engine",
        "art2mus",
        "--model",
        str(audioldm2_folder),
        "--text",
        "calm",
        "--seconds",
        "1",
        "--steps",
        "2",
    ]
    assert main([*call, "-o", str(tmp_path), "-f", "json", "--filename", "x"]) == 0
    assert json.loads((tmp_path / "x.json").read_text())["timings_s"]["load"] > 0.01
    told = capfd.readouterr().err
    assert "REPORT" not in told and "Warning" not in told and "it/s" not in told
    assert PublishedEngine.__doc__


def test_parts_that_do_not_fit_together(audioldm2_folder, tmp_path, capsys):
    """Each is whole and of its class; that one belongs to another model shows when they meet: one line, no traceback."""
    from transformers import T5Config

    folder = shutil.copytree(audioldm2_folder, tmp_path / "model", ignore=shutil.ignore_patterns("*.pth"))
    T5EncoderModel(
        T5Config(vocab_size=270, d_model=16, d_ff=8, d_kv=4, num_heads=2, num_layers=1, feed_forward_proj="gated-gelu")
    ).save_pretrained(folder / "text_encoder_2")
    call = [
        "compose",
        "--engine",
        "art2mus",
        "--model",
        str(folder),
        "--text",
        "calm",
        "--seconds",
        "1",
        "--steps",
        "1",
    ]
    assert main([*call, "-o", str(tmp_path), "-f", "json"]) == 1
    assert "do not work together" in capsys.readouterr().err.splitlines()[-1]
    T5EncoderModel(T5Config(vocab_size=30, d_model=24, d_ff=8, d_kv=4, num_heads=2, num_layers=1)).save_pretrained(
        folder / "text_encoder_2"
    )
    with pytest.raises(InputError, match="knows 30"):
        load_art2mus(folder)


def test_a_tokenizer_of_sentencepiece_alone(tmp_path):
    """FLAN-T5 as some mirrors have it: spiece.model without tokenizer.json asked for a library that nobody had named."""
    import io

    import sentencepiece

    model, lines = io.BytesIO(), ["slow piano hopeful calm quiet strings drums", "a piece for guitar and voices"] * 20
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=29, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        minloglevel=2,
    )  # fmt: skip
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "spiece.model").write_bytes(model.getvalue())
    (tmp_path / "tokenizer" / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer"}')
    ids = load_tokenizer(tmp_path, "tokenizer", ids=32128)("slow piano").input_ids
    assert len(ids) > 2 and ids[-1] == 1


def test_weights_are_written_with_the_umasks_mode(tmp_path):
    """They were 0600, by the temporary file of the library that writes them."""
    former = os.umask(0o027)
    try:
        for name in ("w.safetensors", "w.pt"):
            write_state_dict({"a": torch.zeros(2)}, tmp_path / name)
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o640, name
    finally:
        os.umask(former)
