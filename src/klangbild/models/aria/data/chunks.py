"""Windows of `events` for training, drawn as midi-emotion draws them, and the fixed ones it evaluates on.

A window is `max(round(length / 256 * 4), 1)` consecutive bars from a random bar of a song, kept if at least 3 instruments play
in it (5 tries, else the sample is left out), transposed by -3..3 semitones (drums and notes at the edge stay). With
probability 0.5, or when it is shorter than the window, it starts at its bar with `<START>`; otherwise anywhere, without. The
emotion tokens of `discrete_token` stand only before a `<START>`. Inputs are ids[:-1], targets ids[1:], right-padded with PAD.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.models.aria.data.prepare import MIN_INSTRUMENTS, EventsData
from klangbild.models.aria.decode_strict import transpose
from klangbild.models.aria.emotion_tokens import emotion_ids, quantile_edges
from klangbild.models.aria.vocabulary import PAD, START, EventsVocabulary

MAX_TRANSPOSE = 3
BAR_START_SHARE = 0.5
_TRIES = 5


@dataclass(frozen=True)
class Batch:
    """inputs, targets (rows, length) int64, PAD at the end; condition (rows, 2) float32 = [valence, arousal], NaN if unknown."""

    inputs: np.ndarray
    targets: np.ndarray
    condition: np.ndarray


class EventsChunks:
    """Draws windows. `length`: ids of a window (the published 1216); token modes take 2 fewer, so that all see as much.

    bin_edges: of the emotion tokens, for `discrete_token`; the published code takes quantiles of the labels.
    """

    def __init__(
        self,
        data: EventsData,
        vocabulary: EventsVocabulary,
        *,
        conditioning: str,
        length: int,
        heldout: bool = False,
        bin_edges: dict[str, np.ndarray] | None = None,
        labelled_only: bool | None = None,
    ) -> None:
        self.data, self.vocabulary, self.conditioning = data, vocabulary, conditioning
        self.length = length - (2 if conditioning == "continuous_token" else 0)
        self.bin_edges = bin_edges
        if labelled_only is None:
            labelled_only = conditioning != "none"
        usable = (data.song_heldout == heldout) & (np.diff(data.song_start) > 0)
        if labelled_only:
            usable &= data.labelled
        self.songs = np.flatnonzero(usable)

    def batch(self, rows: int, rng: np.random.Generator) -> Batch:
        """`rows` windows from random songs (samples that are left out are drawn again).

        Raises:
            ValueError: no song gives a window in 1000 draws (too few songs with 3 instruments).
        """
        found: list[tuple[np.ndarray, int]] = []
        for _ in range(1000 * rows):
            song = int(rng.choice(self.songs))
            window = self.window(song, rng)
            if window is not None:
                found.append((window, song))
            if len(found) == rows:
                return self.stack(found)
        raise ValueError("no song has three instruments in a window; prepare other music")

    def window(self, song: int, rng: np.random.Generator) -> np.ndarray | None:
        """Up to length + 1 ids (n,) of a song, or None if no window with enough instruments was found."""
        data = self.data
        begin, end = int(data.song_start[song]), int(data.song_start[song + 1])
        n_bars = max(round(self.length / 256 * 4), 1)
        for _ in range(_TRIES):
            first = int(rng.integers(begin, max(end - n_bars, begin) + 1))
            last = min(first + n_bars, end)
            bits = int(np.bitwise_or.reduce(data.bar_instruments[first:last]))
            if bits.bit_count() >= MIN_INSTRUMENTS:
                break
        else:
            return None
        ids = transpose(data.bars(first, last), int(rng.integers(-MAX_TRANSPOSE, MAX_TRANSPOSE + 1)))
        wanted = self.length + 1
        opening = self.opening(song)
        if len(ids) + len(opening) <= wanted or rng.random() < BAR_START_SHARE:
            return np.concatenate([opening, ids])[:wanted]
        offset = int(rng.integers(0, len(ids) - wanted + 1)) if len(ids) > wanted else 0
        return ids[offset : offset + wanted]

    def opening(self, song: int) -> np.ndarray:
        """Ids (1,) or (3,): `<START>`, with the song's emotion tokens before it for `discrete_token`."""
        if self.conditioning != "discrete_token":
            return np.array([START])
        pair = np.array([[self.data.valence[song], self.data.arousal[song]]])
        return np.concatenate([emotion_ids(self.vocabulary, pair, self.bin_edges)[0], [START]])

    def fixed(self, rows: int) -> Batch:
        """One window, from its first bar, of each of `rows` songs spread evenly over those there are. Nothing is random."""
        if len(self.songs) == 0:
            raise ValueError("there are no such songs")
        chosen = self.songs[np.unique(np.linspace(0, len(self.songs) - 1, rows).astype(int))]
        found = []
        for song in chosen.tolist():
            bars = self.data.bars(int(self.data.song_start[song]), int(self.data.song_start[song + 1]))
            found.append((np.concatenate([self.opening(song), bars])[: self.length + 1], song))
        return self.stack(found)

    def exhaustive(self) -> list[tuple[np.ndarray, int]]:
        """Every song cut into windows (length + 1,) that do not overlap; a last partial one is left out."""
        found = []
        for song in self.songs.tolist():
            bars = self.data.bars(int(self.data.song_start[song]), int(self.data.song_start[song + 1]))
            ids = np.concatenate([self.opening(song), bars])
            size = self.length + 1
            found += [(ids[at : at + size], song) for at in range(0, len(ids) - size + 1, size)]
        return found

    def stack(self, windows: list[tuple[np.ndarray, int]]) -> Batch:
        """Windows of ids (n,) and their songs -> a batch (rows, T), as wide as its longest row."""
        width = max(len(ids) for ids, _ in windows)
        whole = np.full((len(windows), width), PAD, np.int64)
        for row, (ids, _) in enumerate(windows):
            whole[row, : len(ids)] = ids
        songs = [song for _, song in windows]
        condition = np.stack([self.data.valence[songs], self.data.arousal[songs]], axis=1).astype(np.float32)
        return Batch(whole[:, :-1], whole[:, 1:], condition)


def label_edges(data: EventsData) -> dict[str, np.ndarray]:
    """The quantile bins of the labels, for `bin_edges`."""
    return {"valence": quantile_edges(data.valence), "arousal": quantile_edges(data.arousal)}
