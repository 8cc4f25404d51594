"""Leaning on the few ids that decide most: mode, tempo and loudness.

A model of a few million parameters hears valence and arousal in what it plays from note to note, but one tempo and one mode
a section are too few to learn them well from. So the asked emotion also tilts those odds directly: an id's log-odds gain
strength x emotion x how far the id stands from the middle of its kind (in standard deviations of the training sections). The
model still chooses; a tilt moves the mean of its choice by about `strength` standard deviations from calm to excited.

That fast tempo, loudness and major mode go with arousal and valence is the oldest result of the field: Hevner (1937), "The
affective value of pitch and tempo in music", American Journal of Psychology 49; Gabrielsson & Lindstrom (2010).
"""

from __future__ import annotations

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.notes import bars

MODE_STRENGTH = 1.6
TEMPO_STRENGTH = 1.2
VELOCITY_STRENGTH = 0.6
# middle and spread of 3,000 training sections. In those, from the lowest to the highest fifth of the labels, the share of major
# rises from .28 to .93 with valence, and with arousal the tempo from 88 to 138 bpm, the velocity from 75 to 94
_LOG_BPM_MEAN, _LOG_BPM_SD = 4.74, 0.31
_VELOCITY_BIN_MEAN, _VELOCITY_BIN_SD = 4.9, 1.1


def lean_towards(emotion: Emotion) -> np.ndarray:
    """Log-odds (size of `bars`,) to be added to the model's own for this asked emotion (music's plane)."""
    lean = np.zeros(bars.SIZE)
    major = np.arange(bars.BAR_0, bars.TEMPO_0, 2)
    lean[major] = MODE_STRENGTH * emotion.valence
    lean[major + 1] = -MODE_STRENGTH * emotion.valence
    # beyond two standard deviations (60 and 220 bpm) nothing more is gained: the rarest tempi need no help
    tempo = np.clip((np.log(bars.TEMPI_BPM) - _LOG_BPM_MEAN) / _LOG_BPM_SD, -2.0, 2.0)
    lean[bars.TEMPO_0 : bars.POSITION_0] = TEMPO_STRENGTH * emotion.arousal * tempo
    velocity = (np.arange(bars.N_VELOCITIES) - _VELOCITY_BIN_MEAN) / _VELOCITY_BIN_SD
    lean[bars.VELOCITY_0 :] = VELOCITY_STRENGTH * emotion.arousal * velocity
    return lean
