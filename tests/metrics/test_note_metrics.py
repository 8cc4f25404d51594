"""Every metric of notes against an example worked by hand, and its edge cases: no notes, one note, drums only, silence."""

from dataclasses import replace

import numpy as np
import pytest

from klangbild.errors import InputError
from klangbild.measure.control_music import NOTE_CONTROLS, one_bar, shuffled_bars
from klangbild.metrics import distributions as dist
from klangbild.metrics import validity, wishes
from klangbild.metrics.bar_grid import bar_grid
from klangbild.metrics.empty_beats import empty_beat_rate
from klangbild.metrics.groove_consistency import groove_consistency
from klangbild.metrics.note_sets import PIECE_SCORES, NoteSet, kolmogorov_distance, piece_scores
from klangbild.metrics.pitch_class_entropy import pitch_class_entropy
from klangbild.metrics.polyphony import polyphony, polyphony_rate
from klangbild.metrics.repetition import longest_loop, repeated_bars
from klangbild.metrics.scale_consistency import scale_consistency
from klangbild.metrics.sections import NAMES, Sections
from klangbild.metrics.structure import phrase_pulse, return_similarity, self_similarity, similarity_at
from klangbild.music.piece import Key, Piece, Track, make_notes

EXACT = {"abs": 1e-9, "rel": 0}


def piece_of(onset, duration, pitch, velocity=None, *, family="piano", bars=None, meter=(4, 4), **more):
    notes = make_notes(onset, duration, pitch, velocity or [80] * len(onset))
    length = 4.0 * meter[0] / meter[1] * bars if bars else 0.0
    return Piece((Track(family, 0, notes),), meters=((0.0, *meter),), length_beats=length, **more)


def grid_of(*a, **k):
    return bar_grid(piece_of(*a, **k))


EMPTY = bar_grid(Piece(()))
DRUMS = grid_of([0, 1, 2, 3], [0.25] * 4, [36, 38, 36, 38], family="drums", bars=1)
# one bar: C4 C5 E G, a quarter each
FOUR = grid_of([0, 1, 2, 3], [1, 1, 1, 1], [60, 72, 64, 67], bars=1)


def test_pitch_class_entropy():
    # C twice, E and G once each: 1/2 * 1 + 2 * 1/4 * 2 = 1.5 bits
    assert pitch_class_entropy(FOUR) == pytest.approx(1.5, **EXACT)
    assert pitch_class_entropy(grid_of(range(12), [1] * 12, range(60, 72))) == pytest.approx(np.log2(12), **EXACT)
    assert pitch_class_entropy(grid_of([0], [1], [60])) == 0.0
    assert np.isnan(pitch_class_entropy(EMPTY)) and np.isnan(pitch_class_entropy(DRUMS))


def test_scale_consistency():
    assert scale_consistency(FOUR) == 1.0
    # all twelve once: seven are in any scale
    assert scale_consistency(grid_of(range(12), [1] * 12, range(60, 72))) == pytest.approx(7 / 12, **EXACT)
    assert np.isnan(scale_consistency(EMPTY)) and np.isnan(scale_consistency(DRUMS))


def test_groove_consistency():
    # bar 1 strikes steps 0 and 24, bar 2 steps 0 and 36 of 48: two of 48 differ; bar 3 is bar 2 again
    grid = grid_of([0, 2, 4, 7, 8, 11], [1] * 6, [60] * 6, bars=3)
    assert groove_consistency(grid) == pytest.approx(1 - (2 / 48 + 0) / 2, **EXACT)
    assert np.isnan(groove_consistency(FOUR)) and np.isnan(groove_consistency(EMPTY))


def test_empty_beat_rate():
    # beats 0 and 1 sound (the note is held 1.5 beats), 2 and 3 do not
    assert empty_beat_rate(grid_of([0], [1.5], [60], bars=1)) == pytest.approx(0.5, **EXACT)
    assert empty_beat_rate(FOUR) == 0.0
    assert np.isnan(empty_beat_rate(EMPTY))


def test_polyphony():
    # a note of 2 beats, a second one over its last beat: (1 + 2) / 2 while sounding; 1 of 4 beats has two
    grid = grid_of([0, 1], [2, 1], [60, 64], bars=1)
    assert polyphony(grid) == pytest.approx(1.5, **EXACT)
    assert polyphony_rate(grid) == pytest.approx(0.25, **EXACT)
    assert np.isnan(polyphony(DRUMS)) and np.isnan(polyphony_rate(EMPTY))


