"""Which instruments play together in the training music: the table that `notes.ensemble` draws from."""

from __future__ import annotations

import numpy as np

from klangbild.data.note_data import NoteData
from klangbild.notes import bars
from klangbild.notes.ensemble import Ensembles

SECTIONS = 4096
_FEWEST_IDS = 64
_FEWEST_SHARE = 0.1


def gather_ensembles(data: NoteData, *, pool_shares: dict[str, float], seed: int = 0) -> Ensembles:
    """Families and emotion of up to `SECTIONS` sections of training pieces (none that is held out).

    pool_shares: how often training draws from each set; sets below a tenth are there for harmony and labels, and are left out.
    """
    shares = pool_shares or dict.fromkeys(data.about["pools"], 1.0)
    pools = [i for i, name in enumerate(data.about["pools"]) if shares.get(name, 0.0) >= _FEWEST_SHARE]
    piece = data.section_piece
    fits = np.isin(data.piece_pool[piece], pools) & ~data.piece_heldout[piece]
    sections = np.flatnonzero(fits & (np.diff(data.section_start) >= _FEWEST_IDS) & np.isfinite(data.valence))
    rng = np.random.default_rng(seed)
    sections = rng.permutation(sections)[:SECTIONS]
    families = np.zeros(len(sections), np.uint16)
    for row, section in enumerate(sections):
        ids = data.ids[data.section_start[section] : data.section_start[section + 1]].astype(int)
        notes = ids[(ids >= bars.NOTE_0) & (ids < bars.DURATION_0)] - bars.NOTE_0
        families[row] = sum(1 << int(family) for family in np.unique(notes // bars.N_PITCHES))
    heard = families > 0
    return Ensembles(families[heard], data.valence[sections][heard], data.arousal[sections][heard])
