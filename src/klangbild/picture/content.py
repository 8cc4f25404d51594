"""What is to be seen in a picture, in a few plain words, and only where the encoder is sure.

The words are the encoder's own (people, mountains, a car, flowers, ...): each has a probability, and is said from where, on pictures kept
apart, 96 % of what was said was there (`klangbild train picture` measures it; the card has the numbers). Photographs of objects taught
them, so of paintings they are a hint, and of a thing without a word nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from klangbild.picture.encoder import PictureEncoder, open_encoder, shipped_encoder
from klangbild.picture.picture import Picture

MOST_SAID = 3

Seen = tuple[tuple[str, float], ...]
"""Words with their probabilities (0..1), surest first."""


def seen_in(picture: Picture) -> Seen:
    """What is surely to be seen, surest first; () when unsure.

    Raises NotAvailableError: the encoder's file is not there, or damaged.
    """
    encoder = open_encoder(shipped_encoder())
    return sure_words(encoder, encoder.look([picture]).words[0])


def sure_words(encoder: PictureEncoder, log_odds: np.ndarray) -> Seen:
    """Of the encoder's words (w,) of log odds those that are said."""
    probability = 1 / (1 + np.exp(-np.clip(log_odds.astype(np.float64), -30, 30)))
    order = np.argsort(-probability, kind="stable")
    said = [i for i in order if probability[i] >= encoder.said_from[i]][:MOST_SAID]
    return tuple((encoder.words[i], round(float(probability[i]), 3)) for i in said)


def listed(words: Sequence[str]) -> str:
    """As one says it: "trees", "trees and a dog", "people, trees and a dog"."""
    return " and ".join([*([", ".join(words[:-1])] if len(words) > 1 else []), *words[-1:]])
