"""Captions: what a text says, what it denies, and what nobody knows."""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import pytest

from klangbild.models.plan.caption_words import (
    MAX_WORDS,
    Vocabulary,
    caption_mask,
    density_word,
    music_words,
    tempo_word,
)
from klangbild.models.plan.near_words import begins_alike, nearest_meanings


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
    assert len(read.ids) == MAX_WORDS and sum(n > 0 for n in read.ids) == len(known)


def test_denied_and_unknown_words_are_told_not_guessed(vocabulary):
    read = vocabulary.read("not happy, without drums, qwxz peacful")
    assert read.known == () and read.denied == ("happy", "drums") and read.unknown == ("qwxz", "peacful")
    assert read.nearest == {"peacful": "peaceful"}


@pytest.mark.parametrize("text", ["hip-hop", "bar", "rag", "fir", "hoped"])
def test_a_word_is_not_taken_for_one_that_loses_more_than_an_ending(vocabulary, text):
    read = vocabulary.read(text)
    assert not read.known and set(read.unknown) == set(text.split("-"))


def test_forms_of_a_word_are_heard(vocabulary):
    read = vocabulary.read("hopes, quieter, violins, joyfully, waves, seas")
    assert read.known == ("hopeful", "quiet", "strings", "joyful", "waves", "sea") and not read.unknown


def test_the_thirteenth_word_is_left_out_and_told(vocabulary):
    read = vocabulary.read("drums piano organ guitar bass strings brass flute synth pad bells slow sad happy")
    assert len(read.known) == MAX_WORDS and read.left_out == ("sad", "happy")


def test_numbers_follow_the_card_and_places_follow_the_words():
    small = Vocabulary(("slow", "happy", "strings"))
    assert small.read("happy cello, presto").ids[:3] == (2, 3, 0) and small.read("presto").unknown == ("presto",)
    assert small.affect()[2][2] == 1.0 and small.affect()[2][0] > 0 and small.affect()[0] == (0.0, 0.0, 0.0)


def test_mask_and_words_of_numbers():
    assert caption_mask((0, 0, 0)) == [1.0, 0.0, 0.0] and caption_mask((5, 2, 0)) == [1.0, 1.0, 0.0]
    assert tempo_word(300) == "presto" and density_word(99) == "dense"


def test_a_sentence_encoder_says_what_unknown_words_stand_for(vocabulary, sentence_encoder):
    near = partial(nearest_meanings, vocabulary.meanings())
    read = vocabulary.read("slow oud, bossa nova, blorp, no qualm", near)
    assert read.known == ("slow", "guitar", "samba") and read.denied == ("serene",) and read.unknown == ("blorp",)
    assert read.heard_as == {"oud": "guitar", "bossa nova": "samba", "qualm": "serene"}
    assert sum(n > 0 for n in read.ids) == 3
    assert vocabulary.read("slow oud").known == ("slow",)  # who does not ask is not answered
    assert vocabulary.read("blorp oud blorp", near).heard_as == {"oud": "guitar"}  # no phrase: each on its own


def test_a_slip_of_the_pen_must_be_near_what_it_looks_like(vocabulary):
    said = vocabulary.read("pianist peacful", lambda words: {"pianist": "piano", "peacful": "stormy"})
    assert said.known == ("piano",) and said.unknown == ("peacful",) and said.nearest == {"peacful": "peaceful"}
    right = vocabulary.read("peacful", lambda words: {"peacful": "peaceful"})
    assert right.heard_as == {"peacful": "peaceful"} and not right.unknown and not right.nearest


def test_first_letters_alone_make_no_kin():
    for word, said in (("dulcimer", "dur"), ("lugubrious", "lute"), ("Mellotron", "melancholic")):
        assert begins_alike(word, said)
    for word, said in (
        ("pianist", "piano"),
        ("harpist", "harp"),
        ("seaport", "sea"),
        ("oud", "lute"),
        ("snare", "drum"),
    ):
        assert not begins_alike(word, said)


def test_words_of_music_and_words_of_feeling():
    assert {"piano", "cello", "allegro"} <= music_words() and not {"happy", "drone"} & music_words()


def test_the_benchmark_asks_for_words_that_can_be_said_and_counts_what_is_heard(vocabulary):
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "words.py"
    spec = importlib.util.spec_from_file_location("words_benchmark", path)
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark  # its dataclass looks itself up
    spec.loader.exec_module(benchmark)
    words = benchmark.everyday()
    assert len(words) > 100 and all(good and good <= vocabulary.number.keys() for good in words.values())
    assert benchmark.understood(
        vocabulary, {"speedy": {"speed"}, "oud": {"guitar"}, "slow": {"fast"}}, encoder=False
    ) == (2, 1)
