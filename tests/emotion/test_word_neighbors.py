"""A sentence encoder, where one is installed, places words that the table does not have; a tiny real BERT, made here."""

from __future__ import annotations

import json

import pytest

from klangbild.emotion.read import read_emotion
from klangbild.emotion.words import SENTENCE_ENCODER, _table, read_words
from klangbild.errors import NotAvailableError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """A BERT without layers of its own whose vector for "qualm" is that of "serene"; "blorp" is unlike all others."""
    folder = tmp_path / "models" / SENTENCE_ENCODER
    folder.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *_table()[0], "qualm", "blorp"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True})
    )
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=64, num_hidden_layers=0, num_attention_heads=2, intermediate_size=8
    )
    torch.manual_seed(0)
    model = transformers.BertModel(config)
    with torch.no_grad():
        table = model.embeddings.word_embeddings.weight
        table.normal_()
        table[:4] = 0
        model.embeddings.position_embeddings.weight.zero_()
        model.embeddings.token_type_embeddings.weight.zero_()
        table[words.index("qualm")] = table[words.index("serene")]
    model.save_pretrained(folder)
    monkeypatch.setenv("KLANGBILD_HOME", str(tmp_path))
    return folder


def test_a_word_is_placed_by_its_neighbors_and_this_is_told(encoder):
    reading = read_words("qualm, blorp")
    serene = read_words("serene")
    assert reading.unknown == ("blorp",)
    assert reading.matches[0].near and reading.matches[0].word == "serene"
    assert reading.valence * serene.valence > 0 and reading.arousal * serene.arousal > 0
    assert read_words("not qualm").valence * serene.valence < 0
    assert any('near "serene"' in reason for reason in read_emotion(None, text="qualm").reasons)


def test_without_an_encoder_nothing_is_guessed(tmp_path, monkeypatch):
    monkeypatch.setenv("KLANGBILD_HOME", str(tmp_path))
    assert read_words("qualm").unknown == ("qualm",)


def test_a_damaged_encoder_is_named(encoder):
    from klangbild.emotion.word_neighbors_torch import SentenceEncoder

    (encoder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(NotAvailableError, match="sentence-encoder"):
        SentenceEncoder(encoder)
