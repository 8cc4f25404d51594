"""A picture's feeling as words that the plan model knows: what a person would type who had seen it.

Three uses: a picture that comes alone is described beside its tokens; `--valence` and `--arousal` reach a sound engine as words;
and "the picture described in words, nothing else" is the control that every picture part has to beat.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.emotion.words import english_words
from klangbild.models.plan.caption_words import default_words, density_word, tempo_word

N_EMOTION_WORDS = 2
# tempo and notes per second at three arousals: our choice, calm is slow and sparse, excited fast and dense; not fitted
_TEMPO_AT = ((-0.8, 78.0), (0.0, 118.0), (0.8, 160.0))
_RATE_AT = ((-0.8, 4.0), (0.0, 9.0), (0.8, 18.0))


def emotion_words(asked: Emotion, n: int = N_EMOTION_WORDS) -> list[str]:
    """The n affect words nearest to a point of the music's plane.

    >>> emotion_words(Emotion(0.45, -0.4), 1)
    ['dawn']
    """
    words, places = _table()
    distance = ((places - (asked.valence, asked.arousal)) ** 2).sum(axis=1)
    return [words[i] for i in np.argsort(distance, kind="stable")[:n]]


def description(asked: Emotion) -> str:
    """Emotion words, tempo, density and mode that go with a point of the music's plane."""
    tempo, rate = (float(np.interp(asked.arousal, *zip(*points, strict=True))) for points in (_TEMPO_AT, _RATE_AT))
    mode = "major" if asked.valence >= 0 else "minor"
    return ", ".join([*emotion_words(asked), tempo_word(tempo), density_word(rate), mode])


@lru_cache(maxsize=1)
def _table() -> tuple[list[str], np.ndarray]:
    """Affect words that are no words for players as well, and their places (n, 2)."""
    known = set(default_words())
    pairs = [(word, place) for word, place in english_words().items() if word in known]
    return [word for word, _ in pairs], np.array([place for _, place in pairs])
