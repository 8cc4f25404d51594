"""The language between picture and plan: eight numbers that both sides have, each -1 .. 1.

    valence, arousal   what is felt
    height .. warmth   the traits of a picture (`picture.voice.TRAITS`), and of a section what goes with each

What of the music goes with a trait is what `bars.picture_bias` lets it weigh for: height is register, fineness density, smoothness long notes, things
many players, symmetry bars that are alike, warmth who plays. The first, third and (with agitation) second are correspondences that studies found; the
others are a composer's ideas (see there). A flow that knows its music by these numbers can be told a picture by them: what AudioLDM 2
(arXiv 2308.05734) calls a language of audio, that conditions are translated to.
"""

from __future__ import annotations

import numpy as np

from klangbild.models.bars.picture_bias import EACH_PLAYER, PLAYERS, TILT
from klangbild.models.bars.section_attributes import NAMES
from klangbild.music.families import FAMILY_NAMES
from klangbild.picture.voice import TRAITS

AXES = ("valence", "arousal", *TRAITS)
N_AXES = len(AXES)


def tilts() -> np.ndarray:
    """(6, attributes): how much each attribute speaks for each trait."""
    table = np.array([[TILT[trait].get(name, 0.0) for name in NAMES] for trait in TRAITS])
    for i, name in enumerate(FAMILY_NAMES):
        table[TRAITS.index("warmth"), i] = PLAYERS.get(name, 0.0)
        table[TRAITS.index("things"), i] = EACH_PLAYER
    return table


def raw_traits(values: np.ndarray) -> np.ndarray:
    """Attributes of sections (..., attributes) -> what goes with each trait (..., 6), not yet a place."""
    return values @ tilts().T


def places(raw: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Raw traits (..., 6) -> places in [-1, 1] among music whose quantiles are knots (6, k)."""
    at = np.linspace(-1.0, 1.0, knots.shape[1])
    return np.stack([np.interp(raw[..., i], knots[i], at) for i in range(len(knots))], axis=-1).astype(np.float32)


def fit_knots(raw: np.ndarray, points: int = 33) -> np.ndarray:
    """Quantiles (6, points) of raw traits (n, 6), strictly rising."""
    knots = np.quantile(raw, np.linspace(0.0, 1.0, points), axis=0).T
    return knots + 1e-6 * np.arange(points)
