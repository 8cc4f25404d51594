"""A sentence encoder, where one is installed, places words that the table does not have; a tiny real BERT, made here."""

from __future__ import annotations

import pytest

from klangbild.emotion.read import read_emotion
from klangbild.emotion.words import read_words


def test_a_word_is_placed_by_its_neighbors_and_this_is_told(sentence_encoder):
    reading = read_words("qualm, blorp")
    serene = read_words("serene")
    assert reading.unknown == ("blorp",)
    assert reading.matches[0].near and reading.matches[0].word == "serene"
    assert reading.valence * serene.valence > 0 and reading.arousal * serene.arousal > 0
    assert read_words("not qualm").valence * serene.valence < 0
    assert any('near "serene"' in reason for reason in read_emotion(None, text="qualm").reasons)


@pytest.mark.parametrize("word", ["qualm", "oud"])
def test_without_an_encoder_nothing_is_guessed(tmp_path, monkeypatch, word):
    from klangbild.emotion import sentence_encoder

    monkeypatch.setenv("KLANGBILD_HOME", str(tmp_path))
    monkeypatch.setattr(sentence_encoder, "PACKAGE", "no_such_package")
    assert sentence_encoder.encoder_folder() is None
    assert read_words(word).unknown == (word,)