def bars_of(letters, **more):
    """Each letter one bar of one note, its pitch told by the letter; '.' is a rest."""
    sounding = [(4 * i, 60 + ord(c) - ord("a")) for i, c in enumerate(letters) if c != "."]
    return piece_of([o for o, _ in sounding], [1] * len(sounding), [p for _, p in sounding], bars=len(letters), **more)


@pytest.mark.parametrize(
    ("letters", "loop", "repeated"),
    [
        ("abcd", 1, 0), ("aaaa", 4, 1), ("ababab", 3, 4 / 5), ("abcdabcd", 2, 4 / 7), ("a....b", 1, 0), ("abcaaab", 3, 4 / 6),
    ],
)  # fmt: skip
def test_repetition(letters, loop, repeated):
    grid = bar_grid(bars_of(letters))
    assert longest_loop(grid) == loop
    assert repeated_bars(grid) == pytest.approx(repeated, **EXACT)


def test_repetition_edges():
    assert longest_loop(EMPTY) == 0 and np.isnan(repeated_bars(EMPTY))
    assert longest_loop(FOUR) == 1 and np.isnan(repeated_bars(FOUR))


def test_structure_by_hand():
    matrix = self_similarity(bar_grid(bars_of("abcdabcdabcd")))
    assert similarity_at(matrix, 4) == 1.0 and similarity_at(matrix, 1) == 0.0
    # distances 4 and 8 are alike (1), 3, 5 and 7 are not (0)
    assert phrase_pulse(matrix) == pytest.approx(1.0, **EXACT)
    assert return_similarity(matrix) == pytest.approx(1.0, **EXACT)
    same = self_similarity(bar_grid(bars_of("a" * 12)))
    assert phrase_pulse(same) == pytest.approx(0.0, **EXACT)
    # {C, E} and {C, G} share one of three
    two = self_similarity(grid_of([0, 0, 4, 4], [1] * 4, [60, 64, 60, 67], bars=2))
    assert two[0, 1] == pytest.approx(1 / 3, abs=1e-6)
    assert np.isnan(phrase_pulse(two)) and np.isnan(similarity_at(two, 5))


