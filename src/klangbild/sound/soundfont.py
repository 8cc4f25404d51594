"""Reading SoundFont 2 files: which samples a key of an instrument plays, and how.

`SoundFont.open(path)` reads the index only; sample data is mapped from the file and touched when a zone is played, so
that a 200 MB font costs no more than the notes it plays. SF3 (the same, samples as Ogg Vorbis) is decoded sample by
sample. Generators of preset and instrument zones are summed as the specification says; modulators in the file are not
used (velocity sets the level, its default modulator).

Units here: seconds, dB, Hz, cents; sample positions count from a sample's own first frame.

Reference: SoundFont Technical Specification 2.04 (Creative/E-mu, 2006), chapters 7 (file), 8 (generators), 9 (synthesis).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.errors import InputError

DRUM_BANK = 128
# E-mu's own synthesisers applied 0.4 of the attenuation a file asks for, and fonts are balanced by ear against that
_ATTENUATION_SCALE = 0.4
_MAX_FRAMES, _MAX_READS, _MAX_RATE = 30_000_000, 2_000_000, 384_000
# what the specification allows (8.1.3) of generators whose excess would never end or be no number
_RANGES = {5: 12000, 6: 12000, 7: 12000, 10: 12000, 11: 12000, 22: 16000, 24: 16000, 31: 1200, 32: 1200, 39: 1200, 40: 1200,
           51: 120, 52: 12000, 56: 1200}  # fmt: skip
_COMPRESSED = 0x10  # sample type bit of SF3: the sample is an Ogg Vorbis stream

_PHDR = np.dtype([("name", "S20"), ("preset", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("_", "<u4", 3)])
_INST = np.dtype([("name", "S20"), ("bag", "<u2")])
_BAG = np.dtype([("gen", "<u2"), ("mod", "<u2")])
_GEN = np.dtype([("op", "<u2"), ("amount", "<i2")])
_SHDR = np.dtype(
    {
        "names": ["name", "start", "end", "loop_start", "loop_end", "rate", "root", "correction", "link", "type"],
        "formats": ["S20", "<u4", "<u4", "<u4", "<u4", "<u4", "u1", "i1", "<u2", "<u2"],
    }
)
_KEY_RANGE, _VELOCITY_RANGE, _INSTRUMENT, _SAMPLE = 43, 44, 41, 53
# generators that a preset zone may not change (8.5): they only stand in instrument zones
_INSTRUMENT_ONLY = {0, 1, 2, 3, 4, 12, 45, 46, 47, 50, 54, 57, 58}
_DEFAULTS = {
    8: 13500, 21: -12000, 22: 0, 23: -12000, 24: 0, 25: -12000, 26: -12000, 27: -12000, 28: -12000, 30: -12000,
    33: -12000, 34: -12000, 35: -12000, 36: -12000, 38: -12000, 46: -1, 47: -1, 56: 100, 58: -1,
}  # fmt: skip


@dataclass(frozen=True)
class Zone:
    """One layer of one key: a sample and how it is played. Times in seconds, levels in dB below full (>= 0)."""

    sample: int
    ratio: float
    """Source frames per output second: the sample's rate times the pitch shift."""
    start: int
    end: int
    loop: tuple[int, int] | None
    pan: float
    """-1 left .. 1 right."""
    attenuation_db: float
    delay_s: float
    attack_s: float
    hold_s: float
    decay_s: float
    sustain_db: float
    release_s: float
    cutoff_hz: float | None
    """Low-pass cutoff, None when open."""
    resonance_db: float
    cutoff_sweep_cents: float
    pitch_sweep_cents: float
    sweep_attack_s: float
    sweep_decay_s: float
    sweep_sustain: float
    vibrato_cents: float
    vibrato_hz: float
    vibrato_delay_s: float
    exclusive_class: int


