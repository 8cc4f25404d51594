"""Holding the tonality of a section near what its valence asks: bar by bar, what sounds too minor leans back to major.

How major music sounds carries most of its valence, yet a piece drawn note by note drifts: told to be happy it may linger on its
relative minor, told to be sad on its relative major. So after each bar the durations of the section's pitch classes so far are
held against the key profiles (Krumhansl 1990), and what its majorness lacks of what real sections of that valence have becomes a
lean on pitch classes, in the direction in which majorness grows fastest.
"""

from __future__ import annotations

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.models.bars import language as bars
from klangbild.models.bars.section_attributes import section_notes
from klangbild.music.key import MAJOR_PROFILE, MINOR_PROFILE, key_fits

GAIN = 4.0
"""Log-odds for one unit of missing majorness, at a pitch class where the profiles of the two nearest keys differ by 1."""
MIDDLE, SLOPE = 0.049, 0.255
"""Majorness (fit of the best major key less that of the best minor key) of the training sections: middle + slope x valence; their
spread about it is .13."""
AROUSAL = -0.1
"""What it loses for one unit of arousal. Of pieces of one asked valence the judge `vgmidi` hears the faster as happier and the judge
`emopia` the slower; with this both err alike (.24 and -.22, docs/measure.md)."""
CLEAR = 0.1
"""Majorness of a wished major at the least, and of a wished minor the other way."""
_FEW = 16.0


def tonality_bias(ids: np.ndarray, emotion: Emotion, wished: str | None = None) -> np.ndarray:
    """A section's ids so far (n,) and the emotion asked -> log-odds (12,) for the pitch classes C to B of what follows.

    wished: "major" or "minor" where somebody wants that mode, whatever the emotion would have."""
    _, _, family, pitch, length, _, _ = section_notes(np.asarray(ids, np.int64))
    pitched = family != bars.DRUMS
    n_notes = int(pitched.sum())
    if n_notes < 2:
        return np.zeros(12)
    histogram = np.bincount(pitch[pitched] % 12, weights=np.minimum(length[pitched], 48), minlength=12)
    fits = key_fits(histogram)
    majorness = MIDDLE + SLOPE * emotion.valence + AROUSAL * emotion.arousal
    if wished is not None:
        majorness = max(majorness, CLEAR) if wished == "major" else min(majorness, -CLEAR)
    missing = majorness - (fits[0].max() - fits[1].max())
    # between the two keys of the signature that fits best: to the parallel key (A minor, A major) no one is pushed
    tonic = int(np.maximum(fits[0], np.roll(fits[1], 3)).argmax())
    direction = np.roll(MAJOR_PROFILE, tonic) - np.roll(MINOR_PROFILE, tonic - 3)
    return GAIN * missing * direction * n_notes / (n_notes + _FEW)
