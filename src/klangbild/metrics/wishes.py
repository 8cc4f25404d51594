"""Wishes held: does a piece have the instruments, key, tempo, meter and length that were asked of it?

Conventions
    Wishes come from the result record that our files carry (`settings`), so that a folder of files measures itself. The
    length may differ by one bar. Wishes that were not made are not counted.

Metrics
    wishes_held    share of the wishes made that hold, 0..1; NaN when nothing was wished.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from klangbild.errors import InputError
from klangbild.music.describe import main_tempo
from klangbild.music.piece import Key, Piece

BPM_TOLERANCE = 0.01


def wishes_of(piece: Piece) -> dict[str, Any]:
    """The settings in the record that the piece carries; empty for music of others.

    Raises:
        InputError: the record is there but is not ours to read.
    """
    if not piece.record:
        return {}
    try:
        return dict(json.loads(piece.record).get("settings", {}))
    except (ValueError, AttributeError, TypeError):
        raise _damaged() from None


def _damaged() -> InputError:
    return InputError("the record inside this MIDI file is damaged; make the piece again")


def check(piece: Piece, wishes: Mapping[str, Any]) -> OrderedDict[str, str]:
    """Each wish that was made -> "" if it holds, else what is wrong."""
    out: OrderedDict[str, str] = OrderedDict()
    playing = set(piece.families)
    if wishes.get("instruments"):
        wanted = set(wishes["instruments"]) - set(wishes.get("without") or ())
        out["instruments"] = "" if playing == wanted else f"{sorted(playing)} play, {sorted(wanted)} were wished"
    if wishes.get("without"):
        heard = playing & set(wishes["without"])
        out["without"] = f"{sorted(heard)} play, which were not wanted" if heard else ""
    if (least := wishes.get("min_instruments") or 1) > 1:
        out["min_instruments"] = "" if len(playing) >= least else f"{len(playing)} families, at least {least} wished"
    if wishes.get("key"):
        wanted = Key.parse(str(wishes["key"]))
        out["key"] = "" if piece.key == wanted else f"key {piece.key}, {wanted} was wished"
    if wishes.get("tempo"):
        bpm = main_tempo(piece)
        out["tempo"] = (
            ""
            if abs(bpm - float(wishes["tempo"])) <= BPM_TOLERANCE
            else f"tempo {bpm:g}, {wishes['tempo']:g} was wished"
        )
    if wishes.get("meter"):
        heard = {f"{n}/{d}" for _, n, d in piece.meters}
        out["meter"] = "" if heard == {wishes["meter"]} else f"meter {sorted(heard)}, {wishes['meter']} was wished"
    bar_beats = 4.0 * piece.meters[0][1] / piece.meters[0][2]
    if wishes.get("bars"):
        # the last bar may be cut short in the file by its last note
        gap = abs(piece.end_beats / bar_beats - wishes["bars"])
        out["bars"] = (
            "" if gap < 1.0 + 1e-6 else f"{piece.end_beats / bar_beats:.1f} bars, {wishes['bars']} were wished"
        )
    elif wishes.get("seconds"):
        bar_s = bar_beats * 60.0 / main_tempo(piece)
        gap = abs(piece.seconds - float(wishes["seconds"]))
        out["seconds"] = "" if gap <= bar_s + 0.01 else f"{piece.seconds:.1f} s, {wishes['seconds']:g} were wished"
    return out


def evaluate(piece: Piece, wishes: Mapping[str, Any] | None = None) -> OrderedDict[str, float]:
    """All scores of this file by name. Raises InputError: its record is damaged."""
    try:
        checked = check(piece, wishes_of(piece) if wishes is None else wishes)
    except (ValueError, TypeError, KeyError):
        raise _damaged() from None
    held = [not text for text in checked.values()]
    return OrderedDict(wishes_held=sum(held) / len(held) if held else float("nan"))
