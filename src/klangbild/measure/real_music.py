"""Real music to measure against: the held-out pieces of the prepared data, as pieces on the grid of our note language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import BarsLanguage
from klangbild.music.piece import Piece


def pieces_of(
    data: NoteData,
    pool: str,
    *,
    heldout: bool = True,
    most: int | None = None,
    sections: int | None = None,
    from_start: bool = False,
) -> Iterator[tuple[str, Piece]]:
    """(name, piece) of one set on one side of the split, in the file's order; `most` of them, evenly spread.

    sections: only that many 8-bar sections from the middle of each piece (or its start), so that long pieces do not weigh more.

    Raises:
        InputError: the data has no such set, or none of it on this side.
    """
    if pool not in data.about["pools"]:
        raise InputError(f"the prepared data has no set '{pool}'; it has {', '.join(data.about['pools'])}")
    sizes = np.bincount(data.section_piece, weights=np.diff(data.section_start), minlength=len(data.piece_name))
    mine = (data.piece_pool == data.about["pools"].index(pool)) & (data.piece_heldout == heldout) & (sizes > 0)
    numbers = np.flatnonzero(mine)
    if not len(numbers):
        raise InputError(f"the prepared data has no {'held-out ' if heldout else ''}pieces of '{pool}'")
    if most and most < len(numbers):
        numbers = numbers[np.unique(np.linspace(0, len(numbers) - 1, most).astype(int))]
    language = BarsLanguage()
    for number in numbers:
        first, last = np.searchsorted(data.section_piece, [number, number + 1])
        if sections and last - first > sections:
            first += 0 if from_start else (last - first - sections) // 2
            last = first + sections
        piece = language.decode(data.ids[data.section_start[first] : data.section_start[last]])
        if piece.n_notes:
            yield str(data.piece_name[number]), replace(piece, record=None)
