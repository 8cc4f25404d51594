"""`Tape`: stereo sound that is recorded block after block and read at any place, long or short.

What is longer than `audio.HELD_S` lies in a temporary file without a name (on Windows: one that goes with the process), so
that nothing is left behind whatever happens. An hour takes 1.3 GB there.
"""

from __future__ import annotations

import tempfile
import threading

import numpy as np

from klangbild.errors import OutputError
from klangbild.sound.audio import HELD_S

_FRAME_BYTES = 8


class Tape:
    """Sound of `frames` stereo frames at `rate`; what was never written is silent. Safe to read from several threads."""

    def __init__(self, frames: int, rate: int) -> None:
        self.frames, self.rate = frames, rate
        self._lock = threading.Lock()
        self._file = None
        if frames <= HELD_S * rate:
            self._samples = np.zeros((2, frames), np.float32)
        else:
            try:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the tape
                self._file.truncate(frames * _FRAME_BYTES)
            except OSError as error:
                raise self._full(error) from error

    def write(self, first: int, samples: np.ndarray) -> None:
        """Put float32 (2, n) at frame `first`. Raises OutputError: the disk is full."""
        if self._file is None:
            self._samples[:, first : first + samples.shape[1]] = samples
            return
        data = memoryview(np.ascontiguousarray(samples.T)).cast("B")
        try:
            with self._lock:
                self._file.seek(first * _FRAME_BYTES)
                while len(data):
                    data = data[self._file.write(data) :]
        except OSError as error:
            raise self._full(error) from error

    def read(self, first: int, last: int) -> np.ndarray:
        """float32 (2, last - first), not to be written to."""
        if self._file is None:
            return self._samples[:, first:last]
        if first >= last:
            return np.zeros((2, 0), np.float32)
        out = np.zeros((last - first, 2), np.float32)
        into = memoryview(out).cast("B")
        with self._lock:
            self._file.seek(first * _FRAME_BYTES)
            while len(into) and (n := self._file.readinto(into)):
                into = into[n:]
        return out.T

    def _full(self, error: OSError) -> OutputError:
        return OutputError(
            f"{tempfile.gettempdir()}: cannot hold {self.frames * _FRAME_BYTES / 1e6:.0f} MB of sound while it is mixed "
            f"({error.strerror or error}); free some space, or name another folder in TMPDIR"
        )
