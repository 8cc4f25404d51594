"""What the model reads before it fills a gap, which fill is kept, and that what is given is woven in where it stands."""

from dataclasses import replace

import numpy as np
import pytest
from band_pieces import band_piece

from klangbild.models.bars import vocabulary as b
from klangbild.models.bars.bars_window import BarLines, ids_by_bar, laid_back, laid_on_grid
from klangbild.models.bars.fill import Gap, context, fill_gap, seam_of
from klangbild.models.bars.grammar import BarsState
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.bars.weave import Weave, given_notes
from klangbild.models.engines import load_notes_engine
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.music.rules import Rules
from klangbild.settings import Settings

LANGUAGE = BarsLanguage()


def test_what_stands_behind_is_read_first_and_goes_last_where_there_is_no_room():
    piece = band_piece(bars=28)
    lines = BarLines.of(piece)
    assert context(piece, lines, 18, 20, LANGUAGE, room=9000) == [*range(20, 28), *range(18)]
    # a section that is not whole is filled up, so that every section begins where the model counts eight
    assert context(piece, lines, 22, 26, LANGUAGE, room=9000) == [26, 27, *[-1] * 6, *range(22)]
    sizes = [sum(map(len, ids_by_bar(LANGUAGE, laid_on_grid(piece, lines, [bar])))) for bar in range(28)]
    room = sum(sizes[16:20]) + sum(sizes[20:28]) + 60
    assert context(piece, lines, 18, 20, LANGUAGE, room=room) == [*range(20, 28), 16, 17]
    assert context(piece, lines, 18, 20, LANGUAGE, room=sum(sizes[16:20]) + 10) == [16, 17]


def test_a_jump_of_register_or_density_is_a_seam():
    piece = band_piece(bars=12)
    lines, gap = BarLines.of(piece), Gap(4, 8, piece.families)
    true = tuple(replace(t, notes=t.notes[(t.notes["onset"] >= 16) & (t.notes["onset"] < 32)]) for t in piece.tracks)
    high = tuple(
        t if t.is_drum else replace(t, notes=np.array([(*n.tolist()[:2], n["pitch"] + 12, n["velocity"]) for n in t.notes], t.notes.dtype))
        for t in true
    )  # fmt: skip
    thin = tuple(replace(t, notes=t.notes[::3]) for t in true)
    assert seam_of(piece, lines, gap, true) < min(seam_of(piece, lines, gap, other) for other in (high, thin)) - 0.2


def test_the_fill_with_everybody_and_the_least_seam_comes_first():
    piece = band_piece(bars=8)
    stays = replace(piece, tracks=tuple(replace(t, notes=t.notes[t.notes["onset"] < 28]) for t in piece.tracks))
    engine = load_notes_engine(Settings())
    gap = Gap(7, 8, piece.families, frozenset(piece.families))
    fills = fill_gap(piece, gap, stays=stays, model=engine.model, language=LANGUAGE, asked=None, seed=(4,), fills=3)
    ranks = [(fill.silent, fill.seam) for fill in fills]
    assert ranks == sorted(ranks) and len(set(ranks)) > 1


def test_given_notes_come_where_they_stand_whatever_is_drawn():
    notes = make_notes([0.0, 1.0, 1.0, 2.5], [1.0, 1.0, 1.0, 0.5], [60, 64, 67, 62], [70, 70, 70, 70])
    piece = Piece((Track("piano", 0, notes),), length_beats=4.0)
    (ids,) = ids_by_bar(LANGUAGE, piece)
    state = BarsState(Rules(families=("strings",)))
    weave = Weave(0, [ids[:2]], given_notes([ids]))
    found: list[int] = []
    for drawn in (b.BAR_0 + 14, b.POSITION_0 + 12, b.BAR_0 + 14, b.BAR_0 + 14, b.BAR_0 + 14, b.BAR_0 + 14, b.EOS):
        for token in weave.instead(state, drawn):
            state.advance(token)
            found.append(token)
    assert [t for t in found if t not in (b.BAR_0 + 14, b.EOS)][: len(ids) - 1] == ids[1:] and found[: len(ids)] == ids


@pytest.mark.parametrize("meter", [(4, 4), (7, 4), (6, 8)])
def test_bars_are_laid_on_the_grid_and_back_where_they_were(meter):
    beats = 4.0 * meter[0] / meter[1]
    onset = np.arange(8) * beats / 2
    notes = make_notes(onset, np.full(8, beats / 4), [62, 65, 69, 74] * 2, [80] * 8)
    piece = Piece((Track("piano", 0, notes),), meters=((0.0, *meter),), length_beats=4 * beats)
    lines = BarLines.of(piece)
    laid = laid_on_grid(piece, lines, [0, 1, 2, 3])
    moved = laid.transposed(lines.shift)
    (back,) = laid_back(moved, lines, at=float(lines.grid_beats[0]), first=1, last=3, families=("piano",))
    inside = notes[(notes["onset"] >= beats) & (notes["onset"] < 3 * beats)]
    assert np.allclose(back.notes["onset"], inside["onset"]) and np.allclose(back.notes["duration"], inside["duration"])
    assert (back.notes["pitch"] == inside["pitch"]).all()
