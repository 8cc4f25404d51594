"""What sections of the training music are like, and in which order they come: the table that `section_plan.py` draws from."""

from __future__ import annotations

import numpy as np

from klangbild.models.bars.data.attributes import attributes_of, knots_of
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.section_plan import SectionTable
from klangbild.music.section_features import FEATURES

SECTIONS = 8192
_MIN_IDS = 64
_MIN_SHARE = 0.1


def gather_sections(data: NoteData, *, pool_shares: dict[str, float], seed: int = 0) -> SectionTable:
    """Attributes and emotion of about `SECTIONS` sections of training pieces (none that is held out), whole pieces at a time.

    pool_shares: how often training draws from each set; sets below a tenth are there for harmony and labels, and are left out.
    """
    shares = pool_shares or dict.fromkeys(data.about["pools"], 1.0)
    pools = [i for i, name in enumerate(data.about["pools"]) if shares.get(name, 0.0) >= _MIN_SHARE]
    piece = data.section_piece
    fits = np.isin(data.piece_pool[piece], pools) & ~data.piece_heldout[piece]
    fits &= (np.diff(data.section_start) >= _MIN_IDS) & np.isfinite(data.valence) & (data.label_source > 0)
    fitting = np.flatnonzero(fits)
    order = np.random.default_rng(seed).permutation(len(data.piece_name))
    fitting = fitting[np.argsort(order[piece[fitting]], kind="stable")][:SECTIONS]
    _, number = np.unique(order[piece[fitting]], return_inverse=True)
    return SectionTable(
        values=attributes_of(data)[fitting],
        valence=data.valence[fitting],
        arousal=data.arousal[fitting],
        bpm=data.features[fitting, FEATURES.index("bpm")],
        piece=number,
        knots=knots_of(data),
    )
