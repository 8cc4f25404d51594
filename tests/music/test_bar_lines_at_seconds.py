"""`--hit`, on notes alone: bar lines fall on the seconds asked for, the tempo moves by 3 % at most, and what cannot be is said in one line."""

import numpy as np
import pytest

from klangbild.errors import UsageError
from klangbild.music.hits import accented, hits_as_text, lay_bars, on_seconds, parse_hits, refuse_hits, told_of_hits
from klangbild.music.length import MOST_TEMPO_CHANGE
from klangbild.music.midi import read_midi, to_midi_bytes
from klangbild.music.piece import Piece, Track, make_notes


def scale(n_bars: int, bpm: float, meter=(4, 4), *, drums: bool = False) -> Piece:
    beats = 4.0 * meter[0] / meter[1] * n_bars
    onset = np.arange(0.0, beats, 0.5)
    notes = make_notes(onset, np.full(len(onset), 0.5), 60 + np.arange(len(onset)) % 12, np.full(len(onset), 60))
    long = make_notes(np.arange(0.0, beats - 6, 6.5), [6.0] * len(np.arange(0.0, beats - 6, 6.5)), [48] * len(np.arange(0.0, beats - 6, 6.5)), [50] * len(np.arange(0.0, beats - 6, 6.5)))  # fmt: skip
    tracks = [Track("piano", 0, notes), Track("strings", 48, long)]
    if drums:
        tracks.insert(0, Track("drums", 0, make_notes(onset[::2], [0.25] * len(onset[::2]), [42] * len(onset[::2]), [50] * len(onset[::2]))))  # fmt: skip
    return Piece(tuple(tracks), tempos=((0.0, bpm),), meters=((0.0, *meter),), length_beats=beats)


def laid(hits, meter, bpm):
    lines = lay_bars(hits, meter, bpm)
    piece = scale(lines[-1].bar + 4, bpm, meter)
    return piece, on_seconds(piece, lines), lines


rng = np.random.default_rng(7)
CASES = [
    (sorted(rng.uniform(9.0, 200.0, rng.integers(1, 6)).round(3).tolist()), meter, float(rng.integers(50, 190)))
    for meter in ((4, 4), (3, 4), (6, 8), (5, 4), (7, 8)) for _ in range(8)
]  # fmt: skip


@pytest.mark.parametrize(("hits", "meter", "bpm"), CASES)
def test_bar_lines_fall_on_the_seconds_and_the_tempo_hardly_moves(hits, meter, bpm):
    if lay_bars(hits, meter, bpm) is None:
        assert min(np.diff([0.0, *hits])) < 1000.0 / bpm / 0.97  # half a beat is more than 3 % of that
        return
    _plain, piece, _ = laid(hits, meter, bpm)
    seconds = piece.beats_to_seconds(piece.bar_starts())
    assert all(np.abs(seconds - hit).min() < 1e-6 for hit in hits)
    changed = np.array([b for at, b in piece.tempos]) / bpm
    assert (np.abs(1.0 / changed - 1.0) <= MOST_TEMPO_CHANGE + 1e-6).all()
    assert piece.tempos[-1][1] == bpm  # behind the last hit it is as it was
    written = read_midi(to_midi_bytes(piece))
    there = written.beats_to_seconds(written.bar_starts())
    assert all(np.abs(there - hit).min() < 1e-3 for hit in hits)
    assert told_of_hits(piece, [1e4])[0].startswith("--hit 10000: found no bar line")


def test_where_whole_bars_would_move_the_tempo_too_far_one_is_shorter():
    plain, piece, lines = laid([9.0], (4, 4), 120.0)  # 4.5 bars
    assert [line.cut for line in lines] == [2.0]
    assert piece.meters == ((0.0, 4, 4), (16.0, 2, 4), (18.0, 4, 4)) and piece.tempos[0][1] == 120.0
    assert told_of_hits(piece, [9.0]) == ["--hit 9: a bar of 2/4 stands before it"]
    assert piece.length_beats == plain.length_beats - 2.0
    ends = [t.notes["onset"] + t.notes["duration"] for t in plain.tracks], [t.notes["onset"] + t.notes["duration"] for t in piece.tracks]  # fmt: skip
    assert ends[1][0].max() == ends[0][0].max() - 2.0
    for track in piece.tracks:  # nothing lies on top of itself, nothing has no length
        assert (track.notes["duration"] > 0).all() and (np.diff(track.notes["onset"]) >= 0).all()


