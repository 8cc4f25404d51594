"""Another tempo, or bars of another meter: ticks move, or what a beat lasts, and no pitch does."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

import numpy as np

from klangbild.editing.midi_events import METER, TEMPO, Event, MidiEvents, held_by, meta, ticks_of
from klangbild.editing.parts import Opened
from klangbild.models.bars.bars_window import BarLines
from klangbild.music.describe import main_tempo

_MOST = 0xFFFFFF
_USUAL = 500_000


def at_tempo(opened: Opened, bpm: float) -> MidiEvents:
    """The file at a tempo, which its main one becomes; its changes of tempo move along."""
    return times_faster(opened.events, bpm / main_tempo(opened.piece), exact={main_tempo(opened.piece): bpm})


def times_faster(events: MidiEvents, ratio: float, exact: dict[float, float] | None = None) -> MidiEvents:
    """The file with every tempo times a ratio. exact: tempi (bpm, of four places) that become just these."""

    def quicker(_: int, event: Event) -> Event:
        if not event.is_meta or event.data[1] != TEMPO:
            return event
        held = int.from_bytes(held_by(event)[1], "big")
        wanted = (exact or {}).get(round(60e6 / held, 4)) if held else None
        return meta(event.tick, TEMPO, _tempo(60e6 / wanted if wanted else held / ratio))

    has = any(e.is_meta and e.data[1] == TEMPO and e.tick == 0 for track in events.tracks for e in track)
    out = events.changed(quicker)
    if not has and out.tracks:
        wanted = (exact or {}).get(120.0)
        first = meta(0, TEMPO, _tempo(60e6 / wanted if wanted else _USUAL / ratio))
        out = replace(out, tracks=[[first, *out.tracks[0]], *out.tracks[1:]])
    return out


def in_meter(opened: Opened, numerator: int, denominator: int) -> tuple[MidiEvents, tuple[str, ...]]:
    """The file in bars of another meter; and what its asker should know.

    Bars of the same length are counted anew. Shorter ones leave out what begins beyond their end; in longer ones what lasts until the bar line is held
    on to it.
    """
    lines, events = BarLines.of(opened.piece), opened.events
    size = int(ticks_of(4.0 * numerator / denominator, events.division))
    old = [int(tick) for tick in ticks_of(lines.starts, events.division)]
    new = [bar * size for bar in range(len(old))]
    lengths = np.diff(old)

    def placed(tick: int) -> int:
        bar = min(max(bisect_right(old, tick) - 1, 0), len(lengths))
        if bar >= len(lengths):
            return new[-1] + tick - old[-1]
        return new[bar] + min(tick - old[bar], size)

    gone, kept = [], []
    for note in events.notes():
        bar = bisect_right(old, note.begin) - 1
        inside = bar >= len(lengths) or note.begin - old[bar] < size
        begin, end = placed(note.begin), placed(note.end)
        (kept if inside and end > begin else gone).append(note)
    out = events.replaced(gone, [])
    tracks = [
        [
            Event(placed(event.tick), event.data)
            for event in track
            if not (event.is_meta and event.data[1] == METER)
        ]
        for track in out.tracks
    ]  # fmt: skip
    sign = meta(0, METER, bytes([numerator, denominator.bit_length() - 1, 24, 8]))
    tracks[0] = [sign, *tracks[0]]
    told = ()
    if gone:
        told = (f"--meter {numerator}/{denominator}: {len(gone)} notes beyond the end of a shorter bar were left out",)
    elif (lengths < size).any():
        told = (f"--meter {numerator}/{denominator}: what lasts until the bar line is held for the longer bar",)
    return replace(out, tracks=tracks, ends=[placed(end) for end in out.ends]), told


def _tempo(microseconds: float) -> bytes:
    return min(max(round(microseconds), 1), _MOST).to_bytes(3, "big")
