"""Words: exact, stemmed, negated, stronger, unknown."""

from __future__ import annotations

import pytest

from klangbild.emotion.languages import stem
from klangbild.emotion.words import english_words, read_words


def test_the_table_reads_and_is_large():
    table = english_words()
    assert len(table) >= 500
    assert all(-1 <= v <= 1 and -1 <= a <= 1 for v, a in table.values())


@pytest.mark.parametrize(
    ("text", "valence", "arousal"),
    [("joyful", 1, 1), ("serene", 1, -1), ("furious", -1, 1), ("gloomy", -1, -1), ("storm", -1, 1), ("calmly", 1, -1),
     ("a peaceful meadow", 1, -1), ("celebrating", 1, 1), ("terrifying nightmares", -1, 1), ("lonely, weeping", -1, -1)],
)  # fmt: skip
def test_quadrants(text, valence, arousal):
    reading = read_words(text)
    assert reading.valence * valence > 0 and reading.arousal * arousal > 0 and not reading.unknown


def test_negation_and_strength():
    sad, not_sad = read_words("sad"), read_words("not sad")
    assert sad.valence < 0 < not_sad.valence < -sad.valence
    assert read_words("never calm").arousal > 0
    assert read_words("not sad, calm").matches[1].negated is False
    assert read_words("very happy").valence > read_words("happy").valence > read_words("slightly happy").valence > 0


def test_unknown_words_are_said_not_guessed():
    reading = read_words("stromy qwertz of the sea")
    assert reading.unknown == ("stromy", "qwertz")
    assert reading.nearest == {"stromy": "stormy"}
    nothing = read_words("blorp")
    assert (nothing.valence, nothing.arousal, nothing.matches) == (0, 0, ())
    assert read_words("").matches == () and read_words("!!! 42").unknown == ()


def test_stem():
    assert stem("storms") == stem("stormy") == stem("storm")
    assert stem("peacefully") == stem("peaceful") == stem("peace")
