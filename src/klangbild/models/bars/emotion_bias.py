"""The pull of the emotion on the ids that decide most: mode, tempo, loudness, length, and how many notes there are.

A model of a few million parameters hears valence and arousal in what it plays from note to note, but one tempo and one mode
a section are too few to learn them well from, and what it is told of pace it follows loosely. So the asked emotion also tilts
those odds directly: an id's log-odds gain strength x emotion x how far the id stands from the middle of its kind (in standard
deviations of the training sections). The model still chooses. The tempo is drawn to that of the section of real music that the
one in hand is like (`section_plan.py`), since pace is tempo times density, and both should be of one piece.

That fast tempo, loudness and major mode go with arousal and valence is the oldest result of the field: Hevner (1937), "The
affective value of pitch and tempo in music", American Journal of Psychology 49; Gabrielsson & Lindstrom (2010).
"""

from __future__ import annotations

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.models.bars import language as bars
from klangbild.models.bars.tonality import tonality_bias
from klangbild.music.families import FAMILIES

MODE_STRENGTH = 1.6
TEMPO_STRENGTH = 1.4
VELOCITY_STRENGTH = 0.8
HARMONY_STRENGTH = 0.3
PACE_STRENGTH = 0.25
LENGTH_STRENGTH = 0.35
TEMPO_WIDTH = 0.08
"""How near (standard deviation of the natural logarithm) a section's tempo keeps to that of the section it is like."""
# middle and spread of 3,000 training sections. In those, from the lowest to the highest fifth of the labels, the share of major
# rises from .28 to .93 with valence, and with arousal the tempo from 88 to 138 bpm, the velocity from 75 to 94
_LOG_BPM_MEAN, _LOG_BPM_SD = 4.74, 0.31
_LOG_LENGTH_MEAN, _LOG_LENGTH_SD = -0.66, 0.8  # of a note in beats
_VELOCITY_BIN_MEAN, _VELOCITY_BIN_SD = 4.9, 1.1
# change of a pitch class's log-frequency per unit of valence in the training sections, C to B, standing in C major / A minor:
# happy major is pure and sad major chromatic; sad minor is pure and happy minor borrows from major
_HARMONY = {
    "major": (0.15, -0.94, 0.03, -0.96, 0.15, 0.05, -0.46, 0.11, -0.92, 0.18, -0.57, 0.06),
    "minor": (-0.33, 0.93, 0.02, 0.40, -0.13, 0.03, 0.75, -0.17, 0.37, -0.13, 0.38, -0.01),
}


def bias_towards(emotion: Emotion, mode: str | None) -> np.ndarray:
    """Log-odds (bars.SIZE,) to be added to the model's own for this asked emotion (music's plane).

    mode: of the section in hand, "major" or "minor"; None before it is known.
    """
    bias = np.zeros(bars.SIZE)
    if mode is not None:
        bias += pitch_class_bias(HARMONY_STRENGTH * emotion.valence * np.array(_HARMONY[mode]))
    major = np.arange(bars.BAR_0, bars.TEMPO_0, 2)
    bias[major] = MODE_STRENGTH * emotion.valence
    bias[major + 1] = -MODE_STRENGTH * emotion.valence
    # beyond two standard deviations (60 and 220 bpm) nothing more is gained: the rarest tempi need no help
    tempo = np.clip((np.log(bars.TEMPI_BPM) - _LOG_BPM_MEAN) / _LOG_BPM_SD, -2.0, 2.0)
    bias[bars.TEMPO_0 : bars.POSITION_0] = TEMPO_STRENGTH * emotion.arousal * tempo
    length = (np.log(np.array(bars.DURATIONS) / bars.GRID) - _LOG_LENGTH_MEAN) / _LOG_LENGTH_SD
    bias[bars.DURATION_0 : bars.VELOCITY_0] = -LENGTH_STRENGTH * emotion.arousal * length
    velocity = (np.arange(bars.N_VELOCITIES) - _VELOCITY_BIN_MEAN) / _VELOCITY_BIN_SD
    bias[bars.VELOCITY_0 :] = VELOCITY_STRENGTH * emotion.arousal * velocity
    return bias


def pace_bias(emotion: Emotion) -> np.ndarray:
    """Log-odds (bars.SIZE,) of every note against going on in time: excited music plays more of them."""
    bias = np.zeros(bars.SIZE)
    bias[bars.NOTE_0 : bars.DURATION_0] = PACE_STRENGTH * emotion.arousal
    return bias


def tempo_bias(bpm: float) -> np.ndarray:
    """Log-odds (bars.SIZE,) of the tempi, those near `bpm` the likeliest."""
    bias = np.zeros(bars.SIZE)
    bias[bars.TEMPO_0 : bars.POSITION_0] = -0.5 * (np.log(np.array(bars.TEMPI_BPM) / bpm) / TEMPO_WIDTH) ** 2
    return bias


def pitch_class_bias(by_class: np.ndarray) -> np.ndarray:
    """(12,) log-odds of C to B -> (size of `bars`,) of all pitched notes."""
    bias = np.zeros(bars.SIZE)
    pitches = np.arange(bars.MIN_PITCH, bars.MAX_PITCH + 1)
    bias[bars.note_id(1, bars.MIN_PITCH) : bars.DURATION_0] = np.tile(by_class[pitches % 12], len(FAMILIES) - 1)
    return bias


class BiasOfPiece:
    """What is added to the log-odds while a piece is written: at the start of a section the emotion's own pull and the tempo of the section
    it is like, after each bar what brings its tonality back to what was asked (`tonality.py`).

    within (size,): log-odds added among the ids of a kind. overall (size,): added to an id whatever its kind, so that whole
    kinds come more often. emotion: the one asked; None pulls at nothing but the tempo."""

    def __init__(self, size: int) -> None:
        self.within = self.overall = self._nothing = self._section = np.zeros(size)
        self._emotion: Emotion | None = None

    def open_section(self, emotion: Emotion | None, *, minor: bool | None, bpm: float | None) -> None:
        """A section of `bars` opens. minor: its mode, None before it is known. bpm: of the section it is like, if any."""
        self._emotion, self._section, self.overall = emotion, self._nothing, self._nothing
        if emotion is not None:
            self._section = bias_towards(emotion, None if minor is None else ("major", "minor")[minor])
            self.overall = pace_bias(emotion)
        if bpm is not None:
            self._section = self._section + tempo_bias(bpm)
        self.within = self._section

    def end_bar(self, section: list[int], home: np.ndarray, wished_mode: str | None = None) -> None:
        """A bar is complete. section: the ids of its section so far. home (12,): the pull of the piece's key (`home.py`)."""
        if self._emotion is not None:
            home = home + tonality_bias(np.array(section), self._emotion, wished_mode)
        self.within = self._section + pitch_class_bias(home)
