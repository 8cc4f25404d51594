"""Which word stands where on the plane, and a path from one place to another."""

import pytest

from klangbild.emotion.space import Emotion, EmotionPath


@pytest.mark.parametrize(
    ("valence", "arousal", "name"),
    [
        (0.8, 0.0, "happy"), (0.5, 0.8, "excited"), (0.0, 0.8, "alert"), (-0.5, 0.6, "tense"), (-0.8, 0.5, "angry"),
        (-0.8, 0.0, "upset"), (-0.7, -0.4, "sad"), (0.0, -0.8, "tired"), (0.4, -0.7, "calm"), (0.7, -0.4, "serene"),
        (0.05, -0.05, "neutral"),
    ],
)  # fmt: skip
def test_pleasant_is_happy_excited_is_up_and_calm_is_down(valence, arousal, name):
    assert Emotion(valence, arousal).name == name


def test_a_path_goes_from_its_first_point_to_its_last_and_holds_before_and_after():
    path = EmotionPath.parse("10:-0.6,0.2 30:0.6,0.8")
    found = [(path.at(s).valence, path.at(s).arousal) for s in (0, 10, 15, 30, 99)]
    assert found == [(-0.6, 0.2), (-0.6, 0.2), (-0.3, 0.35), (0.6, 0.8), (0.6, 0.8)]
