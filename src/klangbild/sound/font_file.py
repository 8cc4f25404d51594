"""A SoundFont's file: its chunks, its tables, and the frames of its samples.

SF2 holds samples as 16-bit PCM, SF3 as Ogg Vorbis streams, each decoded once and kept. SF3 files are found with and without the pad
byte that RIFF asks for after a chunk of odd length; both are read. Sample data is mapped from the file and touched when it is played,
so that a 200 MB font costs no more than the notes it plays.

Reference: SoundFont Technical Specification 2.04 (Creative/E-mu, 2006), chapter 7.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from klangbild.errors import InputError

_MAX_FRAMES = 30_000_000
_COMPRESSED = 0x10  # sample type bit of SF3: the sample is an Ogg Vorbis stream
_ROM = 0x8000

_BAG = np.dtype([("gen", "<u2"), ("mod", "<u2")])
_GENERATOR = np.dtype([("op", "<u2"), ("amount", "<i2")])
_MODULATOR = np.dtype([("source", "<u2"), ("target", "<u2"), ("amount", "<i2"), ("by", "<u2"), ("transform", "<u2")])
_TABLES = {
    "phdr": np.dtype([("name", "S20"), ("preset", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("_", "<u4", 3)]),
    "pbag": _BAG,
    "pgen": _GENERATOR,
    "inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    "ibag": _BAG,
    "igen": _GENERATOR,
    "shdr": np.dtype(
        {
            "names": ["name", "start", "end", "loop_start", "loop_end", "rate", "root", "correction", "link", "type"],
            "formats": ["S20", "<u4", "<u4", "<u4", "<u4", "<u4", "u1", "i1", "<u2", "<u2"],
        }
    ),
}
_MODULATOR_TABLES = {"pmod": _MODULATOR, "imod": _MODULATOR}
_TEXTS = {"INAM": "name", "ICOP": "copyright", "ICMT": "comment"}


class FontFile:
    """The tables of a font, by their chunks' names, and `frames` of its samples."""

    def __init__(self, path: Path) -> None:
        """Raises OSError; KeyError, ValueError: it is not a whole SoundFont."""
        self.path = path
        self._chunks = _walk(path)
        self._data = np.memmap(path, np.uint8, "r")
        self.tables = {name: self._table(name, kind) for name, kind in _TABLES.items()}
        self.tables |= {name: self._table(name, kind, least=0) for name, kind in _MODULATOR_TABLES.items()}
        self._smpl = self._chunks["smpl"]
        self._decoded: dict[int, np.ndarray] = {}

    def damaged(self) -> InputError:
        return InputError(f"{self.path}: is a damaged SoundFont; download or export it again")

    def texts(self) -> dict[str, str]:
        """What the font says of itself: name, copyright, comment, those that it has."""
        found = {}
        for chunk, name in _TEXTS.items():
            at, size = self._chunks.get(chunk, (0, 0))
            text = self._data[at : at + size].tobytes().split(b"\0")[0].decode("utf-8", "replace").strip()
            if text:
                found[name] = text
        return found

    def _table(self, name: str, kind: np.dtype, *, least: int = 1) -> np.ndarray:
        at, size = self._chunks[name] if least else self._chunks.get(name, (0, 0))
        table = np.frombuffer(self._data[at : at + size - size % kind.itemsize].tobytes(), kind)
        if len(table) < least:
            raise ValueError(name)
        return table

    def is_playable(self, sample: int) -> bool:
        """False for samples that live in a sound card's ROM, and those without a rate. Raises IndexError: there is no such sample."""
        header = self.tables["shdr"][sample]
        return not header["type"] & _ROM and header["rate"] > 0

    def origin(self, sample: int) -> int:
        """What a sample's loop points are counted from, in frames of the file: SF3 counts from the sample's own start."""
        header = self.tables["shdr"][sample]
        return 0 if header["type"] & _COMPRESSED else int(header["start"])

    def n_frames(self, sample: int) -> int:
        """How long a sample is, in frames. Raises InputError: its Vorbis stream is damaged."""
        header = self.tables["shdr"][sample]
        if header["type"] & _COMPRESSED:
            return len(self.frames(sample))
        return min(int(header["end"]), self._smpl[1] // 2) - int(header["start"])

    def frames(self, sample: int) -> np.ndarray:
        """Sample data: float32 (n,), -1..1; not to be written to. Raises InputError: its Vorbis stream is damaged."""
        header = self.tables["shdr"][sample]
        start, end = int(header["start"]), int(header["end"])
        at, size = self._smpl
        if header["type"] & _COMPRESSED:
            if sample not in self._decoded:
                self._decoded[sample] = self._decompressed(self._data[at + start : at + min(end, size)].tobytes())
            return self._decoded[sample]
        pcm = np.frombuffer(self._data[at + 2 * start : at + 2 * min(end, size // 2)], "<i2")
        return pcm.astype(np.float32) / np.float32(32768)

    def _decompressed(self, data: bytes) -> np.ndarray:
        import soundfile

        try:
            with soundfile.SoundFile(io.BytesIO(data)) as file:
                if file.frames > _MAX_FRAMES or file.channels != 1:
                    raise self.damaged()
                return file.read(dtype="float32")
        except (soundfile.LibsndfileError, RuntimeError):
            raise self.damaged() from None


def is_soundfont(path: str | Path) -> bool:
    """Whether the file starts as a SoundFont does (RIFF, form type sfbk)."""
    with Path(path).open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:12] == b"sfbk"


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
