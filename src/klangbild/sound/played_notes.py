"""A track's notes as a SoundFont and the track's channel have them: where each sounds, by what layers, and what moves meanwhile."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from klangbild.music.midi_held import MAX_NOTE_S
from klangbild.music.performance import BEND, EXPRESSION, PAN, PRESSURE, VOLUME
from klangbild.music.piece import Piece, Track
from klangbild.sound.envelopes import BLOCK, release_slope
from klangbild.sound.modulators import AT_REST, CHANNEL_PRESSURE, Controllers
from klangbild.sound.soundfont import Layer, SoundFont, Zone
from klangbild.sound.voices import SILENT_DB, Motion

MAX_RELEASE_S = 8.0
_MIN_NOTE_S = 0.01
_MOST_CHANGES = 400
"""Of controllers within one note, so many are heard."""
_HEARD_PRESSURE = 128 + CHANNEL_PRESSURE


class PlayedNotes:
    """onset, held (n,): samples from the start of the piece, and until a key is let go. layers: what each note plays. motions: what
    moves each layer of those notes (by number) that are moved while they sound."""

    def __init__(self, track: Track, preset: tuple[int, int], piece: Piece, font: SoundFont, rate: int) -> None:
        notes, performance = track.notes, track.performance
        self._font, self._preset, self._rate, self._piece = font, preset, rate, piece
        self._pitch, self._velocity = notes["pitch"].tolist(), notes["velocity"].tolist()
        self._performance = performance
        self.onset = self._samples(notes["onset"])
        ends = notes["onset"] + notes["duration"]
        if performance is not None:
            # a pedal that never comes up holds until the last message
            ends = np.minimum(performance.sounding_ends(notes), max(piece.end_beats, performance.at.max(initial=0.0)))
        self.held = np.clip(self._samples(ends) - self.onset, round(_MIN_NOTE_S * rate), round(MAX_NOTE_S * rate))
        self.motions: dict[int, list[Motion]] = {}
        if performance is None:
            self.layers = [font.layers(preset, p, v) for p, v in zip(self._pitch, self._velocity, strict=True)]
            return
        self._heard = sorted(font.controllers_heard(preset) - {VOLUME, EXPRESSION, PAN})
        states = self._states(notes["onset"])
        bent = performance.values(BEND, notes["onset"])
        at, cents = performance.changes(BEND)
        self._bend_at, self._bend_cents = self._samples(at), np.concatenate([[0.0], cents])
        self.layers = [
            _bent(font.layers(preset, pitch, velocity, state), cents)
            for pitch, velocity, state, cents in zip(self._pitch, self._velocity, states, bent.tolist(), strict=True)
        ]
        moving = np.isin(performance.kind, [BEND, PRESSURE, *self._heard])
        beats = np.unique(performance.at[moving])
        changes = self._samples(beats)
        for index, layers in enumerate(self.layers):
            onset = int(self.onset[index])
            last = onset + int(self.held[index]) + max((tail_length(one.zone, rate) for one in layers), default=0)
            first_change, behind = np.searchsorted(changes, [onset + 1, last])
            if layers and first_change < behind:
                motions = self._motions(
                    index, beats[first_change:behind][:_MOST_CHANGES], float(bent[index]), last - onset
                )
                if motions:
                    self.motions[index] = motions

    def _samples(self, beats: np.ndarray) -> np.ndarray:
        return np.rint(self._piece.beats_to_seconds(beats) * self._rate).astype(int)

    def _states(self, beats: np.ndarray) -> list[Controllers]:
        """What the controllers that the preset hears stand at, at beats (n,)."""
        numbers = [number for number in self._heard if number < 128]
        columns = [self._performance.values(number, beats).astype(int).tolist() for number in numbers]
        pressure = self._performance.values(PRESSURE, beats) if _HEARD_PRESSURE in self._heard else np.zeros(len(beats))
        rows = zip(*columns, strict=True) if columns else [()] * len(beats)
        return [
            Controllers(
                tuple((number, value) for number, value in zip(numbers, row, strict=True) if value != AT_REST[number]),
                int(pressed),
            )
            for row, pressed in zip(rows, pressure.tolist(), strict=True)
        ]

    def _motions(self, index: int, beats: np.ndarray, bent_cents: float, n: int) -> list[Motion] | None:
        """What moves each layer of a note for n samples. beats: where something is changed. None: nothing that is heard."""
        layers, onset = self.layers[index], int(self.onset[index])
        places = np.searchsorted(self._bend_at, onset + np.arange(0, n + BLOCK, BLOCK), side="right")
        curve = self._bend_cents[places] - bent_cents
        curve[0] = 0.0
        zones: list[list[tuple[int, Zone]]] = [[] for _ in layers]
        for beat, state in zip(self._samples(beats).tolist(), self._states(beats), strict=True):
            then = _bent(self._font.layers(self._preset, self._pitch[index], self._velocity[index], state), bent_cents)
            if len(then) == len(layers):
                for moved, layer in zip(zones, then, strict=True):
                    moved.append(((beat - onset) // BLOCK, layer.zone))
        still = all(zone == one.zone for one, moved in zip(layers, zones, strict=True) for _, zone in moved)
        if still and not curve.any():
            return None
        return [Motion(curve, () if still else tuple(moved)) for moved in zones]

    # --- what moves the whole track -------------------------------------------------------------------------------------

    def level_curve(self) -> Curve | None:
        """What volume and expression do to the track: amplitude against that of a channel at rest. None: nothing."""
        if self._performance is None:
            return None
        curves = [
            (kind, rest)
            for kind, rest in ((VOLUME, 100), (EXPRESSION, 127))
            if (self._performance.changes(kind)[1] != rest).any()
        ]
        if not curves:
            return None
        beats = np.unique(np.concatenate([[0.0], *(self._performance.changes(kind)[0] for kind, _ in curves)]))
        level = np.ones(len(beats))
        for kind, rest in curves:
            level *= (self._performance.values(kind, beats) / rest) ** 2
        return Curve(self._samples(beats), level)

    def pan_curve(self) -> Curve | None:
        """What the channel's pan adds to that of a layer: -1 left .. 1 right. None: it stays in the middle."""
        if self._performance is None:
            return None
        beats, value = self._performance.changes(PAN)
        if not (value != 64).any():
            return None
        beats = np.unique(np.concatenate([[0.0], beats]))
        pan = np.maximum(self._performance.values(PAN, beats) - 1, 0) / 63 - 1
        return Curve(self._samples(beats), pan)


