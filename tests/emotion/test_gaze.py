"""`--gaze`: from left to right in time; as the picture changes on the way, the music does: as its halves read apart."""

import numpy as np
import pytest

from klangbild.composer import Composer, replay
from klangbild.emotion.gaze import gaze_of
from klangbild.emotion.read import read_emotion
from klangbild.emotion.space import Emotion
from klangbild.errors import UsageError
from klangbild.picture.load import load_picture


@pytest.fixture(scope="module")
def dawn():
    """Black and torn on the left, bright and green on the right."""
    rng = np.random.default_rng(4)
    night = rng.integers(0, 60, (120, 100, 3))
    day = np.full((120, 100, 3), (170, 220, 120)) + rng.integers(-8, 8, (120, 100, 3))
    return load_picture(np.concatenate([night, day], axis=1).astype(np.uint8))


def test_it_goes_from_left_to_right(dawn):
    path, points = gaze_of(dawn, Emotion(0.0, 0.0), 30.0)
    assert [p.x for p in points] == sorted(p.x for p in points) and len(points) == len(path.points) >= 2
    assert points[0].seconds == 0.0 and points[-1].seconds < 30.0
    left, right = (read_emotion(load_picture(half)).asked for half in (dawn.rgb[:, :100], dawn.rgb[:, 100:]))
    first, last = path.points[0][1], path.points[-1][1]
    axis = max(("valence", "arousal"), key=lambda name: abs(getattr(right, name) - getattr(left, name)))
    assert (getattr(last, axis) - getattr(first, axis)) * (getattr(right, axis) - getattr(left, axis)) > 0


def test_it_is_a_path_of_the_record_and_replays(dawn, tmp_path):
    result = Composer().compose(dawn.rgb, seconds=6, seed=3, gaze=True)
    assert result.record["emotion"]["source"] == "path" and result.settings.path and result.record["voice"]["gaze"]
    (file,) = result.save(tmp_path / "x.mid", ("mid",)).values()
    again = replay(file)
    assert [t.notes.tolist() for t in again.piece.tracks] == [t.notes.tolist() for t in result.piece.tracks]


def test_without_a_picture_or_with_another_course_it_is_refused(dawn):
    composer = Composer(seconds=2, seed=1)
    for wrong in ({"picture": None, "text": "calm"}, {"picture": dawn.rgb, "path": "0:0.1,0.2"}):
        picture = wrong.pop("picture")
        with pytest.raises(UsageError, match="--gaze"):
            composer.compose(picture, gaze=True, **wrong)
    with pytest.raises(UsageError, match="--gaze and --valence"):
        composer.compose(dawn.rgb, gaze=True, valence=0.3)
