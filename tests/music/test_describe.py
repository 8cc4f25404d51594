from __future__ import annotations

import doctest

import numpy as np
import pytest

from klangbild.music import describe as module
from klangbild.music.describe import describe, main_meter, main_tempo, music_facts, tempo_word
from klangbild.music.piece import Key, Piece, Track, make_notes


def line(velocities, *, family="piano", pitch=60, every=1.0, start=0.0) -> Track:
    n = len(velocities)
    onsets = start + every * np.arange(n)
    return Track(family, 0, make_notes(onsets, [every] * n, [pitch + (0, 3, 7)[k % 3] for k in range(n)], velocities))


def test_docstring_examples():
    assert doctest.testmod(module).failed == 0


def test_a_slow_minor_waltz_in_words():
    piece = Piece(
        (line([70] * 35 + [40]), line([60] * 12, family="strings", every=3.0)),
        tempos=((0.0, 72.0),), meters=((0.0, 3, 4),), key=Key(9, "minor"), length_beats=36.0,
    )  # fmt: skip
    words = describe(piece)
    assert words.startswith("slow, minor, ") and "piano" in words and "strings" in words
    assert "72 bpm in 3/4" in words and words.endswith("ends softly")


def test_where_it_rises_and_calms():
    quiet, loud = [40] * 32, [110] * 64
    rising = Piece((line(quiet), line(loud, every=0.5, start=32.0)), length_beats=64.0)
    assert "rises at bar 9" in describe(rising)
    falling = Piece((line(loud, every=0.5), line(quiet, start=32.0)), length_beats=64.0)
    assert "calms at bar 9" in describe(falling)
    steady = Piece((line([70] * 64),), length_beats=64.0)
    assert "bar" not in describe(steady) and "ends" not in describe(steady)


def test_silence_drums_alone_and_crowds():
    assert describe(Piece(())) == "silence"
    drums = Piece((line([100] * 16, family="drums", pitch=36),))
    assert "drums alone" in describe(drums) and "major" not in describe(drums) and "minor" not in describe(drums)
    assert music_facts(drums)["key"] is None
    crowd = Piece(tuple(line([70] * 8, family=f) for f in ("piano", "bass", "strings", "winds", "pad", "lead")))
    assert "and 3 more" in describe(crowd)


def test_facts_for_the_result_file():
    piece = Piece(
        (line([80] * 16),), tempos=((0.0, 96.0),), meters=((0.0, 4, 4),), key=Key(2, "major"), length_beats=16.0
    )
    facts = music_facts(piece)
    assert list(facts) == ["seconds", "bars", "tempo", "key", "meter", "instruments", "notes", "words"]
    assert facts["seconds"] == 10.0 and facts["bars"] == 4 and facts["tempo"] == 96.0
    assert facts["key"] == "D major" and facts["meter"] == "4/4"
    assert facts["instruments"] == ["piano"] and facts["notes"] == 16 and facts["words"] == describe(piece)
    assert music_facts(Piece(()))["bars"] == 0


def test_the_longest_tempo_and_meter_stand_for_the_piece():
    piece = Piece(
        (line([80] * 32),),
        tempos=((0.0, 60.0), (2.0, 140.0), (28.0, 60.0)),
        meters=((0.0, 4, 4), (4.0, 3, 4)),
        length_beats=32.0,
    )
    assert main_tempo(piece) == 140.0 and main_meter(piece) == (3, 4)


@pytest.mark.parametrize(
    "bpm, word", [(40, "very slow"), (72, "slow"), (90, "moderate"), (110, "lively"), (140, "fast"), (180, "very fast")]
)
def test_tempo_words(bpm, word):
    assert tempo_word(bpm) == word
