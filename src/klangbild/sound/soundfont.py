"""SoundFonts: which samples a key of an instrument plays at a velocity, and how.

Generators of preset and instrument zones are summed and modulators applied as the specification says; where it leaves a choice, or
players agree on another, FluidSynth's reading is taken, which is what fonts are balanced against by ear.

Units here: seconds, dB, Hz, cents; sample positions count from a sample's own first frame.

Reference: SoundFont Technical Specification 2.04 (Creative/E-mu, 2006), chapters 7 (file), 8 (generators), 9 (synthesis).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.sound.font_file import FontFile
from klangbild.sound.modulators import (
    AT_REST,
    ATTENUATION,
    PAN,
    VOLUME_AT_REST_CB,
    Controllers,
    Identity,
    controllers_heard,
    joined,
    moved_by,
    read_modulators,
)

DRUM_BANK = 128
# E-mu's own synthesisers applied 0.4 of the attenuation a file asks for, and fonts are balanced by ear against that
_ATTENUATION_SCALE = 0.4
_MOST_ATTENUATION_CB = 1440.0
_MAX_READS, _MAX_RATE = 2_000_000, 384_000
_MAX_KEPT = 20_000
_KEY_RANGE, _VELOCITY_RANGE, _INSTRUMENT, _SAMPLE = 43, 44, 41, 53
# generators that a preset zone may not change (8.5): they only stand in instrument zones
_INSTRUMENT_ONLY = {0, 1, 2, 3, 4, 12, 45, 46, 47, 50, 54, 57, 58}
_DEFAULTS = {
    8: 13500, 21: -12000, 22: 0, 23: -12000, 24: 0, 25: -12000, 26: -12000, 27: -12000, 28: -12000, 30: -12000,
    33: -12000, 34: -12000, 35: -12000, 36: -12000, 38: -12000, 46: -1, 47: -1, 56: 100, 58: -1,
}  # fmt: skip
# what the specification allows (8.1.3) of generators whose excess would never end or be no number
_RANGES = {
    5: (-12000, 12000), 6: (-12000, 12000), 7: (-12000, 12000), 8: (1500, 13500), 9: (0, 960), 10: (-12000, 12000),
    11: (-12000, 12000), 13: (-960, 960), 17: (-500, 500), 21: (-12000, 5000), 22: (-16000, 4500), 23: (-12000, 5000),
    24: (-16000, 4500), 25: (-12000, 5000), 26: (-12000, 8000), 27: (-12000, 5000), 28: (-12000, 8000), 29: (0, 1000),
    30: (-12000, 8000), 31: (-1200, 1200), 32: (-1200, 1200), 33: (-12000, 5000), 34: (-12000, 8000), 35: (-12000, 5000),
    36: (-12000, 8000), 37: (0, 1000), 38: (-7200, 8000), 39: (-1200, 1200), 40: (-1200, 1200), 51: (-120, 120),
    52: (-12000, 12000), 56: (-1200, 1200),
}  # fmt: skip


@dataclass(frozen=True)
class Envelope:
    """Delay, attack, hold, decay to `sustain`, and release; seconds. sustain: how far it falls, in shares of its whole height."""

    delay_s: float = 0.0
    attack_s: float = 0.0
    hold_s: float = 0.0
    decay_s: float = 0.0
    fall: float = 0.0
    release_s: float = 0.0


@dataclass(frozen=True)
class Swing:
    """A low-frequency oscillator: a triangle from 0 up, once its delay is over, and how far it moves what it moves."""

    delay_s: float = 0.0
    hz: float = 8.176
    pitch_cents: float = 0.0
    cutoff_cents: float = 0.0
    level_db: float = 0.0


@dataclass(frozen=True)
class Zone:
    """How one layer of one key sounds, but for how loud and where: a sample, its pitch, and what moves it."""

    sample: int
    ratio: float
    """Source frames per output second: the sample's rate times the pitch shift."""
    start: int
    end: int
    loop: tuple[int, int] | None
    plays_on: bool
    """Once the key is let go, the sample goes on behind its loop."""
    level: Envelope
    sweep: Envelope
    """The modulation envelope."""
    sweep_pitch_cents: float
    sweep_cutoff_cents: float
    cutoff_cents: float
    """Of the low-pass, above 8.176 Hz; 13500 is open."""
    resonance_db: float
    modulation: Swing
    vibrato: Swing
    exclusive_class: int