class SoundFont:
    """An opened font. `zones` says what a key plays; `frames` gives sample data as float32 -1..1."""

    def __init__(self, path: Path, chunks: dict[str, tuple[int, int]]):
        self.path = path
        self._smpl = chunks["smpl"]
        self._data = np.memmap(path, np.uint8, "r")
        read = {name: self._table(chunks, name, kind) for name, kind in _TABLES.items()}
        self._presets, self._instruments, self._samples = read["phdr"], read["inst"], read["shdr"]
        self._bags = {"p": read["pbag"], "i": read["ibag"]}
        self._generators = {"p": read["pgen"], "i": read["igen"]}
        self._decoded: dict[int, np.ndarray] = {}
        self._zones: dict[tuple[int, int], list[dict]] = {}
        self._made: dict[tuple[tuple[int, int], int, int], Zone | None] = {}
        self._reads = 0
        self._preset_index = {
            (int(p["bank"]), int(p["preset"])): index for index, p in reversed(list(enumerate(self._presets[:-1])))
        }

    @classmethod
    def open(cls, path: str | Path) -> SoundFont:
        """Read a font's index.

        Raises:
            InputError: the file cannot be read, is not SF2/SF3, or is damaged.
        """
        path = Path(path)
        try:
            chunks = _walk(path)
            font = cls(path, chunks)
            if not font._preset_index:
                raise InputError(f"{path}: is a SoundFont without instruments; give another with --soundfont")
            return font
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror or error}); check the path of the SoundFont"
            ) from None
        except (KeyError, ValueError, IndexError):
            raise InputError(f"{path}: is not a whole SoundFont (SF2 or SF3); download or export it again") from None

    def _damaged(self) -> InputError:
        return InputError(f"{self.path}: is a damaged SoundFont; download or export it again")

    def _table(self, chunks: dict[str, tuple[int, int]], name: str, kind: np.dtype) -> np.ndarray:
        at, size = chunks[name]
        table = np.frombuffer(self._data[at : at + size - size % kind.itemsize].tobytes(), kind)
        if len(table) < 1:
            raise ValueError(name)
        return table

    def find_preset(self, program: int, *, is_drum: bool) -> tuple[int, int]:
        """The (bank, program) to play: the one asked for, else the nearest of its kind that the font has."""
        bank = DRUM_BANK if is_drum else 0
        if (bank, program) in self._preset_index:
            return bank, program
        in_bank = sorted(p for b, p in self._preset_index if b == bank)
        if is_drum:
            in_bank = in_bank[:1]  # the standard kit
        if not in_bank:
            return min(self._preset_index)
        same_group = [p for p in in_bank if p // 8 == program // 8]
        best = min(same_group or in_bank, key=lambda p: abs(p - program))
        return bank, best

    def zones(self, preset: tuple[int, int], key: int, velocity: int) -> list[Zone]:
        """The layers that `key` at `velocity` plays, in file order; empty when the preset leaves this key silent."""
        try:
            if preset not in self._zones:
                self._zones[preset] = self._read_preset(self._preset_index[preset])
            found = []
            for index, generators in enumerate(self._zones[preset]):
                (key_low, key_high), (low, high) = generators[_KEY_RANGE], generators[_VELOCITY_RANGE]
                if key_low <= key <= key_high and low <= velocity <= high:
                    if (preset, index, key) not in self._made:
                        self._made[preset, index, key] = self._zone(generators, key)
                    found.append(self._made[preset, index, key])
        except (IndexError, ValueError, OverflowError):
            raise self._damaged() from None
        return [zone for zone in found if zone is not None]

    def frames(self, sample: int) -> np.ndarray:
        """Sample data: float32 (n,)."""
        header = self._samples[sample]
        start, end = int(header["start"]), int(header["end"])
        at, size = self._smpl
        if header["type"] & _COMPRESSED:
            if sample not in self._decoded:
                self._decoded[sample] = self._decompressed(self._data[at + start : at + min(end, size)].tobytes())
            return self._decoded[sample]
        end = min(end, size // 2)
        pcm = np.frombuffer(self._data[at + 2 * start : at + 2 * end], "<i2")
        return pcm.astype(np.float32) / np.float32(32768)

    def _decompressed(self, data: bytes) -> np.ndarray:
        import soundfile

        try:
            with soundfile.SoundFile(io.BytesIO(data)) as file:
                if file.frames > _MAX_FRAMES or file.channels != 1:
                    raise self._damaged()
                return file.read(dtype="float32")
        except (soundfile.LibsndfileError, RuntimeError):
            raise self._damaged() from None

    def _read_preset(self, index: int) -> list[dict]:
        """Preset and instrument zones of one preset, multiplied out: generator -> amount, ranges as pairs."""
        zones = []
        bags = range(int(self._presets[index]["bag"]), int(self._presets[index + 1]["bag"]))
        shared_p: dict = {}
        for bag in bags:
            p = self._read_bag("p", bag)
            if _INSTRUMENT not in p:
                if bag == bags.start:
                    shared_p = p
                continue
            p = {**shared_p, **p}
            instrument = p[_INSTRUMENT] & 0xFFFF
            first, last = (int(self._instruments[instrument + k]["bag"]) for k in (0, 1))
            shared_i: dict = {}
            for ibag in range(first, last):
                i = self._read_bag("i", ibag)
                if _SAMPLE not in i:
                    if ibag == first:
                        shared_i = i
                    continue
                zones.append(_combine({**shared_i, **i}, p))
        return [zone for zone in zones if zone is not None]

    def _read_bag(self, level: str, bag: int) -> dict:
        first, last = (int(self._bags[level][bag + k]["gen"]) for k in (0, 1))
        self._reads += 1 + max(last - first, 0)
        if self._reads > _MAX_READS:
            raise ValueError("the font names its generators again and again")
        read: dict = {}
        for op, amount in self._generators[level][first:last].tolist():
            read[op] = (amount & 0xFF, amount >> 8 & 0xFF) if op in (_KEY_RANGE, _VELOCITY_RANGE) else amount
        return read

    def _zone(self, g: dict, key: int) -> Zone | None:
        index = g[_SAMPLE] & 0xFFFF
        header = self._samples[index]
        if header["type"] & 0x8000 or header["rate"] == 0:  # ROM samples live in the sound card
            return None
        g = {op: _within(op, amount) for op, amount in g.items()}
        compressed = bool(header["type"] & _COMPRESSED)
        origin = 0 if compressed else int(header["start"])
        length = len(self.frames(index)) if compressed else min(int(header["end"]), self._smpl[1] // 2) - origin
        start = g.get(0, 0) + 32768 * g.get(4, 0)
        end = length + g.get(1, 0) + 32768 * g.get(12, 0)
        loop_start = int(header["loop_start"]) - origin + g.get(2, 0) + 32768 * g.get(45, 0)
        loop_end = int(header["loop_end"]) - origin + g.get(3, 0) + 32768 * g.get(50, 0)
        start, end = max(start, 0), min(end, length)
        if end - start < 2:
            return None
        mode = g.get(54, 0) & 3
        loops = mode in (1, 3) and start <= loop_start < loop_end <= end and loop_end - loop_start >= 2
        root = g[58] if 0 <= g[58] <= 127 else (int(header["root"]) if header["root"] <= 127 else 60)
        sounding = g[46] if 0 <= g[46] <= 127 else key
        cents = (sounding - root) * g[56] + int(header["correction"]) + 100 * g.get(51, 0) + g.get(52, 0)
        cutoff = 8.176 * 2 ** (np.clip(g[8], 1500, 13500) / 1200)
        middle = 60 - sounding
        vibrato, modulation = g.get(6, 0), g.get(5, 0)
        use_vibrato = abs(vibrato) >= abs(modulation)
        return Zone(
            sample=index,
            ratio=float(min(header["rate"], _MAX_RATE)) * 2 ** (float(np.clip(cents, -15600, 15600)) / 1200),
            start=start,
            end=end,
            loop=(loop_start, loop_end) if loops else None,
            pan=float(np.clip(g.get(17, 0) / 500, -1, 1)),
            attenuation_db=max(g.get(48, 0), 0) / 10 * _ATTENUATION_SCALE,
            delay_s=_seconds(g[33]),
            attack_s=_seconds(g[34]),
            hold_s=_seconds(g[35] + g.get(39, 0) * middle),
            decay_s=_seconds(g[36] + g.get(40, 0) * middle),
            sustain_db=float(np.clip(g.get(37, 0) / 10, 0, 100)),
            release_s=_seconds(g[38]),
            cutoff_hz=float(cutoff) if g[8] < 13500 or g.get(11, 0) < 0 else None,
            resonance_db=float(np.clip(g.get(9, 0) / 10, 0, 96)),
            cutoff_sweep_cents=float(g.get(11, 0)),
            pitch_sweep_cents=float(g.get(7, 0)),
            sweep_attack_s=_seconds(g[26]),
            sweep_decay_s=_seconds(g[28] + g.get(32, 0) * middle),
            sweep_sustain=float(1 - np.clip(g.get(29, 0) / 1000, 0, 1)),
            vibrato_cents=float(vibrato if use_vibrato else modulation),
            vibrato_hz=8.176 * 2 ** ((g[24] if use_vibrato else g[22]) / 1200),
            vibrato_delay_s=_seconds(g[23] if use_vibrato else g[21]),
            exclusive_class=g.get(57, 0),
        )


_TABLES = {"phdr": _PHDR, "pbag": _BAG, "pgen": _GEN, "inst": _INST, "ibag": _BAG, "igen": _GEN, "shdr": _SHDR}


def is_soundfont(path: str | Path) -> bool:
    """Whether the file starts as a SoundFont does (RIFF, form type sfbk)."""
    with Path(path).open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:12] == b"sfbk"


def _within(op: int, amount: int | tuple[int, int]) -> int | tuple[int, int]:
    most = _RANGES.get(op)
    return amount if most is None or isinstance(amount, tuple) else min(max(amount, -most), most)


def _seconds(timecents: int) -> float:
    """Timecents -> seconds; the specification's -12000 (1 ms) and below count as none."""
    return float(2 ** (min(timecents, 8000) / 1200)) if timecents > -12000 else 0.0


def _walk(path: Path) -> dict[str, tuple[int, int]]:
    """(offset, size) of every leaf chunk."""
    chunks: dict[str, tuple[int, int]] = {}
    if not is_soundfont(path):
        raise ValueError("no RIFF sfbk header")
    total, known = path.stat().st_size, 0
    with path.open("rb") as file:
        stack = [(12, total)]
        while stack:
            at, end = stack.pop()
            while at + 8 <= end:
                file.seek(at)
                head = file.read(12)
                name, size = head[:4].decode("latin-1"), int.from_bytes(head[4:8], "little")
                known += 1
                if at + 8 + size > total or known > 1000:
                    raise ValueError(f"chunk {name} is cut off")
                if name == "LIST":
                    stack.append((at + 12, at + 8 + size))
                else:
                    chunks[name] = (at + 8, size)
                at += 8 + size
                if size % 2:  # a pad byte should follow; some SF3 files have none
                    file.seek(at)
                    at += not file.read(4).isalnum()
    for name in ("smpl", *_TABLES):
        if name not in chunks:
            raise KeyError(name)
    return chunks


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
