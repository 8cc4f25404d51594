"""What is written down is what sounds: grids, voices and signs."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klangbild.music.piece import Piece, Track, make_notes
from klangbild.score.rhythm import TICKS, Chord, bars_of, chords_of, read_grid
from klangbild.score.signs import type_of
from klangbild.score.voices import MOST_VOICES, in_voices, symbols_of

METERS = [(4, 4), (3, 4), (6, 8), (12, 8), (5, 8), (7, 8), (2, 4)]


def piece_of(notes, meter=(4, 4), beats=12.0):
    return Piece((Track("piano", 0, notes),), meters=((0.0, *meter),), length_beats=beats)


def part(seed):
    """Up to forty notes on twelfths of a beat, as our language has them, of any length up to five beats."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 41))
    columns = rng.integers(0, 12 * 12, n), rng.integers(40, 81, n)
    places = dict(zip(zip(*columns, strict=True), rng.integers(1, 61, n), strict=True))
    onset, pitch = (np.array(column) for column in zip(*places, strict=True))
    return make_notes(onset / 12.0, np.array(list(places.values())) / 12.0, pitch, [64] * len(places))


@given(st.integers(0, 2**31), st.sampled_from(METERS))
def test_every_note_is_written_where_it_sounds(seed, meter):
    notes = part(seed)
    piece = piece_of(notes, meter)
    bars = bars_of(piece)
    grid = read_grid(notes, bars)
    chords = chords_of(notes, grid, bars[-1].end)
    voices = in_voices(sorted(chords, key=lambda chord: (chord.start, chord.end)))
    assert len(voices) <= MOST_VOICES
    written = sorted((chord.start, pitch) for voice in voices for chord in voice for pitch in chord.pitches)
    asked = sorted((round(float(note["onset"]) * TICKS), int(note["pitch"])) for note in notes)
    if not bars[0].in_threes and meter[1] == 4:
        assert len(written) == len(asked)
        assert {pitch for _, pitch in written} == {pitch for _, pitch in asked}
        by_pitch = sorted(written, key=lambda note: note[::-1]), sorted(asked, key=lambda note: note[::-1])
        assert max(abs(a[0] - b[0]) for a, b in zip(*by_pitch, strict=True)) <= TICKS // 12
    # each voice fills its bars exactly with signs that have a name
    for voice in voices:
        assert all(a.end <= b.start for a, b in pairwise(voice))
        for bar in bars:
            signs = symbols_of(voice, bar, grid)
            if not signs:
                continue
            assert sum(sign.length for sign in signs) == bar.end - bar.start
            assert [sign.start for sign in signs] == list(bar.start + np.cumsum([0, *(s.length for s in signs[:-1])]))
            for sign in signs:
                assert type_of(sign)[0]
            starts = [s.first for s in signs if s.tuplet], [s.last for s in signs if s.tuplet]
            assert sum(starts[0]) == sum(starts[1])


def signs_of(onsets, lengths, meter=(4, 4)):
    notes = make_notes(onsets, lengths, [60] * len(onsets), [64] * len(onsets))
    bars = bars_of(piece_of(notes, meter, 4.0 * meter[0] / meter[1]))
    grid = read_grid(notes, bars)
    (voice,) = in_voices(chords_of(notes, grid, bars[-1].end))
    return [(*type_of(s), s.tuplet, bool(s.pitches)) for s in symbols_of(voice, bars[0], grid)]


def test_plain_rhythms_have_their_plain_signs():
    quarter, half = ("quarter", 0, 0, True), ("half", 0, 0, True)
    assert signs_of([0, 1, 2], [1, 1, 2]) == [quarter, quarter, half]
    assert signs_of([0, 1.5, 2], [1.5, 0.5, 2]) == [("quarter", 1, 0, True), ("eighth", 0, 0, True), half]
    assert signs_of([0, 1, 3], [1, 2, 1]) == [quarter, half, quarter]  # the syncopation that everybody reads
    assert signs_of([1.5, 2.5], [1, 1.5])[2] == ("eighth", 0, 0, True)  # the middle of the bar is seen
    assert signs_of([0], [4]) == [("whole", 0, 0, True)]
    assert signs_of([0, 1.5], [1.5, 1.5], (6, 8)) == [("quarter", 1, 0, True)] * 2


def test_thirds_of_a_beat_are_triplets_and_quarters_of_one_are_not():
    assert signs_of([0, 1 / 3, 2 / 3], [1 / 3] * 3)[:3] == [("eighth", 0, 3, True)] * 3
    assert signs_of([0, 0.25, 0.5, 0.75], [0.25] * 4)[:4] == [("16th", 0, 0, True)] * 4
    assert {sign[2] for sign in signs_of([0, 0.24, 0.52, 0.77], [0.2] * 4)} == {0}


def test_two_strokes_about_a_beat_stay_two():
    """One a twelfth before the beat and one a twelfth behind it: not both of them on it."""
    notes = make_notes([0.0, 11 / 12, 13 / 12], [1 / 12] * 3, [62] * 3, [90] * 3)
    bars = bars_of(piece_of(notes))
    chords = chords_of(notes, read_grid(notes, bars), bars[-1].end)
    assert len({chord.start for chord in chords}) == sum(len(chord.pitches) for chord in chords) == 3


def test_what_five_voices_would_need_is_read_by_four():
    chords = [Chord(3 * i, 96, (60 + i,), 64) for i in range(6)]
    voices = in_voices(chords)
    assert len(voices) == MOST_VOICES and sum(len(voice) for voice in voices) == 6
    at_once = [Chord(0, 24 * (i + 1), (60 + i,), 64) for i in range(6)]
    assert sorted(p for voice in in_voices(at_once) for c in voice for p in c.pitches) == list(range(60, 66))


@pytest.mark.parametrize("meter", METERS)
def test_the_bars_are_those_of_the_meter(meter):
    bars = bars_of(piece_of(make_notes([0.0], [1.0], [60], [64]), meter, 8.0 * meter[0] / meter[1]))
    assert [bar.end - bar.start for bar in bars] == [4 * TICKS * meter[0] // meter[1]] * 2


def test_a_run_into_the_last_bar_line_keeps_to_its_sextuplet():
    """Its last notes were pushed before the bar line by a plain step, to where no sextuplet has a place."""
    twelfths = [
        (0, 45, 64),
        *((at, 1, pitch) for at in (45, 46, 47) for pitch in (64, 73, 76, 85, 88)),
        (45, 3, 61),
        (46, 2, 69),
    ]
    onset, duration, pitch = map(np.array, zip(*sorted(twelfths), strict=True))
    run = make_notes(onset / 12.0, duration / 12.0, pitch, [64] * len(pitch))
    bars = bars_of(piece_of(run, beats=4.0))
    grid = read_grid(run, bars)
    assert grid.tuplet(3)
    for voice in in_voices(chords_of(run, grid, bars[-1].end)):
        assert [type_of(symbol) for symbol in symbols_of(voice, bars[0], grid)]
