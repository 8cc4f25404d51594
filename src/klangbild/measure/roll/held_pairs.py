"""Held-out pairs of picture and clip on which the sound models are measured, and the clips that stand beside them.

The pairs are made of played clips (`data prepare sound`, `data pair`): their pieces and pictures are held out for the model, since
both kinds of prepared clips take the split of the notes, and a picture's side follows from its hash.

Conventions
    A pair with words made of its clip's facts is a triplet. Its genre is what the clip's set is called (`small_words.KINDS`).
    The draw is random, but a genre with `MIN_PAIRS` held-out pairs is filled up to so many, in place of the most frequent one,
    where n has room for all such genres: otherwise 50 pairs would tell nothing of half of them. Totals are over that draw.
    The reference has, as far as they go, as many clips of each genre as the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.roll.caption_words import KINDS
from klangbild.models.roll.data.captions import caption
from klangbild.models.roll.data.clip_table import SoundData
from klangbild.models.roll.data.clips import ClipPlan
from klangbild.models.roll.data.pairs import SoundPairs
from klangbild.models.roll.dry_sound import MAX_SHIFT

MIN_PAIRS = 8
"""Pairs of a genre below which nothing is said of it."""
OTHER_POOL = "band"
"""Of the sets with enough held-out pieces the one that is farthest from the mix: 32 training clips have a Frechet distance of 5.4
to 32 clips of it, those of emopia, piano, pop909 and vgmidi 3.4 to 3.9, a random mix 2.2 (the orchestra's 22 clips have 6.4, but
it has five held-out pieces)."""
_MIN_IDS = 20


@dataclass(frozen=True)
class Chosen:
    """rows (n,): held-out pairs to make sound for; others (n,): clips of the reference, none of them paired with these pictures."""

    pairs: SoundPairs
    data: SoundData
    rows: np.ndarray
    others: np.ndarray

    @property
    def asked(self) -> np.ndarray:
        """(n, 2) valence and arousal that the pictures ask for."""
        return self.pairs.views.asked[self.rows].astype(np.float64)

    @property
    def clips(self) -> np.ndarray:
        """(n,) number of the clip that is paired with each picture."""
        return self.pairs.clip[self.rows]

    @property
    def genre(self) -> np.ndarray:
        """(n,) str, of the paired clips."""
        return genres(self.data, self.clips)

    def emotion(self, row: int) -> Emotion:
        """What a pair's picture asks for."""
        return Emotion(*(float(v) for v in self.pairs.views.asked[row]))

    def levels(self, row: int) -> list[np.ndarray]:
        """The picture encoder's four levels of a pair's picture, (16, c) each."""
        return [level[0] for level in self.pairs.levels(np.array([row]))]

    def caption(self, row: int, *, seed: int = 0) -> str:
        """Words of a pair's clip without feelings, which are left to the picture; the same whoever else was drawn."""
        rng = np.random.default_rng([seed, row])
        return caption(self.data, int(self.pairs.clip[row]), rng, feelings=0.0)

    def wrong_rows(self, *, seed: int = 0) -> np.ndarray:
        """(n,) for each pair another one, each once: a random cycle through all."""
        order = np.random.default_rng([seed, 1]).permutation(len(self.rows))
        other = np.empty(len(order), int)
        other[order] = np.roll(order, 1)
        return self.rows[other]


def choose(pairs: SoundPairs, data: SoundData, n: int, *, seed: int = 0) -> Chosen:
    """n held-out pairs and n other held-out clips. Raises InputError: n is below 4, or there are fewer than 2 n held-out clips."""
    held = np.flatnonzero(pairs.heldout)
    if n < 4 or len(held) < n:
        raise InputError(
            f"{n} pictures: need 4 or more, and not more than the {len(held)} held-out pairs that there are"
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(held)
    rows = np.sort(order[filled(genres(data, pairs.clip[order]), n)])
    free = rng.permutation(np.setdiff1d(np.flatnonzero(data.clip_heldout), pairs.clip[rows]))
    if len(free) < n:
        raise InputError(f"{n} pictures need {2 * n} held-out clips; give fewer, or prepare more sound")
    return Chosen(pairs, data, rows, _like(genres(data, pairs.clip[rows]), free, genres(data, free)))


def genres(data: SoundData, clips: np.ndarray) -> np.ndarray:
    """(n,) str: what the sets are called that clips come from."""
    pools = data.about["pools"]
    return np.array([KINDS.get(pools[int(pool)], pools[int(pool)]) for pool in data.pool[clips]])


def filled(genre: np.ndarray, n: int, *, fewest: int = MIN_PAIRS) -> np.ndarray:
    """BarPositions (n,) or more of the items of `genre` (items,), in the order in which they were drawn; see the conventions above.

    >>> filled(np.array(["pop", "pop", "pop", "folk", "game", "folk"]), 4, fewest=2).tolist()
    [0, 1, 3, 5]
    """
    taken = list(range(n))
    names, counts = np.unique(genre, return_counts=True)
    large = names[counts >= fewest]
    if n < fewest * len(large):
        return np.array(taken)
    for name in large:
        while sum(genre[i] == name for i in taken) < fewest:
            # first of those that nothing can be said of, then of the most frequent one
            here = [str(genre[i]) for i in taken]
            spare = next((g for g in here if g not in large), None) or max(large, key=here.count)
            taken.remove(max(i for i in taken if genre[i] == spare))
            taken.append(min(i for i in np.flatnonzero(genre == name) if i not in taken))
    return np.sort(taken)


def _like(wanted: np.ndarray, free: np.ndarray, genre: np.ndarray) -> np.ndarray:
    """As many of the free clips as wanted, of the wanted genres while there are any."""
    left = list(range(len(free)))
    found = []
    for name in wanted:
        own = next((i for i in left if genre[i] == name), None)
        if own is not None:
            left.remove(own)
            found.append(own)
    return np.sort(free[found + left[: len(wanted) - len(found)]])


def other_corpus(chosen: Chosen, notes: NoteData, n: int, *, pool: str = OTHER_POOL, seed: int = 0) -> list[ClipPlan]:
    """Plans of clips of one set, n or more: of held-out pieces that stand neither in the pairs nor in the reference, in turn.

    Raises:
        InputError: the set is not there, or has fewer sections.
    """
    if pool not in notes.about["pools"]:
        raise InputError(f"--other {pool}: there is no such set; choose from {', '.join(notes.about['pools'])}")
    used = set(chosen.data.clip_piece[np.concatenate([chosen.clips, chosen.others])].tolist())
    mine = np.flatnonzero(notes.piece_heldout & (notes.piece_pool == notes.about["pools"].index(pool)))
    long_enough = np.diff(notes.section_start) >= _MIN_IDS
    rng = np.random.default_rng([seed, 2])
    queues = [
        rng.permutation(np.flatnonzero((notes.section_piece == piece) & long_enough)).tolist()
        for piece in rng.permutation(mine).tolist()
        if piece not in used
    ]
    rounds = max(map(len, queues), default=0)
    sections = [int(queue[turn]) for turn in range(rounds) for queue in queues if turn < len(queue)]
    if len(sections) < n:
        raise InputError(
            f"--other {pool}: has {len(sections)} held-out sections to spare of the {n} needed; name another"
        )
    shifts = rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, len(sections)).tolist()
    return [ClipPlan(s, int(notes.section_piece[s]), 0, shift, True) for s, shift in zip(sections, shifts, strict=True)]
