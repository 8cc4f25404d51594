"""The piano-roll latent of our sound model: a beat of music as 92 numbers, and back to notes. numpy only.

    0 .. 79    what a beat's roll is (`grid.py`), by the autoencoder's code: spread 1, and made to bear disturbance
    80         tempo: log2(bpm / 112) / 0.42
    81 .. 91   for each of the eleven families whether it plays in the clip, +1 or -1

The decoder is a small net: code -> hidden -> 32 features for each group and step -> onset and sounding of each lane, and how loud
each group is. What a beat's probabilities of onsets add up to is how many notes of a group are kept, the likeliest first: with a
fixed threshold a doubtful beat would fall silent.

The encoder is needed for training only (`latent_torch.py`). The file is plain arrays, matrices int8 with a scale a column.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.models.roll.grid import (
    FIRST_LANE,
    GROUP_OF_FAMILY,
    GROUP_OF_LANE,
    GROUPS,
    N_LANES,
    STEPS,
    RollNotes,
    group_families,
    piece_of,
)
from klangbild.models.roll.projection import unpacked
from klangbild.music.families import FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.piece import Piece

CODE = 80
TEMPO = CODE
FAMILIES_FROM = CODE + 1
CHANNELS = FAMILIES_FROM + len(FAMILY_NAMES)
RANK = 32
FILE = "roll-latent.npz"
MIN_ONSET = 0.2
"""Probability that an onset must have to be played at all."""
GOES_ON = 0.4
"""Probability of sounding on above which a note lasts another step."""
SOFT = 0.45
"""How loud (0..1) a group at least is that would else be silent."""
BAR = 4
"""Beats between two notes of such a group."""
MIN_BPM, MAX_BPM = 40.0, 240.0
INT8_STEP = 1 / 32
"""Clips of latents are int8 in steps of this when they are trained from: +-3.97 spreads."""
_TEMPO_MIDDLE, _TEMPO_SPREAD = np.log2(112.0), 0.42


@dataclass(frozen=True)
class Decoded:
    """n beats: onset and sounding, probabilities (n, 4, N_LANES); loud (n, 6), 0..1."""

    onset: np.ndarray
    sounding: np.ndarray
    loud: np.ndarray


@dataclass(frozen=True)
class RollLatent:
    """Arrays of a file: enter (80, h), enter_bias; middle (h, h), middle_bias; places (h, 6 * 4 * 32), places_bias; for each
    group lanes_g (32, 2 n), lanes_g_bias; loud (h, 6), loud_bias."""

    arrays: dict[str, np.ndarray]

    def decode(self, latents: np.ndarray) -> Decoded:
        """Latents (n, 92) -> probabilities. Raises ValueError: another width."""
        if latents.ndim != 2 or latents.shape[1] != CHANNELS:
            raise ValueError(f"roll latents are (n, {CHANNELS}), not {latents.shape}")
        a = self.arrays
        h = _silu(latents[:, :CODE] @ a["enter"] + a["enter_bias"])
        h = h + _silu(h @ a["middle"] + a["middle_bias"])
        places = _silu(h @ a["places"] + a["places_bias"]).reshape(len(h), len(GROUPS), STEPS, RANK)
        onset = np.zeros((len(h), STEPS, N_LANES), np.float32)
        sounding = np.zeros_like(onset)
        for group in range(len(GROUPS)):
            mine = slice(FIRST_LANE[group], FIRST_LANE[group + 1])
            both = _sigmoid(places[:, group] @ a[f"lanes_{group}"] + a[f"lanes_{group}_bias"])
            onset[..., mine], sounding[..., mine] = np.split(both, 2, axis=-1)
        return Decoded(onset, sounding, np.clip(h @ a["loud"] + a["loud_bias"], 0, 1).astype(np.float32))

    def notes(self, latents: np.ndarray, *, heard: frozenset[int] = frozenset()) -> RollNotes:
        """Latents (n, 92) -> the notes of n beats. heard: groups that are not left silent."""
        return notes_of(self.decode(latents), heard=heard)

    def piece(
        self, latents: np.ndarray, *, bpm: float | None = None, n_beats: float | None = None,
        allowed: tuple[str, ...] = FAMILY_NAMES, required: tuple[str, ...] = (),
    ) -> Piece:  # fmt: skip
        """Latents (n, 92) -> a piece of n beats in C major or A minor, at its own tempo or the one given.

        n_beats: an end before the last row's. allowed: families that may play; required: those that must, one of a group at most.
        """
        heard = frozenset(int(GROUP_OF_FAMILY[FAMILY_INDEX[name]]) for name in required)
        families = group_families(latents[:, FAMILIES_FROM:].mean(axis=0), allowed)
        return piece_of(self.notes(latents, heard=heard), families, bpm or tempo_of(latents), n_beats or len(latents))

    @staticmethod
    def load(path: Path) -> RollLatent:
        """Raises NotAvailableError: there is no such file. InputError: it is no roll latent of ours."""
        if not path.is_file():
            raise NotAvailableError(f"{path}: there is no roll latent; make it with 'klangbild train roll-latent'")
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = unpacked({name: archive[name] for name in archive.files})
            if arrays["enter"].shape[0] != CODE or arrays[f"lanes_{len(GROUPS) - 1}"].shape != (RANK, 2 * GROUPS[-1].n):
                raise ValueError("arrays of another shape")
            return RollLatent(arrays)
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: is not a roll latent ({error}); install it again, or train it anew") from None


@lru_cache(maxsize=2)
def open_roll_latent(path: Path) -> RollLatent:
    """A file, opened once."""
    return RollLatent.load(path)


def notes_of(decoded: Decoded, *, heard: frozenset[int] = frozenset()) -> RollNotes:
    """Probabilities -> notes: in each beat and group as many onsets as their probabilities add up to.

    heard: groups that are not left silent: where not one onset is likely, the likeliest of the first beat of each bar is struck.
    """
    n = len(decoded.onset)
    chosen = np.zeros(decoded.onset.shape, bool)
    loudness = decoded.loud.copy()
    for group in range(len(GROUPS)):
        odds = decoded.onset[..., FIRST_LANE[group] : FIRST_LANE[group + 1]].reshape(n, -1)
        wanted = np.rint(odds.sum(axis=1)).astype(int)
        rank = np.argsort(np.argsort(-odds, axis=1, kind="stable"), axis=1)
        kept = (rank < wanted[:, None]) & (odds >= MIN_ONSET)
        if group in heard and not kept[: max(n - BAR, 1)].any():  # the last bar may be cut
            kept[::BAR] = rank[::BAR] == 0
            loudness[:, group] = np.maximum(loudness[:, group], SOFT)
        chosen[..., FIRST_LANE[group] : FIRST_LANE[group + 1]] = kept.reshape(n, STEPS, -1)
    struck = chosen.reshape(n * STEPS, N_LANES)
    goes_on = (decoded.sounding.reshape(n * STEPS, N_LANES) >= GOES_ON) & ~struck & (GROUP_OF_LANE > 0)
    # how many steps each lane sounds on from here without being struck, counted from the end
    on = np.zeros((n * STEPS + 1, N_LANES), np.int32)
    for step in range(n * STEPS - 1, -1, -1):
        on[step] = np.where(goes_on[step], on[step + 1] + 1, 0)
    step, lane = np.nonzero(struck)
    loud = loudness[step // STEPS, GROUP_OF_LANE[lane]]
    return RollNotes(step.astype(np.int32), lane.astype(np.int32), 1 + on[step + 1, lane], loud)


def fact_channels(tempo: np.ndarray, families: np.ndarray) -> np.ndarray:
    """Tempo in bpm (n,) and bits of the families that play (n,) -> the last twelve channels (n, 12), float32."""
    bits = families[:, None] >> np.arange(len(FAMILY_NAMES)) & 1
    return np.column_stack([tempo_number(tempo), 2.0 * bits - 1]).astype(np.float32)


def tempo_number(bpm: np.ndarray | float) -> np.ndarray:
    """A tempo in beats per minute, a scalar or (n,), as channel `TEMPO` holds it."""
    return (np.log2(np.asarray(bpm, np.float64)) - _TEMPO_MIDDLE) / _TEMPO_SPREAD


def tempo_of(latents: np.ndarray) -> float:
    """The tempo that latents (n, 92) say, bpm: the mean over beats."""
    found = 2 ** (float(latents[:, TEMPO].mean()) * _TEMPO_SPREAD + _TEMPO_MIDDLE)
    return float(np.clip(found, MIN_BPM, MAX_BPM))


def to_int8(latents: np.ndarray) -> np.ndarray:
    """Latents of spread 1 (..., channels) -> int8 (..., channels), as clips of them are kept."""
    return np.clip(np.rint(latents / INT8_STEP), -127, 127).astype(np.int8)


def from_int8(latents: np.ndarray) -> np.ndarray:
    """The inverse, (..., channels) -> float32 (..., channels)."""
    return latents.astype(np.float32) * np.float32(INT8_STEP)


def _silu(x: np.ndarray) -> np.ndarray:
    return x * _sigmoid(x)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))