def test_where_nothing_fits_there_is_no_plan():
    assert lay_bars([8.0, 9.12], (4, 4), 120.0) is None  # 1.12 s: no number of quarters of a second
    assert lay_bars([8.0, 9.5], (4, 4), 120.0)[1].cut == 1.0


@pytest.mark.parametrize("drums", [True, False])
def test_an_accent_is_louder_struck_by_all_and_has_a_crash_where_a_kit_plays(drums):
    piece = scale(8, 120.0, drums=drums)
    beat = 16.0
    hit = accented(piece, [beat])
    for track in hit.tracks:
        here = np.abs(track.notes["onset"] - beat) < 1e-6
        assert here.any() and track.notes["velocity"][here].min() >= 84
        assert track.notes["velocity"][~here].max() <= 60
    if drums:
        kit = hit.tracks[0].notes
        assert {36, 42, 49} <= set(kit["pitch"][np.abs(kit["onset"] - beat) < 1e-6].tolist())
    else:
        assert hit.families == piece.families
    assert hit.markers == ((16.0, "hit 8 s"),)
    held = hit.tracks[-1].notes  # struck again where it was held across
    before = held[held["onset"] < beat]
    assert (before["onset"] + before["duration"]).max() <= beat + 1e-9


def test_silence_is_broken_by_who_plays_next():
    notes = make_notes([0, 1, 18, 19], [1] * 4, [60, 62, 64, 65], [70] * 4)
    piece = Piece((Track("piano", 0, notes),), length_beats=24.0)
    for beat, pitch in ((16.0, 64), (20.0, 65)):
        hit = accented(piece, [beat]).tracks[0].notes
        assert hit["pitch"][hit["onset"] == beat].tolist() == [pitch]


def test_they_are_read_as_one_or_many():
    assert parse_hits("41") == (41.0,) and parse_hits("41, 12.5") == parse_hits("12.5 41") == (12.5, 41.0)
    assert hits_as_text(41) == "41" and hits_as_text([12.5, 41.0]) == "12.5,41" and hits_as_text("8") == "8"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        ("soon", "is not a second"),
        ("0", "behind the start"),
        ("-3", "behind the start"),
        ("nan", "behind the start"),
        ("inf", "behind the start"),
        (",".join(map(str, range(1, 99))), "too many"),
    ],
)
def test_what_is_no_second_is_told(text, what):
    with pytest.raises(UsageError, match=what) as error:
        parse_hits(text)
    assert str(error.value).startswith("--hit") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("hits", "asked", "what"),
    [
        ([41.0], {"seconds": 30.0}, "lies beyond the end of the piece, which is 30 s long; give --seconds 45"),
        ([30.0], {"seconds": 30.0}, "lies beyond the end"),
        ([29.9], {"seconds": 30.0}, "is nearer to the end"),
        ([0.2], {"seconds": 30.0}, "lies in the first bar"),
        ([1.5], {"seconds": 30.0, "tempo": 120.0, "meter": (4, 4)}, "2 s at 120 bpm in 4/4"),
        ([8.0, 8.1], {"seconds": 30.0}, "8 and 8.1 are nearer to each other than a bar"),
        ([8.0, 9.5], {"seconds": 30.0, "tempo": 120.0, "meter": (4, 4)}, "nearer to each other than a bar"),
        ([8.0, 10.12], {"seconds": 30.0, "tempo": 120.0, "meter": (4, 4)}, "leave --tempo and --meter out"),
        ([80.0], {"bars": 4}, "lies beyond the end of 4 bars"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(hits, asked, what):
    with pytest.raises(UsageError, match=what) as error:
        refuse_hits(hits, **{"seconds": None, "bars": None, "tempo": None, "meter": None, **asked})
    assert "\n" not in str(error.value)


def test_what_can_be_is_not_refused():
    refuse_hits([41.0], seconds=60.0, bars=None, tempo=None, meter=None)
    refuse_hits([4.0, 8.1, 30.0], seconds=60.0, bars=None, tempo=118.0, meter=(4, 4))
    refuse_hits([4.0], seconds=None, bars=16, tempo=None, meter=(3, 4))
