"""Pseudo-labels: faster and louder is more aroused, major is more pleasant, and people's ratings win."""

import numpy as np

from klangbild.models.bars.data.emotion_labels import HUMAN, NO_LABEL, PSEUDO, RatedPieces, label_sections, ranks
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.music.section_features import FEATURES, NoteTable


def features_of(*, step: float, velocity: int, pitches=(60, 64, 67, 72)) -> dict[str, float]:
    onsets = np.arange(0.0, 32.0, step)
    notes = make_notes(onsets, [step] * len(onsets), np.resize(pitches, len(onsets)), [velocity] * len(onsets))
    row = NoteTable(Piece((Track("piano", 0, notes),))).features(0.0, 32.0)
    return dict(zip(FEATURES, row.tolist(), strict=True))


def test_features_say_what_is_there():
    slow, fast = features_of(step=1.0, velocity=50), features_of(step=0.25, velocity=110)
    assert slow["notes_per_s"] == 2.0 and fast["notes_per_s"] == 8.0
    assert slow["bpm"] == 120.0 and slow["velocity"] == 50.0
    assert fast["log_length_s"] < slow["log_length_s"]
    minor = features_of(step=1.0, velocity=50, pitches=(60, 63, 67, 72))
    assert slow["majorness"] > 0 > minor["majorness"]


def test_an_empty_section_has_features():
    assert (NoteTable(Piece(())).features(0.0, 32.0) == 0).all()


def test_ranks_share_ties():
    assert ranks(np.array([3.0, 1.0, 3.0, 9.0])).tolist() == [0.0, -1.0, 0.0, 1.0]


def random_sections(rng: np.random.Generator, n: int = 400):
    features = rng.normal(size=(n, len(FEATURES)))
    piece = np.repeat(np.arange(n // 4), 4)
    rated = RatedPieces(np.full(n // 4, np.nan), np.full(n // 4, np.nan), np.zeros(n // 4, int))
    majorness = features[:, FEATURES.index("majorness")].reshape(-1, 4).mean(axis=1)
    rated.valence[:40] = np.clip(majorness[:40], -1, 1)
    rated.arousal[:40] = 0.0
    rated.quadrant[40:44] = (1, 2, 3, 4)
    return features, piece, rated


def test_axes_are_uniform_independent_and_point_the_right_way():
    features, piece, rated = random_sections(np.random.default_rng(0))
    notes = np.full(len(features), 50)
    notes[-1] = 3
    valence, arousal, source = label_sections(features, notes, np.zeros(len(features), int), piece, rated)
    free = source == PSEUDO
    assert source[-1] == NO_LABEL and valence[-1] == arousal[-1] == 0.0
    assert abs(np.corrcoef(valence[free], arousal[free])[0, 1]) < 0.1
    assert np.corrcoef(valence[free], features[free, FEATURES.index("majorness")])[0, 1] > 0.3
    assert np.corrcoef(arousal[free], features[free, FEATURES.index("notes_per_s")])[0, 1] > 0.4
    assert abs(np.percentile(arousal[free], 75) - 0.5) < 0.15


def test_human_labels_win():
    features, piece, rated = random_sections(np.random.default_rng(1))
    notes = np.full(len(features), 50)
    valence, arousal, source = label_sections(features, notes, np.zeros(len(features), int), piece, rated)
    assert set(source[:176]) == {HUMAN}
    for quadrant, signs in ((1, (1, 1)), (2, (-1, 1)), (3, (-1, -1)), (4, (1, -1))):
        here = piece == 39 + quadrant
        assert (np.sign(valence[here]) == signs[0]).all() and (np.sign(arousal[here]) == signs[1]).all()
    top, bottom = int(np.argmax(rated.valence[:40])), int(np.argmin(rated.valence[:40]))
    assert (valence[piece == top] == 1.0).all() and (valence[piece == bottom] == -1.0).all()
