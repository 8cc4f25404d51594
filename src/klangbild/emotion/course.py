"""What an emotion path comes to in a piece: stretches of time, in each of which one emotion is asked of the music.

A point of the path holds until the next one: "gloomy until 0:41, then joyful". A point at the very end of the piece has no time left to hold;
it is led up to instead, step by step.
"""

from __future__ import annotations

from dataclasses import dataclass

from klangbild.emotion.space import Emotion, EmotionPath

_AT_THE_END_S = 1.0
_STEP_S, _MOST_STEPS = 6.0, 4
"""Towards a point at the end a step takes about so long, and there are at most so many."""


@dataclass(frozen=True)
class Course:
    """stretches: ((start in seconds, the emotion asked from there on), ...), the first at 0.

    >>> Course.of(EmotionPath.parse("0:-0.4,-0.6 41:0.7,0.5")).words
    'gloomy until 0:41, then joyful'
    """

    stretches: tuple[tuple[float, Emotion], ...]

    @staticmethod
    def of(path: EmotionPath, length_s: float | None = None) -> Course:
        """The course of a piece of `length_s` seconds; None: its length is not known, and no point is at its end."""
        points = [(0.0, path.points[0][1]), *path.points[1:]]
        if length_s is not None and len(points) > 1 and points[-1][0] > length_s - _AT_THE_END_S:
            end_s, goal = points.pop()
            start_s, before = points[-1]
            steps = min(max(int((end_s - start_s) / _STEP_S) - 1, 1), _MOST_STEPS)
            glide = EmotionPath(((0.0, before), (float(steps), goal)))
            points += [
                (start_s + (end_s - start_s) * step / (steps + 1), glide.at(float(step)))
                for step in range(1, steps + 1)
            ]
        return Course(tuple(points))

    @property
    def changes_s(self) -> tuple[float, ...]:
        """The seconds at which another stretch begins: after the first one."""
        return tuple(start_s for start_s, _ in self.stretches[1:])

    def at(self, seconds: float) -> Emotion:
        """The emotion asked at a time in seconds."""
        return [emotion for start_s, emotion in self.stretches if start_s <= seconds or start_s == 0.0][-1]

    @property
    def words(self) -> str:
        """The course in words, stretches of one name together."""
        return course_words([(start_s, emotion.name) for start_s, emotion in self.stretches])


def course_words(named: list[tuple[float, str]]) -> str:
    """Names of feelings from seconds on, the first from 0, as a sentence.

    >>> course_words([(0, "sad"), (20.2, "calm"), (30, "calm"), (75.5, "happy")])
    'sad until 0:20, then calm until 1:16, then happy'
    """
    kept = [one for number, one in enumerate(named) if number == 0 or named[number - 1][1] != one[1]]
    ends = [start_s for start_s, _ in kept[1:]]
    parts = [f"{name} until {_clock(end)}" for (_, name), end in zip(kept, ends, strict=False)]
    return ", then ".join([*parts, kept[-1][1]])


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
