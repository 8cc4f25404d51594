"""Captions: what a text says, what it denies, and what nobody knows."""

import pytest

from klangbild.diffusion.small_words import MOST_WORDS, Vocabulary, caption_mask, density_word, tempo_word


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary()


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("slow, sad violin", ("slow", "sad", "strings")),
        ("Allegro in B-flat major", ("allegro", "key-b-flat", "major")),
        ("f# minor; cb major", ("key-f-sharp", "minor", "key-b", "major")),
        ("72 bpm, very fast", ("slow", "presto")),
        ("a waltz for solo piano", ("triple", "solo", "piano")),
        ("Stormy seas", ("stormy", "sea")),
        ("", ()),
        (None, ()),
        ("a picture of the", ()),
    ],
)
def test_what_a_text_says(vocabulary, text, known):
    read = vocabulary.read(text)
    assert read.known == known and not read.unknown
    assert len(read.ids) == MOST_WORDS and sum(n > 0 for n in read.ids) == len(known)


def test_denied_and_unknown_words_are_told_not_guessed(vocabulary):
    read = vocabulary.read("not happy, without drums, qwxz peacful")
    assert read.known == () and read.denied == ("happy", "drums") and read.unknown == ("qwxz", "peacful")
    assert read.nearest == {"peacful": "peaceful"}


def test_the_thirteenth_word_is_left_out_and_told(vocabulary):
    read = vocabulary.read("drums piano organ guitar bass strings brass flute synth pad bells slow sad happy")
    assert len(read.known) == MOST_WORDS and read.left_out == ("sad", "happy")


def test_numbers_follow_the_card_and_places_follow_the_words():
    small = Vocabulary(("slow", "happy", "strings"))
    assert small.read("happy cello, presto").ids[:3] == (2, 3, 0) and small.read("presto").unknown == ("presto",)
    assert small.affect()[2][2] == 1.0 and small.affect()[2][0] > 0 and small.affect()[0] == (0.0, 0.0, 0.0)


def test_mask_and_words_of_numbers():
    assert caption_mask((0, 0, 0)) == [1.0, 0.0, 0.0] and caption_mask((5, 2, 0)) == [1.0, 1.0, 0.0]
    assert tempo_word(300) == "presto" and density_word(99) == "dense"
