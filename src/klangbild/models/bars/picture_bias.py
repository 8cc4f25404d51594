"""A picture's own voice in the notes: what its traits (`picture/traits.py`) change where its feeling is the same.

| of the picture | of the music | by |
|---|---|---|
| height | register | sections of such a register; odds of high notes |
| fineness | notes a beat, short notes | sections so dense; odds of lengths |
| smoothness | long notes, few rests | the same |
| things | how many play | sections of so many players |
| symmetry | how much bars are alike | sections whose bars are so alike |
| warmth | who plays: guitar, strings, brass and organ, or mallets, winds, pads and leads | sections with such players |
| skyline | the outline of the opening, which returns | odds of the tune's pitches in the first two bars |

Nothing is trained for it: the notes model already hears what each section is like (`section_attributes.py`). The traits weigh
the draw of those sections, move what is told of the one drawn, and tilt the odds of ids directly, as `emotion_bias.py` does for the
emotion. Register from height: Spence 2011, "Crossmodal correspondences", Attention, Perception & Psychophysics 73; rate and
articulation from texture: Peterson, Langlois and Palmer 2014, Adeli, Rouat and Molotchnikoff 2014. The others are a
composer's ideas without a study behind them.
"""

from __future__ import annotations

import numpy as np

from klangbild.models.bars import language as bars
from klangbild.models.bars.section_attributes import NAMES
from klangbild.music.families import FAMILY_NAMES
from klangbild.picture.voice import SKYLINE_POINTS, TRAITS, Traits

# by how much a trait at its end weighs for or against sections at the end of an attribute, in nats
TILT: dict[str, dict[str, float]] = {
    "height": {"pitch": 1.2, "top_pitch": 1.2},
    "fineness": {"notes_per_beat": 0.8, "onsets_per_beat": 0.8, "duration": -0.5},
    "smoothness": {"duration": 1.2, "silence": -0.5},
    "things": {"families": 1.5},
    "symmetry": {"alike_1": 1.0, "alike_2": 1.0, "alike_4": 1.0},
    "warmth": {},
}
# by how much it moves what is told of the section that was drawn, in places of [-1, 1]
SHIFT: dict[str, dict[str, float]] = {
    "height": {"pitch": 0.4, "top_pitch": 0.4},
    "fineness": {"notes_per_beat": 0.3, "onsets_per_beat": 0.3, "on_sixteenth": 0.2, "duration": -0.2},
    "smoothness": {"duration": 0.4, "silence": -0.3},
    "things": {"families": 0.3},
    "symmetry": {"alike_1": 0.5, "alike_2": 0.5, "alike_4": 0.5, "families_sd": -0.2, "density_sd": -0.2},
    "warmth": {},
}
PLAYERS = {
    "guitar": 1.0, "strings": 1.0, "brass": 1.0, "organ": 1.0, "mallet": -1.0, "winds": -1.0, "pad": -1.0, "lead": -1.0,
}  # fmt: skip
"""Nats by which the warmest picture weighs for a section with this player."""
EACH_PLAYER = 0.5
"""Nats by which the picture of the most things weighs for each player of a section, and against each that rests."""
ECHO = 1.5
"""Log-odds of what the bar before had at the same place, for the most symmetrical picture; the least goes as far away from it."""
REGISTER = 0.5
"""Log-odds an octave of pitched notes, the bass apart, for the highest picture."""
LENGTH = 0.3
"""Log-odds for each standard deviation of a note's length, for the smoothest picture; fine ones shorten as much."""
MOTIF_BARS = 2
MOTIF_SPAN = 9.0
"""Semitones from the middle of the tune to the top of a full skyline."""
MOTIF_WIDTH = 4.0
"""Semitones from the skyline at which a note is less likely by a factor of exp(-1/2)."""
MOTIF_MIDDLE = {"lead": 72, "winds": 72, "strings": 69, "brass": 65, "mallet": 72}
"""The pitch about which a player's line goes up and down; of the others 66."""
_MIDDLE, _SOUNDING = 60, slice(bars.DURATION_0, bars.VELOCITY_0)
_LOG_LENGTH_MEAN, _LOG_LENGTH_SD = -0.66, 0.8
_LINES = [i for i, name in enumerate(FAMILY_NAMES) if name not in ("drums", "bass")]


