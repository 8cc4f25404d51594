"""Which words is this sound for? Words of captions read from sound alone, by a linear reader that no model has seen.

Fitted on training clips as a model's chain gives them (`kept_sounds.features_of_clips`): the 120 raw numbers of
`sound_embedding`, as percentiles of these clips, to whether each word is true of the clip: tempo, density, mode, meter, kind of
music, players. Keys are left out (the network over piano rolls hears none), and so are feelings, which triplets do not say.

Conventions
    A word is read if it is true of `MIN_CLIPS` clips or more, and of as many not. Its target has mean 0 and spread 1, so that a
    word that cannot be read from sound is read as about 0, and says little.
    What is common to all sounds of a set is taken out of their readings, as for `truth_*` of `measure sound-fit`.
    The reader's own accuracy is what the clips themselves score.

Metrics
    word_scores      (captions, sounds): sum of the readings of a caption's words over the root of their number, so that long
                     captions are not nearer to everything; `retrieval` makes ranks of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from klangbild.errors import InputError
from klangbild.measure.judges.sound_judge import N_KNOTS, ranked
from klangbild.models.bars.data.emotion_labels import ridge
from klangbild.models.roll.caption_words import Vocabulary
from klangbild.models.roll.data.captions import caption
from klangbild.models.roll.data.clip_table import SoundData

MIN_CLIPS = 10
PENALTY = 30.0
"""Best of 30, 100, 300 and 1000 by mean rank of the right caption, 4-fold on 211 played training clips (top five in 39 % of 53)."""


@dataclass(frozen=True)
class WordReader:
    """words (W,); knots (120, k): percentiles of training clips; weights (W, 121), the constant last."""

    words: tuple[str, ...]
    knots: np.ndarray
    weights: np.ndarray

    def read(self, raw: np.ndarray) -> np.ndarray:
        """(stretches, 120) raw numbers of a sound -> (W,) how much of each word is in it, 0 on average over training clips."""
        return self.weights[:, :-1] @ ranked(raw, self.knots).mean(axis=0) + self.weights[:, -1]


def fit_reader(data: SoundData, clips: np.ndarray, raw: list[np.ndarray], *, penalty: float = PENALTY) -> WordReader:
    """Fit on clips (n,) of the prepared sound and their raw numbers, (stretches, 120) each.

    Raises:
        InputError: no word can be learnt from so few clips.
    """
    said = [true_words(data, int(clip)) for clip in clips]
    counts = {word: sum(word in own for own in said) for own in said for word in own}
    words = tuple(sorted(w for w, n in counts.items() if MIN_CLIPS <= n <= len(clips) - MIN_CLIPS))
    if not words:
        raise InputError(f"no word is true of {MIN_CLIPS} of {len(clips)} training clips and not of others; take more")
    knots = np.quantile(np.concatenate(raw), np.linspace(0, 1, N_KNOTS), axis=0).T
    inputs = np.stack([ranked(r, knots).mean(axis=0) for r in raw])
    targets = np.array([[word in own for word in words] for own in said], np.float64)
    targets = (targets - targets.mean(axis=0)) / targets.std(axis=0)
    return WordReader(words, knots, ridge(inputs, targets, np.ones(len(inputs)), penalty=penalty).T)


def true_words(data: SoundData, clip: int) -> frozenset[str]:
    """What is true of a clip, without feelings and key: the words that its full caption stands for."""
    text = caption(data, clip, np.random.default_rng(clip), full=True, feelings=0.0)
    return readable(text)


def readable(text: str) -> frozenset[str]:
    """The known words of a caption without its key.

    >>> sorted(readable("slow piece for violins in C minor"))
    ['minor', 'slow', 'strings']
    """
    return frozenset(word for word in Vocabulary().read(text).known if not word.startswith("key-"))


def word_scores(reader: WordReader, read: np.ndarray, captions: Iterable[str]) -> np.ndarray:
    """(n, W) readings of sounds, and m captions -> (m, n), see above; 0 for a caption without a readable word."""
    own = read - read.mean(axis=0)
    place = {word: number for number, word in enumerate(reader.words)}
    rows = []
    for text in captions:
        mine = [place[word] for word in sorted(readable(text)) if word in place]
        rows.append(own[:, mine].sum(axis=1) / np.sqrt(len(mine)) if mine else np.zeros(len(own)))
    return np.stack(rows)
