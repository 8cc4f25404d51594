"""The judges: percentiles by hand, weights that ship and say how good they are, and music whose emotion is plain."""

import numpy as np
import pytest

from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.metrics.emotion_judge import _percentile, kind_of, load_judge, read_piece
from klangbild.metrics.note_sets import compare, load_reference
from klangbild.music.piece import Piece, Track, make_notes

JUDGES = ("emopia", "vgmidi")


def melody(*, minor=False, fast=True, velocity=90, bars=8, family="piano"):
    """Broken triads I-IV-V-I: fast, loud, short and major, or not."""
    third = 3 if minor else 4
    step = 0.25 if fast else 2.0
    onset, pitch = [], []
    for bar in range(bars):
        root = (60, 65, 67, 60)[bar % 4]
        for i, at in enumerate(np.arange(0, 4, step)):
            onset.append(4 * bar + at)
            pitch.append(root + (0, third, 7, 12)[i % 4])
    notes = make_notes(onset, [step * (0.5 if fast else 1.0)] * len(onset), pitch, [velocity] * len(onset))
    extra = make_notes(np.arange(bars * 4) * 1.0, [1.0] * bars * 4, [48] * bars * 4, [velocity] * bars * 4)
    tracks = (Track(family, 0, np.sort(np.concatenate([notes, extra]), order="onset")),)
    return Piece(tracks, tempos=((0.0, 150.0 if fast else 70.0),), length_beats=4.0 * bars)


def test_percentiles_by_hand():
    knots = np.array([0.0, 1.0, 1.0, 1.0, 5.0])
    # levels -1, -.5, 0, .5, 1: the three equal quantiles share 0
    assert _percentile(np.array([-3.0, 0, 0.5, 1, 3, 9]), knots).tolist() == [-1, -1, -0.5, 0, 0.5, 1]


@pytest.mark.parametrize("name", JUDGES)
def test_plain_music_is_read_plainly(name):
    judge = load_judge(name)
    fast, slow = read_piece(judge, melody()), read_piece(judge, melody(fast=False, velocity=45))
    assert fast[1] > slow[1] + 0.5
    for fast_too in (True, False):
        major, minor = (read_piece(judge, melody(minor=m, fast=fast_too)) for m in (False, True))
        assert major[0] > minor[0]
    assert all(-1 <= v <= 1 for v in (*fast, *slow))


@pytest.mark.parametrize("name", JUDGES)
def test_it_says_how_good_it_is_and_on_what(name):
    judge = load_judge(name)
    assert name in judge.accuracy and set(judge.card["labels_with_and_without_it"]) == {"valence", "arousal"}
    own = next(iter(judge.card["own"].values()))
    keys = [k for k in own if k.startswith("arousal")]
    assert 0.75 < own[keys[0]]["value"] < 1.0


def test_too_little_music_is_nan_not_zero():
    judge = load_judge("vgmidi")
    assert np.isnan(read_piece(judge, Piece(()))).all()
    assert np.isnan(read_piece(judge, Piece((Track("piano", 0, make_notes([0], [1], [60], [80])),)))).all()
    assert kind_of(melody()) == 0


def test_wrong_names_and_files(tmp_path):
    with pytest.raises(UsageError, match="emopia"):
        load_judge("me")
    with pytest.raises(NotAvailableError, match="measure judge"):
        load_judge("emopia", path=tmp_path / "none.npz")
    np.savez(tmp_path / "x.npz", a=np.zeros(2))
    with pytest.raises(InputError, match="not a judge"):
        load_judge("emopia", path=tmp_path / "x.npz")


def test_the_reference_that_ships_sees_itself_as_real():
    real, axes = load_reference()
    assert len(real) >= 100
    order = np.random.default_rng(0).permutation(len(real))
    scores = compare(real.some(order[:20]), real.some(order[20:]), axes, classifier=False)
    assert scores["overlap_mean"].value > 0.75 and scores["hangs"].value < 0.1
    own = compare(real, real, axes, classifier=False)
    assert own["overlap_mean"].value == pytest.approx(1.0) and own["frechet_music_distance"].value == pytest.approx(
        0, abs=1e-6
    )


def test_fitting_a_judge_on_made_up_ratings():
    """Where ratings follow a feature, the judge finds it; a corpus without ratings is a clear error."""
    from klangbild.measure.judges.judge_train import accuracy, cross_validated, fit, label_leak, rated_pieces
    from klangbild.models.bars.data.prepared import NoteData
    from klangbild.music.section_features import FEATURES

    rng = np.random.default_rng(0)
    sets, per_set = ("band", "emopia", "piano", "vgmidi"), 60
    n = per_set * len(sets)
    features = rng.normal(size=(n, len(FEATURES))).astype(np.float32)
    features[:, FEATURES.index("notes_per_s")] = rng.uniform(3, 20, n)
    pool = np.repeat(np.arange(4), per_set)
    rating = np.full((n, 3), np.nan, np.float32)
    rating[:, 2] = 0
    major, rate = features[:, FEATURES.index("majorness")], features[:, FEATURES.index("notes_per_s")]
    vg, em = pool == 3, pool == 1
    rating[vg, 0], rating[vg, 1] = major[vg] * 0.3, (rate[vg] - 11) / 10
    quadrant = np.where(major > 0, np.where(rate > 11, 1, 4), np.where(rate > 11, 2, 3))
    rating[em, 2] = quadrant[em]
    data = NoteData(
        ids=np.zeros(n, np.uint16), section_start=np.arange(n + 1), section_piece=np.arange(n, dtype=np.int32),
        section_seconds=np.full(n, 16.0, np.float32), features=features, valence=np.zeros(n, np.float32),
        arousal=np.zeros(n, np.float32), label_source=np.zeros(n, np.uint8),
        piece_name=np.array([f"{sets[p]}/{i}" for i, p in enumerate(pool)]), piece_pool=pool.astype(np.uint8),
        piece_heldout=np.arange(n) % 5 == 0, piece_cluster=np.arange(n, dtype=np.int32), piece_rating=rating,
        about={"pools": list(sets), "features": list(FEATURES), "licences": {}},
    )  # fmt: skip
    judge = fit(data, "vgmidi")
    held = rated_pieces(data, "emopia", heldout=True)
    found = accuracy(judge, data, "emopia", held)
    assert found["valence_auc"]["value"] > 0.9 and found["arousal_auc"]["value"] > 0.9
    assert cross_validated(data, "vgmidi", folds=5)["arousal_spearman"]["value"] > 0.8
    assert set(label_leak(data, "emopia")) == {"valence", "arousal"}
    from dataclasses import replace

    with pytest.raises(InputError, match="lacks vgmidi"):
        fit(replace(data, about={**data.about, "pools": ["band", "emopia", "piano", "x"]}), "vgmidi")
