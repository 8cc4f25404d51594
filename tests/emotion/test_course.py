"""A path as a course: each point holds until the next, a point at the end is led up to, and words say so."""

import pytest

from klangbild.emotion.course import Course
from klangbild.emotion.space import Emotion, EmotionPath


def course(text: str, length_s: float | None = None) -> Course:
    return Course.of(EmotionPath.parse(text), length_s)


def test_a_point_holds_until_the_next_and_the_first_from_the_start_on():
    found = course("10:-0.6,0.2 30:0.6,0.8", 60.0)
    assert [found.at(s).valence for s in (0, 10, 29.9, 30, 99)] == [-0.6, -0.6, -0.6, 0.6, 0.6]
    assert found.changes_s == (30.0,)


@pytest.mark.parametrize(("seconds", "steps"), [(10.0, 1), (20.0, 2), (30.0, 4), (300.0, 4)])
def test_a_point_at_the_end_is_reached_before_it(seconds, steps):
    found = course(f"0:-0.6,-0.4 {seconds:g}:0.6,0.8", seconds)
    assert len(found.changes_s) == steps and found.changes_s[-1] < seconds
    values = [emotion.valence for _, emotion in found.stretches]
    assert values == sorted(set(values)) and found.at(seconds) == Emotion(0.6, 0.8)


def test_words_tell_when_and_join_what_has_one_name():
    assert course("0:-0.4,-0.6 41:0.7,0.5").words == "gloomy until 0:41, then joyful"
    assert course("0:-0.4,-0.6 20:-0.5,-0.7 61.4:0.6,-0.5").words == "gloomy until 1:01, then serene"
    assert course("0:0.7,0.5").words == "joyful"