class PictureBias:
    """What one picture changes. weight: 0 .. 1, how much of it."""

    def __init__(self, traits: Traits, weight: float = 1.0) -> None:
        self.places = weight * np.array(traits.places)
        self.skyline = weight * np.array(traits.skyline)
        by_name = dict(zip(TRAITS, self.places, strict=True))
        self._tilt, self._shift = (
            np.array([sum(by_name[t] * table[t].get(name, 0.0) for t in TRAITS) for name in NAMES])
            for table in (TILT, SHIFT)
        )
        self._tilt[: len(FAMILY_NAMES)] += [
            by_name["warmth"] * PLAYERS.get(name, 0.0) + by_name["things"] * EACH_PLAYER for name in FAMILY_NAMES
        ]
        self.echo = ECHO * by_name["symmetry"]
        self.within = np.zeros(bars.SIZE)
        octaves = (np.arange(bars.MIN_PITCH, bars.MAX_PITCH + 1) - _MIDDLE) / 12.0
        for family in _LINES:
            first = bars.note_id(family, bars.MIN_PITCH)
            self.within[first : first + bars.N_PITCHES] = REGISTER * by_name["height"] * octaves
        length = (np.log(np.array(bars.DURATIONS) / bars.GRID) - _LOG_LENGTH_MEAN) / _LOG_LENGTH_SD
        self.within[_SOUNDING] = LENGTH * (by_name["smoothness"] - by_name["fineness"]) * length

    def of_sections(self, values: np.ndarray) -> np.ndarray:
        """Attributes of sections (N, `N_VALUES`) -> (N,) nats that this picture weighs for each."""
        return values @ self._tilt

    def told(self, values: np.ndarray) -> np.ndarray:
        """What a section (`N_VALUES`,) is told to be like, moved by the picture; who plays stays."""
        moved = np.clip(values + self._shift, -1.0, 1.0).astype(np.float32)
        moved[: len(FAMILY_NAMES)] = values[: len(FAMILY_NAMES)]
        return moved

    def motif(self, bar: int, share: float) -> np.ndarray | None:
        """(bars.SIZE,) log-odds of pitches in bar `bar`, `share` (0 .. 1) of the way through it; None: they are free."""
        if bar >= MOTIF_BARS or not self.skyline.any():
            return None
        at = (bar + share) / MOTIF_BARS * SKYLINE_POINTS - 0.5
        height = np.interp(at, np.arange(SKYLINE_POINTS), self.skyline)
        pitches = np.arange(bars.MIN_PITCH, bars.MAX_PITCH + 1)
        lift = 5.0 * self.places[TRAITS.index("height")] + MOTIF_SPAN * height
        bias = np.zeros(bars.SIZE)
        for family in _LINES:
            off = (pitches - MOTIF_MIDDLE.get(FAMILY_NAMES[family], 66) - lift) / MOTIF_WIDTH
            first = bars.note_id(family, bars.MIN_PITCH)
            bias[first : first + bars.N_PITCHES] = np.maximum(-0.5 * off**2, -6.0) * np.abs(self.skyline).max()
        return bias


class LastBar:
    """What the bar before had at each place: follows a piece id by id."""

    def __init__(self) -> None:
        self._before: dict[int, list[int]] = {}
        self._now: dict[int, list[int]] = {}
        self._position = 0

    def read(self, token: int) -> None:
        """The next id of the piece."""
        if bars.BAR_0 <= token < bars.TEMPO_0:
            self._before, self._now, self._position = self._now, {}, 0
        elif bars.POSITION_0 <= token < bars.NOTE_0:
            self._position = token - bars.POSITION_0
            self._now.setdefault(self._position, [])
        elif bars.NOTE_0 <= token < bars.DURATION_0:
            self._now.setdefault(self._position, []).append(token)

    def again(self) -> tuple[list[int], list[int]]:
        """The ids of notes that the bar before had at the place in hand, and of the places that it had after it."""
        places = [bars.POSITION_0 + place for place in self._before if place > self._position]
        return self._before.get(self._position, []), places
