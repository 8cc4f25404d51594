"""BERT in numpy gives what transformers gives; an encoder is found in a folder or a package, and a damaged one is named."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from klangbild.emotion import sentence_encoder as encoders
from klangbild.emotion.sentence_encoder import BertEncoder, encoder_folder, open_encoder, word_vectors
from klangbild.errors import NotAvailableError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "-",
    "'",
    "$",
    "東",
    "slow",
    "##ly",
    "storm",
    "##y",
    "s",
    "##ea",
    "cafe",
    "the",
    "[MASK]",
]
TEXTS = ["slowly", "Stormy, the sea's", "café – $ 東京", "the-sea", "", "x" * 200, "the slow stormy sea " * 40]


@pytest.fixture
def bert(tmp_path):
    """Two layers, three heads, random everywhere."""
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 128})
    )
    config = transformers.BertConfig(
        vocab_size=len(PIECES), hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=32,
        max_position_embeddings=128,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.BertModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5)
    model.save_pretrained(folder)
    return folder


def test_numpy_and_transformers_say_the_same(bert):
    from klangbild.emotion.sentence_encoder_torch import TransformersEncoder

    ours, theirs = open_encoder(bert), TransformersEncoder(bert)
    assert isinstance(ours, BertEncoder)
    for text in TEXTS:
        assert ours._pieces.ids(text) == theirs._tokenizer(text, truncation=True)["input_ids"], text
    np.testing.assert_allclose(ours.embed(TEXTS), theirs.embed(TEXTS), atol=2e-5)
    pair = word_vectors(ours, ["the-sea", "slow"])
    np.testing.assert_allclose(np.linalg.norm(pair, axis=1), 1, atol=1e-5)
    assert pair.shape == (2, 48) and (pair[0, :24] * np.sqrt(2) == pytest.approx(ours.embed(["the sea"])[0], abs=1e-6))


def test_half_precision_and_a_prefix_are_read(bert):
    from safetensors.numpy import load_file, save_file

    whole = open_encoder(bert).embed(["slowly"])
    weights = load_file(bert / "model.safetensors")
    save_file({f"bert.{name}": w.astype(np.float16) for name, w in weights.items()}, bert / "model.safetensors")
    np.testing.assert_allclose(BertEncoder(bert).embed(["slowly"]), whole, atol=1e-2)


def test_what_is_no_bert_is_left_to_transformers(bert):
    from klangbild.emotion.sentence_encoder_torch import TransformersEncoder

    config = json.loads((bert / "config.json").read_text())
    model = transformers.DistilBertModel(
        transformers.DistilBertConfig(vocab_size=len(PIECES), dim=24, n_layers=1, n_heads=3, hidden_dim=32)
    )
    model.save_pretrained(bert)
    assert json.loads((bert / "config.json").read_text())["model_type"] != config["model_type"]
    encoder = open_encoder(bert)
    assert isinstance(encoder, TransformersEncoder) and encoder.embed(["slow"]).shape == (1, 24)


def test_the_added_folder_goes_before_the_package(bert, tmp_path, monkeypatch):
    monkeypatch.setenv("KLANGBILD_HOME", str(tmp_path / "home"))
    package = tmp_path / "site" / encoders.PACKAGE
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('nothing of it is run')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    bert.rename(package / "model")
    assert encoder_folder() == package / "model"
    added = tmp_path / "home" / "models" / encoders.FOLDER
    added.mkdir(parents=True)
    (added / "config.json").write_text("{}")
    assert encoder_folder() == added


@pytest.mark.parametrize("file", ["model.safetensors", "vocab.txt", "config.json"])
def test_a_damaged_encoder_is_named(bert, file):
    (bert / file).write_bytes(b"no weights")
    with pytest.raises(NotAvailableError, match="bert"):
        open_encoder(bert)
    (bert / "model.safetensors").unlink()
    with pytest.raises(NotAvailableError, match="sentence encoder"):
        open_encoder(bert)


def test_a_bert_needs_no_torch(sentence_encoder):
    code = (
        "import sys; from klangbild.emotion.words import read_words; print(read_words('qualm').matches[0].word,"
        "[n for n in ('torch', 'transformers') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "serene []"