class Curve:
    """Values (k,) from samples (k,) on, each reached within `BLOCK` samples."""

    def __init__(self, at: np.ndarray, values: np.ndarray) -> None:
        after = np.append(at[1:], at[-1] + BLOCK)
        # while a value is being reached the next may begin; what begins before the first note begins there
        there = np.minimum(at + BLOCK, after)
        before = np.concatenate([values[:1], values[:-1]])
        self._at = np.stack([at, there], axis=1).reshape(-1)
        self._values = np.stack([before, values], axis=1).reshape(-1)

    def read(self, first: int, last: int) -> np.ndarray:
        """float32 (last - first,)."""
        return np.interp(np.arange(first, last), self._at, self._values).astype(np.float32)

    @property
    def constant(self) -> float | None:
        """The one value; None where there are several."""
        return float(self._values[0]) if (self._values == self._values[0]).all() else None


def tail_length(zone: Zone, rate: int) -> int:
    """Samples in which a key that is let go at full level becomes silent."""
    return min(math.ceil(SILENT_DB / release_slope(zone.level.release_s, rate)), round(MAX_RELEASE_S * rate))


def _bent(layers: list[Layer], cents: float) -> list[Layer]:
    if not cents:
        return layers
    factor = 2 ** (cents / 1200)
    return [replace(one, zone=replace(one.zone, ratio=one.zone.ratio * factor)) for one in layers]