@dataclass(frozen=True)
class Layer:
    """One zone that a note plays: how far below full it is, and where it lies (-1 left .. 1 right, and beyond where a channel's pan
    could bring it back)."""

    zone: Zone
    attenuation_db: float
    pan: float


class SoundFont:
    """An opened font. `layers` says what a key plays; `frames` gives sample data as float32 -1..1."""

    def __init__(self, file: FontFile) -> None:
        self.path, self._file = file.path, file
        tables = file.tables
        self._presets, self._instruments = tables["phdr"], tables["inst"]
        self._bags = {"p": tables["pbag"], "i": tables["ibag"]}
        self._generators = {"p": tables["pgen"], "i": tables["igen"]}
        self._modulators = {"p": tables["pmod"], "i": tables["imod"]}
        self._zones: dict[tuple[int, int], list[tuple[dict, tuple[tuple[Identity, int], ...]]]] = {}
        self._made: dict[tuple, list[Layer]] = {}
        self._reads = 0
        self._preset_index = {
            (int(p["bank"]), int(p["preset"])): index for index, p in reversed(list(enumerate(self._presets[:-1])))
        }

    @classmethod
    def open(cls, path: str | Path) -> SoundFont:
        """Read a font's index; an opened one is kept, with the samples it has decoded, until its file changes.

        Raises:
            InputError: the file cannot be read, is not SF2/SF3, or is damaged.
        """
        path = Path(path)
        try:
            status = path.stat()
            return _opened(path.absolute(), path, status.st_mtime_ns, status.st_size)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror or error}); check the path of the SoundFont"
            ) from None
        except (KeyError, ValueError, IndexError):
            raise InputError(f"{path}: is not a whole SoundFont (SF2 or SF3); download or export it again") from None

    @property
    def presets(self) -> list[tuple[int, int]]:
        """(bank, program) of each, in order; bank 128 holds drum kits."""
        return sorted(self._preset_index)

    def texts(self) -> dict[str, str]:
        """What the font says of itself (`FontFile.texts`)."""
        return self._file.texts()

    def find_preset(self, program: int, *, is_drum: bool, bank: int = 0) -> tuple[int, int] | None:
        """The (bank, program) to play: the one asked for, else that program of the first bank, else the nearest of its kind.
        None: the font has nothing of its kind, and drums are never played by an instrument, nor an instrument by drums."""
        if is_drum:
            kits = [p for b, p in self.presets if b == DRUM_BANK]
            if not kits:
                return None
            return DRUM_BANK, program if program in kits else 0 if 0 in kits else kits[0]
        for wanted in ((bank, program), (0, program)):
            if wanted in self._preset_index and wanted[0] != DRUM_BANK:
                return wanted
        melodic = [preset for preset in self.presets if preset[0] != DRUM_BANK]
        return min(
            melodic, key=lambda p: (p[1] // 8 != program // 8, abs(p[1] - program), p[0] != bank, p), default=None
        )

    def layers(
        self, preset: tuple[int, int], key: int, velocity: int, controllers: Controllers = AT_REST
    ) -> list[Layer]:
        """What `key` at `velocity` plays, in file order; empty when the preset leaves this key silent.

        Raises InputError: the font is damaged."""
        known = (preset, key, velocity, controllers)
        try:
            if known not in self._made:
                if len(self._made) > _MAX_KEPT:
                    self._made.clear()
                self._made[known] = self._layers(*known)
        except (IndexError, ValueError, OverflowError):
            raise self._file.damaged() from None
        return self._made[known]

    def controllers_heard(self, preset: tuple[int, int]) -> set[int]:
        """Numbers of the controllers that change how a preset sounds (`modulators.controllers_heard`)."""
        try:
            return set().union(*(controllers_heard(modulators) for _, modulators in self._zones_of(preset)))
        except (IndexError, ValueError):
            raise self._file.damaged() from None

    def frames(self, sample: int) -> np.ndarray:
        """Sample data: float32 (n,)."""
        return self._file.frames(sample)

    def _layers(self, preset: tuple[int, int], key: int, velocity: int, controllers: Controllers) -> list[Layer]:
        found = []
        for generators, modulators in self._zones_of(preset):
            (key_low, key_high), (low, high) = generators[_KEY_RANGE], generators[_VELOCITY_RANGE]
            if key_low <= key <= key_high and low <= velocity <= high:
                layer = self._layer(generators, modulators, key, velocity, controllers)
                if layer is not None:
                    found.append(layer)
        return found

    def _zones_of(self, preset: tuple[int, int]) -> list[tuple[dict, tuple[tuple[Identity, int], ...]]]:
        if preset not in self._zones:
            self._zones[preset] = self._read_preset(self._preset_index[preset])
        return self._zones[preset]

    def _read_preset(self, index: int) -> list[tuple[dict, tuple[tuple[Identity, int], ...]]]:
        """Preset and instrument zones of one preset, multiplied out: generator -> amount, ranges as pairs; and modulators."""
        zones = []
        bags = range(int(self._presets[index]["bag"]), int(self._presets[index + 1]["bag"]))
        shared_p: tuple[dict, dict] = {}, {}
        for bag in bags:
            p, p_moved = self._read_bag("p", bag)
            if _INSTRUMENT not in p:
                if bag == bags.start:
                    shared_p = p, p_moved
                continue
            p, p_moved = {**shared_p[0], **p}, {**shared_p[1], **p_moved}
            instrument = p[_INSTRUMENT] & 0xFFFF
            first, last = (int(self._instruments[instrument + k]["bag"]) for k in (0, 1))
            shared_i: tuple[dict, dict] = {}, {}
            for ibag in range(first, last):
                i, i_moved = self._read_bag("i", ibag)
                if _SAMPLE not in i:
                    if ibag == first:
                        shared_i = i, i_moved
                    continue
                combined = _combine({**shared_i[0], **i}, p)
                if combined is not None:
                    zones.append((combined, joined({**shared_i[1], **i_moved}, p_moved)))
        return zones

    def _read_bag(self, level: str, bag: int) -> tuple[dict, dict[Identity, int]]:
        here, after = (self._bags[level][bag + k] for k in (0, 1))
        first, last = int(here["gen"]), int(after["gen"])
        first_moved, last_moved = int(here["mod"]), int(after["mod"])
        self._reads += 1 + max(last - first, 0) + max(last_moved - first_moved, 0)
        if self._reads > _MAX_READS:
            raise ValueError("the font names its generators again and again")
        read: dict = {}
        for op, amount in self._generators[level][first:last].tolist():
            read[op] = (amount & 0xFF, amount >> 8 & 0xFF) if op in (_KEY_RANGE, _VELOCITY_RANGE) else amount
        return read, read_modulators(self._modulators[level][first_moved:last_moved])

    def _layer(self, g: dict, modulators: tuple, key: int, velocity: int, controllers: Controllers) -> Layer | None:
        sample = g[_SAMPLE] & 0xFFFF
        if not self._file.is_playable(sample):
            return None
        key = g[46] if 0 <= g[46] <= 127 else key
        velocity = g[47] if 1 <= g[47] <= 127 else velocity
        moved = moved_by(modulators, key=key, velocity=velocity, controllers=controllers)
        attenuation_cb = g.get(ATTENUATION, 0) * _ATTENUATION_SCALE + moved.pop(ATTENUATION, 0.0)
        pan = (g.get(PAN, 0) + moved.pop(PAN, 0.0)) / 500
        g = {**g, **{op: g.get(op, 0) + amount for op, amount in moved.items()}}
        zone = self._zone({op: _within(op, amount) for op, amount in g.items()}, sample, key)
        if zone is None:
            return None
        attenuation_cb = float(np.clip(attenuation_cb, 0, _MOST_ATTENUATION_CB)) - VOLUME_AT_REST_CB
        return Layer(zone, attenuation_cb / 10, pan)

    def _zone(self, g: dict, sample: int, key: int) -> Zone | None:
        header, length = self._file.tables["shdr"][sample], self._file.n_frames(sample)
        start = int(max(g.get(0, 0) + 32768 * g.get(4, 0), 0))
        end = int(min(length + g.get(1, 0) + 32768 * g.get(12, 0), length))
        if end - start < 2:
            return None
        root = g[58] if 0 <= g[58] <= 127 else (int(header["root"]) if header["root"] <= 127 else 60)
        cents = (key - root) * g[56] + int(header["correction"]) + 100 * g.get(51, 0) + g.get(52, 0)
        mode = int(g.get(54, 0)) & 3
        return Zone(
            sample=sample,
            ratio=float(min(header["rate"], _MAX_RATE)) * 2 ** (float(np.clip(cents, -15600, 15600)) / 1200),
            start=start,
            end=end,
            loop=self._loop(g, sample, start, end) if mode in (1, 3) else None,
            plays_on=mode == 3,
            level=_envelope(g, 33, (39, 40), 60 - key),
            sweep=_envelope(g, 25, (31, 32), 60 - key),
            sweep_pitch_cents=float(g.get(7, 0)),
            sweep_cutoff_cents=float(g.get(11, 0)),
            cutoff_cents=float(g[8]),
            resonance_db=g.get(9, 0) / 10,
            modulation=Swing(_seconds(g[21]), _hz(g[22]), float(g.get(5, 0)), float(g.get(10, 0)), g.get(13, 0) / 10),
            vibrato=Swing(_seconds(g[23]), _hz(g[24]), float(g.get(6, 0))),
            exclusive_class=g.get(57, 0),
        )

    def _loop(self, g: dict, sample: int, start: int, end: int) -> tuple[int, int] | None:
        """Where the sample loops, held within it: some fonts name an end that lies a frame or more behind the last."""
        header, origin = self._file.tables["shdr"][sample], self._file.origin(sample)
        first = int(header["loop_start"]) - origin + g.get(2, 0) + 32768 * g.get(45, 0)
        last = int(header["loop_end"]) - origin + g.get(3, 0) + 32768 * g.get(50, 0)
        first, last = (int(min(max(edge, start), end)) for edge in (first, last))
        return (first, last) if last - first >= 2 else None


@lru_cache(maxsize=2)
def _opened(_absolute: Path, path: Path, _changed_ns: int, _size: int) -> SoundFont:
    font = SoundFont(FontFile(path))
    if not font._preset_index:
        raise InputError(f"{path}: is a SoundFont without instruments; give another with --soundfont")
    return font


def _within(op: int, amount: float | tuple[int, int]) -> float | tuple[int, int]:
    limits = _RANGES.get(op)
    return amount if limits is None or isinstance(amount, tuple) else min(max(amount, limits[0]), limits[1])


def _envelope(g: dict, first: int, by_key: tuple[int, int], below_middle: int) -> Envelope:
    """From the six generators that begin with its delay. by_key: those that say how hold and decay follow the key."""
    delay, attack, hold, decay, fall, release = (g.get(first + k, 0) for k in range(6))
    return Envelope(
        _seconds(delay), _seconds(attack), _seconds(min(hold + g.get(by_key[0], 0) * below_middle, 5000)),
        _seconds(decay + g.get(by_key[1], 0) * below_middle), min(max(fall, 0), 1000) / 1000, _seconds(release),
    )  # fmt: skip


def _seconds(timecents: float) -> float:
    """Timecents -> seconds; the specification's -12000 (1 ms) and below count as none."""
    return float(2 ** (min(timecents, 8000) / 1200)) if timecents > -12000 else 0.0


def _hz(cents: float) -> float:
    return float(8.176 * 2 ** (cents / 1200))


def _combine(instrument: dict, preset: dict) -> dict | None:
    """Instrument generators (absolute, over the defaults) plus preset generators (relative); ranges intersect."""
    g = {**_DEFAULTS, **instrument}
    for op in (_KEY_RANGE, _VELOCITY_RANGE):
        low_i, high_i = instrument.get(op, (0, 127))
        low_p, high_p = preset.get(op, (0, 127))
        low, high = max(low_i, low_p), min(high_i, high_p)
        if low > high:
            return None
        g[op] = (low, high)
    for op, amount in preset.items():
        if op not in (_KEY_RANGE, _VELOCITY_RANGE, _INSTRUMENT) and op not in _INSTRUMENT_ONLY:
            g[op] = g.get(op, 0) + amount
    return g