def test_distributions_by_hand():
    table = dist.split(dist.counts(FOUR))
    # the key is C major: C twice, E, G
    assert table["pitch_class"].tolist() == [2, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    assert np.flatnonzero(table["interval"]).tolist() == [24 - 8, 24 + 3, 24 + 12]
    assert table["duration"][7] == 4  # 12 steps: round(2 log2 12) = 7
    assert table["velocity"][5] == 4 and table["polyphony"][1] == 48 and table["density"][2] == 1
    assert np.flatnonzero(table["groove"]).tolist() == [0, 12, 24, 36] and table["families"][1] == 1
    assert dist.counts(EMPTY).sum() == 0 and len(dist.counts(DRUMS)) == dist.WIDTH


def test_overlap_area():
    assert dist.overlap_area(np.array([2, 2, 0]), np.array([1, 1, 2])) == pytest.approx(0.5, **EXACT)
    assert dist.overlap_area(np.array([5, 1]), np.array([5, 1])) == pytest.approx(1.0, **EXACT)
    assert np.isnan(dist.overlap_area(np.zeros(3), np.ones(3)))
    for bad in (np.array([1.0, np.nan]), np.array([1.0, -1.0]), np.ones(3)):
        with pytest.raises(InputError):
            dist.overlap_area(bad, np.ones(2))
    with pytest.raises(InputError, match="without pieces"):
        dist.evaluate(np.zeros((0, dist.WIDTH)), np.ones((1, dist.WIDTH)))
    one = np.atleast_2d(dist.counts(FOUR))
    assert dist.evaluate(one, one)["overlap_mean"].value == pytest.approx(1.0, **EXACT)


def test_transposing_changes_nothing_that_is_relative():
    piece = piece_of([0, 1, 2, 3, 4, 5, 6, 7], [1] * 8, [60, 62, 64, 65, 67, 64, 62, 60], bars=2)
    a, b = (dist.split(dist.counts(bar_grid(p))) for p in (piece, piece.transposed(5)))
    for name in ("pitch_class", "interval", "duration", "groove"):
        assert a[name].tolist() == b[name].tolist(), name


def test_kolmogorov_distance():
    assert kolmogorov_distance(np.array([1.0, 2, 3]), np.array([1.0, 2, 3])) == 0
    # after 1: 1/2 against 0; after 2: 1 against 1/3
    assert kolmogorov_distance(np.array([1.0, 2]), np.array([2.0, 3, 4])) == pytest.approx(2 / 3, **EXACT)
    assert np.isnan(kolmogorov_distance(np.array([np.nan]), np.array([1.0])))


def test_a_set_of_nothing_is_an_error_not_a_zero():
    with pytest.raises(InputError, match="none of the 2 pieces"):
        NoteSet.of([Piece(()), Piece(())])
    some = NoteSet.of([Piece(()), bars_of("abcd" * 8)])
    assert len(some) == 1 and some.empty == 1
    assert list(piece_scores(FOUR)) == list(PIECE_SCORES)


def test_sections():
    rng = np.random.default_rng(0)
    n = 400
    piece = piece_of(np.sort(rng.integers(0, 20 * 48, n)) / 12, [0.5] * n, rng.integers(50, 80, n), bars=20)
    sections = Sections.of([bar_grid(piece), EMPTY, bar_grid(piece)])
    # 20 bars: 8, 8, and 4 that are left out
    assert sections.features.shape == (4, len(NAMES)) and sections.piece.tolist() == [0, 0, 2, 2]
    assert np.isfinite(sections.features).all()
    assert Sections.of([EMPTY, FOUR]).features.shape == (0, len(NAMES))


def test_validity():
    good = bars_of("abab")
    assert validity.complaints(good) == [] and validity.evaluate(good)["valid"] == 1.0
    assert validity.complaints(Piece(())) == ["it has no notes"]
    assert "MThd" in validity.complaints(b"not music")[0]
    assert "twice at once" in validity.complaints(piece_of([0, 0], [1, 2], [60, 60]))[0]
    assert "bpm" in validity.complaints(replace(good, tempos=((0.0, 4.0),)))[0]
    assert "finite" in validity.complaints(piece_of([np.nan], [1], [60]))[0]


def test_wishes():
    piece = bars_of("abab", tempos=((0.0, 120.0),), key=Key(0, "major"))
    held = {"instruments": ["piano"], "key": "C", "tempo": 120.0, "meter": "4/4", "bars": 4}
    assert not any(wishes.check(piece, held).values()) and wishes.evaluate(piece, held)["wishes_held"] == 1.0
    broken = {
        "instruments": ["bass"],
        "without": ["piano"],
        "min_instruments": 3,
        "key": "D",
        "tempo": 90.0,
        "meter": "3/4",
        "seconds": 30,
    }
    assert list(wishes.check(piece, broken)) == [
        "instruments",
        "without",
        "min_instruments",
        "key",
        "tempo",
        "meter",
        "seconds",
    ]
    assert wishes.evaluate(piece, broken)["wishes_held"] == 0.0
    # 8 s of music: 7 s were wished, and a bar is 2 s
    assert wishes.check(piece, {"seconds": 7.0}) == {"seconds": ""}
    assert np.isnan(wishes.evaluate(piece, {})["wishes_held"])
    with pytest.raises(InputError, match="damaged"):
        wishes.wishes_of(replace(piece, record="{"))


@pytest.mark.parametrize("name", NOTE_CONTROLS)
def test_controls_keep_what_they_should(name):
    piece = bars_of("abcdabcdefgh")
    broken = NOTE_CONTROLS[name](piece, np.random.default_rng(1))
    assert validity.complaints(broken) == [] or name == "random notes"
    if name != "one bar":
        assert broken.n_notes == piece.n_notes
    again = NOTE_CONTROLS[name](piece, np.random.default_rng(1))
    assert all((a.notes == b.notes).all() for a, b in zip(broken.tracks, again.tracks, strict=True))


def test_controls_break_what_they_should():
    rng = np.random.default_rng(0)
    piece = bars_of("abcdabcdefgh")
    assert longest_loop(bar_grid(one_bar(piece, rng))) == 12
    shuffled = bar_grid(shuffled_bars(piece, rng))
    assert sorted(map(sorted, shuffled.contents)) == sorted(map(sorted, bar_grid(piece).contents))
    assert phrase_pulse(self_similarity(shuffled)) < phrase_pulse(self_similarity(bar_grid(piece)))
