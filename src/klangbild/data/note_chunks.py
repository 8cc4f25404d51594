"""Training chunks of the notes model: consecutive sections cut to the context, with emotion beside every id.

Which chunk a row of a step holds depends on (seed, step, row) alone, so a run that stops and resumes sees what it would
have seen. Half of the chunks start at a section, half at any bar (so that the ends of long sections are learnt, and the
model can pick up from a window that slid past a section's start). Half of those that do not start a piece are opened by PAD,
so that their first Bar too is predicted: it says the mode, which the emotion decides more than anything else, and too few
chunks start with BOS to learn that from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from klangbild.data.note_data import NoteData
from klangbild.errors import InputError
from klangbild.notes.bars import BAR_0, BOS, EOS, PAD, TEMPO_0
from klangbild.notes.conditioning import prefix_ids, prefix_length

IGNORE = -100


@dataclass(frozen=True)
class Chunk:
    """ids (T,) int64, condition (T, 3) float32, targets (T,) int64 with `IGNORE` where nothing is to be predicted."""

    ids: np.ndarray
    condition: np.ndarray
    targets: np.ndarray


class NoteChunks:
    """Draws chunks from one side of the split of a `NoteData`.

    pool_shares: how often a chunk comes from each pool (normalised over the pools that have music; a pool not named: never).

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
    ) -> None:
        self.data, self.mode, self.context = data, mode, context
        self.section_start_share, self.opened_share, self.dropout = section_start_share, opened_share, dropout
        self.vocabulary = int(data.about["vocabulary"])
        sizes = np.diff(data.section_start)
        n_pieces = len(data.piece_name)
        piece_ids = np.bincount(data.section_piece, weights=sizes, minlength=n_pieces)
        self.pieces = np.flatnonzero((piece_ids > 0) & (data.piece_heldout == heldout))
        if not len(self.pieces):
            side = "held out of training" if heldout else "to train on"
            raise InputError(
                f"the prepared notes hold no piece {side}; prepare a folder of two different pieces or more"
            )
        self.first_section = np.searchsorted(data.section_piece, np.arange(n_pieces), side="left")
        self.end_section = np.searchsorted(data.section_piece, np.arange(n_pieces), side="right")
        self.weights = self._weights(piece_ids, pool_shares)
        self.n_ids = int(piece_ids[self.pieces].sum())

    def _weights(self, piece_ids: np.ndarray, shares: dict[str, float] | None) -> np.ndarray:
        """Odds of each piece (n,): in proportion to its length within its pool, and to the pool's share."""
        weights = piece_ids[self.pieces].astype(np.float64)
        if shares:
            pools = self.data.piece_pool[self.pieces]
            for number, name in enumerate(self.data.about["pools"]):
                total = weights[pools == number].sum()
                if total > 0:
                    weights[pools == number] *= shares.get(name, 0.0) / total
        if weights.sum() <= 0:
            raise InputError(
                f"pool_shares ({', '.join(shares or {})}) leave nothing to train on; name some of the sets "
                f"{', '.join(self.data.about['pools'])}, or take pool_shares out"
            )
        return weights / weights.sum()

    @cached_property
    def _is_bar(self) -> np.ndarray:
        return (self.data.ids >= BAR_0) & (self.data.ids < TEMPO_0)

    def piece_ids(self, piece: int) -> slice:
        """Where a piece's ids stand in `data.ids`."""
        starts = self.data.section_start
        return slice(int(starts[self.first_section[piece]]), int(starts[self.end_section[piece]]))

    def chunk(
        self, piece: int, start: int, *, known: bool = True, opened: bool = False, length: int | None = None
    ) -> Chunk:
        """The chunk of `piece` that starts at id `start` of `data.ids` (a Bar).

        known=False hides the emotion; opened=True puts PAD before a chunk that does not start its piece.
        """
        data, length = self.data, length or self.context
        whole = self.piece_ids(piece)
        section = int(np.searchsorted(data.section_start, start, side="right")) - 1
        ids: list[np.ndarray] = []
        conditions: list[np.ndarray] = []
        is_prefix: list[np.ndarray] = []
        total, at = 0, start

        def add(new: np.ndarray, condition: np.ndarray, prefix: bool) -> None:
            nonlocal total
            ids.append(np.asarray(new, dtype=np.int64))
            conditions.append(np.broadcast_to(condition, (len(new), 3)))
            is_prefix.append(np.full(len(new), prefix))
            total += len(new)

        if start == whole.start or opened:
            opening = BOS if start == whole.start else PAD
            add(np.array([opening]), self._condition(section, known), False)
        while total <= length and at < whole.stop:
            condition = self._condition(section, known)
            if prefix_length(self.mode):
                add(prefix_ids(self.mode, self.vocabulary, condition)[0], condition, True)
            end = int(data.section_start[section + 1])
            add(data.ids[at : min(end, at + length + 1)], condition, False)
            at, section = end, section + 1
        if at >= whole.stop and total <= length:
            add(np.array([EOS]), conditions[-1][-1], False)
        return _cut(np.concatenate(ids), np.concatenate(conditions), np.concatenate(is_prefix), length)

    def _condition(self, section: int, known: bool) -> np.ndarray:
        data = self.data
        if not known or data.label_source[section] == 0:
            return np.zeros(3, np.float32)
        return np.array([data.valence[section], data.arousal[section], 1.0], np.float32)

    def draw(self, rng: np.random.Generator) -> Chunk:
        """A random chunk, its emotion hidden with the odds of `dropout`."""
        piece = int(rng.choice(self.pieces, p=self.weights))
        if rng.random() < self.section_start_share:
            starts = self.data.section_start[self.first_section[piece] : self.end_section[piece]]
        else:
            whole = self.piece_ids(piece)
            starts = np.flatnonzero(self._is_bar[whole]) + whole.start
        start, known = int(rng.choice(starts)), rng.random() >= self.dropout
        return self.chunk(piece, start, known=known, opened=rng.random() < self.opened_share)

    def batch(self, rows: int, *, seed: int, step: int) -> Chunk:
        """`rows` chunks of a step, stacked: ids (rows, T), condition (rows, T, 3), targets (rows, T)."""
        return stack([self.draw(np.random.default_rng([seed, step, row])) for row in range(rows)])


def stack(chunks: list[Chunk]) -> Chunk:
    """Chunks of one length -> one with a leading axis."""
    return Chunk(*(np.stack([getattr(c, name) for c in chunks]) for name in ("ids", "condition", "targets")))


def _cut(ids: np.ndarray, condition: np.ndarray, is_prefix: np.ndarray, length: int) -> Chunk:
    """The first `length` ids and what follows each; padded when the piece ended before. The target of an id before a
    prefix is the language id after it; an id before a second prefix id has none."""
    following = np.full(len(ids), IGNORE, np.int64)
    following[:-1] = ids[1:]
    if is_prefix.any():
        language = np.flatnonzero(~is_prefix)
        after = np.searchsorted(language, np.arange(len(ids)), side="right")
        following = np.where(after < len(language), ids[language[np.minimum(after, len(language) - 1)]], IGNORE)
        inside = is_prefix & np.r_[is_prefix[1:], False]
        following[inside] = IGNORE
    ids, condition, following = ids[:length], condition[:length], following[:length]
    missing = length - len(ids)
    return Chunk(
        np.pad(ids, (0, missing), constant_values=PAD),
        np.pad(condition, ((0, missing), (0, 0))).astype(np.float32),
        np.pad(following, (0, missing), constant_values=IGNORE),
    )
