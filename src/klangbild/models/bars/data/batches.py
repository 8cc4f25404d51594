"""Training batches of the notes model, drawn and gathered as whole arrays: what an accelerator eats in a second is millions of ids.

Row by row a batch is what `note_chunks.NoteChunks.chunk` gives for the same piece and start, with two additions of training:
emotion and attributes are told with a little noise, so that they say what a section is like and not which one it is; and
they are hidden now and then (attributes also group by group).

What a batch holds depends on seed and step alone, so a run that stops and resumes sees what it would have seen. Some chunks
start at a section, the others at any bar (so that the ends of long sections are learnt, and the model can pick up from a
window that slid past a section's start). Some of those that do not start a piece are opened by PAD, so that their first Bar
too is predicted: it says the mode, which the emotion decides more than anything else, and too few chunks start with BOS to
learn that from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.conditioning import prefix_ids, prefix_length
from klangbild.models.bars.data.attributes import attributes_of
from klangbild.models.bars.data.chunks import IGNORE, NoteChunks
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import BAR_0, BOS, EOS, PAD, TEMPO_0
from klangbild.models.bars.section_attributes import GROUPS, N_INPUTS, inputs, jittered

EMOTION_JITTER = 0.07
"""Standard deviation of the noise on valence and arousal."""


@dataclass(frozen=True)
class Batch:
    """ids and targets (rows, T) int64; `table[place]` is the condition beside every id (rows, T, 3 or 3 + attributes)."""

    ids: np.ndarray
    targets: np.ndarray
    place: np.ndarray
    table: np.ndarray

    @property
    def condition(self) -> np.ndarray:
        """(rows, T, C) float32."""
        return self.table[self.place]


class NoteBatches:
    """Draws batches from one side of the split.

    pool_shares: how often a chunk comes from each pool (normalised over the pools that have music; a pool not named: never).
    section_start_share, opened_share: how many chunks start at a section, how many are opened. dropout: how often the emotion
    is hidden. described: tell attributes too. attributes_dropout, group_dropout: how often all of them, or one group, are
    hidden.

    Raises:
        InputError: this side of the split holds no music, or the shares name no pool that has some.
    """

    def __init__(
        self,
        data: NoteData,
        *,
        mode: str,
        context: int,
        heldout: bool = False,
        pool_shares: dict[str, float] | None = None,
        section_start_share: float = 0.5,
        opened_share: float = 0.5,
        dropout: float = 0.1,
        described: bool = False,
        attributes_dropout: float = 0.15,
        group_dropout: float = 0.15,
    ) -> None:
        self.source = NoteChunks(data, mode=mode, context=context, heldout=heldout)
        self.context, self.mode = context, mode
        self.section_start_share, self.opened_share, self.dropout = section_start_share, opened_share, dropout
        self.described, self.attributes_dropout, self.group_dropout = described, attributes_dropout, group_dropout
        self._odds = np.cumsum(_weights(self.source, pool_shares))
        sizes = np.diff(data.section_start)
        self._filled = np.flatnonzero(sizes > 0)  # sections that have ids; "rank" is a place in this list
        self._first_rank = np.searchsorted(self._filled, self.source.first_section)
        self._end_rank = np.searchsorted(self._filled, self.source.end_section)
        self._emotion = np.stack([data.valence, data.arousal, data.label_source > 0], axis=1).astype(np.float32)
        self._emotion[self._emotion[:, 2] == 0] = 0.0
        self._attributes = attributes_of(data) if described else None
        self._make_stream(data)

    @property
    def n_ids(self) -> int:
        """Ids of this side of the split."""
        return int(self.source.piece_lengths.sum())

    def _make_stream(self, data: NoteData) -> None:
        """All music as one row of ids, in the token modes with prefix ids before each section."""
        k, vocabulary = prefix_length(self.mode), self.source.vocabulary
        rank_of_id = np.repeat(np.arange(len(self._filled), dtype=np.int32), np.diff(data.section_start)[self._filled])
        bars = np.flatnonzero((data.ids >= BAR_0) & (data.ids < TEMPO_0))
        if k == 0:
            self._stream, self._rank = data.ids.astype(np.int16), rank_of_id
            at = np.arange(len(data.ids))
        else:
            at = np.arange(len(data.ids)) + k * (rank_of_id + 1)
            self._stream = np.zeros(len(data.ids) + k * len(self._filled), np.int16)
            self._rank = np.zeros(len(self._stream), np.int32)
            self._stream[at], self._rank[at] = data.ids, rank_of_id
            prefixes = prefix_ids(self.mode, vocabulary, self._emotion[self._filled])
            first = at[data.section_start[self._filled]]
            for i in range(k):
                self._stream[first - k + i] = prefixes[:, i]
                self._rank[first - k + i] = np.arange(len(self._filled))
        following = np.full(len(self._stream), IGNORE, np.int16)
        following[at[:-1]] = data.ids[1:]  # over prefix ids
        if k:
            following[first - 1] = data.ids[data.section_start[self._filled]]
        self._following = following
        self._bars, self._section_starts = at[bars], at[data.section_start[self._filled]]
        self._bar_rank = self._rank[self._bars]

    def _stream_end(self, piece: np.ndarray) -> np.ndarray:
        """One past the last id of each piece."""
        end, k = self._end_rank[piece], prefix_length(self.mode)
        last = end == len(self._filled)
        return np.where(last, len(self._stream), self._section_starts[np.minimum(end, len(self._filled) - 1)] - k)

    def section_starts(self, pieces: np.ndarray, share: float) -> np.ndarray:
        """Where in the stream (n,) the section starts that stands at this share of the sections (0 .. 1) of each of
        the pieces (n,)."""
        low, high = self._first_rank[pieces], self._end_rank[pieces]
        return self._section_starts[low + ((high - low) * share).astype(np.int64)]

    def batch(self, rows: int, *, seed: int, step: int) -> Batch:
        """The batch of a step: equal seed and step give equal batches."""
        rng = np.random.default_rng([seed, step])
        piece = self.source.pieces[
            np.minimum(np.searchsorted(self._odds, rng.random(rows), side="right"), len(self._odds) - 1)
        ]
        at_section = rng.random(rows) < self.section_start_share
        low, high = self._first_rank[piece], self._end_rank[piece]
        section = low + (rng.random(rows) * (high - low)).astype(np.int64)
        bar_low, bar_high = np.searchsorted(self._bar_rank, low), np.searchsorted(self._bar_rank, high)
        bar = bar_low + (rng.random(rows) * (bar_high - bar_low)).astype(np.int64)
        start = np.where(at_section, self._section_starts[section], self._bars[bar])
        known = rng.random(rows) >= self.dropout
        opened = rng.random(rows) < self.opened_share
        shown = rng.random((rows, len(GROUPS))) >= self.group_dropout
        shown &= (rng.random(rows) >= self.attributes_dropout)[:, None]
        return self.gather(piece, start, known=known, opened=opened, shown=shown, rng=rng)

    def gather(
        self,
        piece: np.ndarray,
        start: np.ndarray,
        *,
        known: np.ndarray,
        opened: np.ndarray,
        shown: np.ndarray,
        rng: np.random.Generator | None = None,
    ) -> Batch:
        """Rows from `start` (rows,), places of Bars in the stream, on, of pieces (rows,). known, opened: bool (rows,);
        shown: bool (rows, groups). rng: draws the noise on what is told; None: no noise."""
        rows, k = len(piece), prefix_length(self.mode)
        first = start == self._section_starts[self._first_rank[piece]]
        opened = opened | first
        lead = opened.astype(np.int64) + k
        end = self._stream_end(piece)
        source = start[:, None] + np.arange(self.context) - lead[:, None]
        inside = source < end[:, None]
        clipped = np.clip(source, 0, len(self._stream) - 1)
        ids = np.where(inside, self._stream[clipped], np.where(source == end[:, None], EOS, PAD)).astype(np.int64)
        targets = np.where(inside, self._following[clipped], IGNORE).astype(np.int64)
        targets[source == end[:, None] - 1] = EOS
        rank = np.minimum(self._rank[clipped], self._end_rank[piece][:, None] - 1)
        before = source < start[:, None]
        here = self._rank[start]
        rank = np.where(before, here[:, None], rank)
        emotion = self._told_emotion(rank, here, known, rng)
        row = np.flatnonzero(opened)
        ids[row, 0] = np.where(first[row], BOS, PAD)
        targets[row, 0] = self._stream[start[row]]
        if k:
            prefixes = prefix_ids(self.mode, self.source.vocabulary, emotion[np.arange(rows), 0])
            for i in range(k):
                ids[np.arange(rows), lead - k + i] = prefixes[:, i]
                targets[np.arange(rows), lead - k + i] = self._stream[start] if i == k - 1 else IGNORE
            if not known.all() and self.mode == "discrete_token":
                unknown = prefix_ids(self.mode, self.source.vocabulary, np.zeros((1, 3)))[0]
                is_prefix = (ids >= self.source.vocabulary) & ~known[:, None]
                second = is_prefix & np.c_[np.zeros((rows, 1), bool), is_prefix[:, :-1]]
                ids = np.where(second, unknown[1], np.where(is_prefix, unknown[0], ids))
        table = emotion
        if self._attributes is not None:
            sections = self._filled[np.minimum(here[:, None] + np.arange(emotion.shape[1]), len(self._filled) - 1)]
            values = self._attributes[sections]
            values = values if rng is None else jittered(values, rng)
            told = inputs(values, np.broadcast_to(shown[:, None], (*values.shape[:2], len(GROUPS))))
            table = np.concatenate([emotion, told], axis=-1)
        place = np.arange(rows)[:, None] * emotion.shape[1] + rank - here[:, None]
        return Batch(ids, targets, place, table.reshape(-1, table.shape[-1]))

    def _told_emotion(
        self, rank: np.ndarray, here: np.ndarray, known: np.ndarray, rng: np.random.Generator | None
    ) -> np.ndarray:
        """(rows, sections of the longest row, 3): valence, arousal and whether they are known."""
        most = int((rank.max(axis=1) - here).max()) + 1
        sections = self._filled[np.minimum(here[:, None] + np.arange(most), len(self._filled) - 1)]
        emotion = self._emotion[sections] * known[:, None, None]
        if rng is not None:
            noise = rng.normal(0.0, EMOTION_JITTER, (*emotion.shape[:2], 2)).astype(np.float32)
            emotion = np.concatenate([emotion[..., :2] + noise * emotion[..., 2:], emotion[..., 2:]], axis=-1)
        return emotion


def _weights(source: NoteChunks, shares: dict[str, float] | None) -> np.ndarray:
    """Odds of each piece (n,): in proportion to its length within its pool, and to the pool's share."""
    weights, names = source.piece_lengths.astype(np.float64), source.data.about["pools"]
    if shares:
        pools = source.data.piece_pool[source.pieces]
        for number, name in enumerate(names):
            total = weights[pools == number].sum()
            if total > 0:
                weights[pools == number] *= shares.get(name, 0.0) / total
    if weights.sum() <= 0:
        raise InputError(
            f"pool_shares ({', '.join(shares or {})}) leave nothing to train on; name some of the sets "
            f"{', '.join(names)}, or take pool_shares out"
        )
    return weights / weights.sum()


def condition_width(described: bool) -> int:
    """Numbers beside every id: three of emotion, and those of the attributes."""
    return 3 + (N_INPUTS if described else 0)
