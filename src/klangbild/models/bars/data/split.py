"""Which pieces are held out: the listed ones, official test parts, and of other sets one cluster in twenty."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib import resources

import numpy as np

HELDOUT_SHARE = 0.05
LARGE_SET, SMALL_CLUSTER = 100, 0.1
"""A set of so many files has something held out; at most so much of it by that."""
HELDOUT_LIST = "notes-heldout.txt"
"""Names ("set/file") of the held-out files, kept in the package so that numbers stay comparable for ever."""


def fixed_heldout() -> set[str]:
    """The held-out names committed with the package (empty before the list was first made)."""
    source = resources.files("klangbild.models.bars.data") / HELDOUT_LIST
    if not source.is_file():
        return set()
    return {line for line in source.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}


def choose_split(names: list[str], splits: list[str | None], cluster: np.ndarray, fixed: set[str]) -> np.ndarray:
    """bool (files,): held out. Official val and test parts are; else a cluster is if the fixed list names one of it or,
    where no list names a file of its set, if the hash of its first name falls into the first 5 %. A large set of which nothing
    fell there gives the small cluster that came nearest."""
    listed_sets = sets_of(fixed)
    heldout = np.zeros(len(names), bool)
    for number in np.unique(cluster):
        members = np.flatnonzero(cluster == number)
        official = any(splits[i] in ("val", "test") for i in members)
        first = min(names[i] for i in members)
        if any(names[i].split("/", 1)[0] in listed_sets for i in members):
            chosen = any(names[i] in fixed for i in members)
        else:
            chosen = _draw(first) < HELDOUT_SHARE
        heldout[members] = official or (chosen and not any(splits[i] == "train" for i in members))
    set_of = np.array([name.split("/", 1)[0] for name in names])
    for name in sorted(set(set_of) - listed_sets):
        mine = set_of == name
        if mine.sum() < LARGE_SET or heldout[mine].any() or any(splits[i] for i in np.flatnonzero(mine)):
            continue
        small = [
            members
            for members in (np.flatnonzero(cluster == number) for number in np.unique(cluster[mine]))
            if len(members) <= SMALL_CLUSTER * mine.sum() and mine[members].all()
        ]
        if small:
            heldout[min(small, key=lambda members: _draw(min(names[i] for i in members)))] = True
    return heldout


def sets_of(names: Iterable[str]) -> set[str]:
    """The sets that "set/file" names name."""
    return {name.split("/", 1)[0] for name in names}


def with_both_sides(heldout: np.ndarray, names: list[str], cluster: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """The split (files,) of a small folder, whose few clusters may all have fallen on one side: then one changes sides.

    usable: bool (files,): has music. Nothing can be held out of a single cluster: that one is trained on.
    """
    heldout = heldout.copy()
    if len(set(heldout[usable].tolist())) == 2:
        return heldout
    firsts = {int(c): min(np.array(names)[usable & (cluster == c)].tolist()) for c in np.unique(cluster[usable])}
    order = sorted(firsts, key=lambda c: _draw(firsts[c]))
    all_held = bool(heldout[usable].all())
    if len(order) > 1 or all_held:
        heldout[cluster == order[-1 if all_held else 0]] = not all_held
    return heldout


def _draw(name: str) -> float:
    """A number in [0, 1) that a name keeps for ever."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32
