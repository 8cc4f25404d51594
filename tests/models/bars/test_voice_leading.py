"""Semitones against what sounds lose while it sounds; parallel outer voices lose; the histogram is a listener's."""

import numpy as np

from klangbild.models.bars import language as bars
from klangbild.models.bars.voice_leading import PARALLEL, RUB, VoiceLeading
from klangbild.music.families import FAMILY_NAMES

PIANO, BASS, LEAD = (FAMILY_NAMES.index(name) for name in ("piano", "bass", "lead"))
QUARTER, HALF = (bars.DURATION_0 + bars.DURATIONS.index(steps) for steps in (12, 24))


def following(*tokens: int) -> VoiceLeading:
    voices = VoiceLeading()
    for token in (bars.BAR_0 + 2 * bars.METERS.index((4, 4)), *tokens):
        voices.read(token)
    return voices


def at(voices: VoiceLeading, family: int, pitch: int) -> float:
    return float(voices.bias[bars.note_id(family, pitch)])


def test_a_semitone_rubs_for_as_long_as_the_note_sounds():
    held = (bars.POSITION_0, bars.note_id(PIANO, 60), HALF)
    voices = following(*held)
    assert at(voices, LEAD, 61) == at(voices, PIANO, 59) == RUB and at(voices, LEAD, 60) == at(voices, LEAD, 62) == 0
    assert at(following(*held, bars.POSITION_0 + 18), LEAD, 61) == RUB
    assert not following(*held, bars.POSITION_0 + 24).bias.any()
    assert not voices.bias[: bars.note_id(1, bars.MIN_PITCH)].any()  # drums rub with no one


def test_over_the_bar_line_too():
    late = (
        bars.POSITION_0 + 36,
        bars.note_id(PIANO, 60),
        HALF,
        bars.BAR_0 + 2 * bars.METERS.index((4, 4)),
        bars.POSITION_0,
    )
    assert at(following(*late), LEAD, 61) == RUB


def test_parallel_octaves_and_fifths_of_the_outer_voices_lose():
    for interval in (7, 12, 24):
        first = (bars.POSITION_0, bars.note_id(BASS, 36), QUARTER, bars.note_id(LEAD, 36 + interval), QUARTER)
        voices = following(*first, bars.POSITION_0 + 12, bars.note_id(BASS, 38))
        assert at(voices, LEAD, 38 + interval) == PARALLEL
        assert at(voices, LEAD, 37 + interval) != PARALLEL and at(voices, LEAD, 38 + interval + 5) != PARALLEL
        contrary = following(*first, bars.POSITION_0 + 12, bars.note_id(BASS, 31))
        assert at(contrary, LEAD, 31 + interval + 12) != PARALLEL  # the upper voice goes up


def test_the_lower_voice_is_held_as_well():
    first = (bars.POSITION_0, bars.note_id(PIANO, 60), QUARTER, bars.note_id(BASS, 36), QUARTER)
    voices = following(*first, bars.POSITION_0 + 12, bars.note_id(PIANO, 62))
    assert at(voices, BASS, 38) == PARALLEL and at(voices, BASS, 40) == 0


def test_the_histogram_counts_what_has_sounded():
    voices = following(bars.POSITION_0, bars.note_id(PIANO, 60), HALF, bars.note_id(PIANO, 64), bars.POSITION_0 + 24)
    assert voices.histogram.tolist() == [24, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0]
    assert np.array_equal(following().histogram, np.zeros(12))
