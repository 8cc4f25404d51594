"""Words of other languages in the sound model's English."""

from __future__ import annotations

import pytest

from klangbild.models.plan.caption_words import Vocabulary
from klangbild.models.plan.english import in_english


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary()


@pytest.mark.parametrize(
    ("text", "known", "denied"),
    [
        ("langsame, traurige Geige in d-Moll, ohne Schlagzeug", ("slow", "sad", "strings", "key-d", "minor"), ("drums",)),
        ("valse lente en ré mineur pour piano", ("triple", "slow", "key-d", "minor", "piano"), ()),
        ("guitarra alegre, sin tambores", ("guitar", "happy"), ("drums",)), ("un organo solenne, non veloce", ("organ", "solemn"), ("fast",)),
        ("Klaviermusik, sehr schnell", ("piano", "presto"), ()), ("96 Schläge pro Minute", ("andante",), ()),
        ("fast traurig", ("sad",), ()), ("slow piano, traurig", ("slow", "piano", "sad"), ()), ("tambourine", ("drums",), ()),
    ],
)  # fmt: skip
def test_other_languages_become_words_of_the_vocabulary(vocabulary, text, known, denied):
    english, translated = in_english(text, vocabulary)
    read = vocabulary.read(english)
    assert (read.known, read.denied, read.unknown) == (known, denied, ()) and translated


@pytest.mark.parametrize(
    "text",
    ["slow, sad violin in C minor, no drums, qwxz", "a waltz for solo piano", "Allegro in B-flat major, 3/4", "72 bpm, very fast", "hopes, quieter, violins",
     "not happy, without drums, qwxz", "fast, joyful, band, drums, in E flat", "", "!!! 42"],
)  # fmt: skip
def test_english_that_is_known_stays_as_it_is(vocabulary, text):
    assert in_english(text, vocabulary) == (text, {})
