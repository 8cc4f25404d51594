"""`Rules`: what a piece must obey, whatever the model would like. Grammars turn them into masks, so they always hold."""

from __future__ import annotations

from dataclasses import dataclass

from klangbild.errors import UsageError
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.timing import IN_TIME, Timing


@dataclass(frozen=True)
class Rules:
    """Wishes and bounds of one piece.

    families: those that may play. required: those that must be heard (in every section). min_instruments: how many
    different ones at the least. mode: "major" or "minor". tempo_bpm: written exactly. meter: (numerator, denominator).
    tempo_place: where in its step of the language a tempo lies, -0.5 .. 0.5; None: at its middle, as decoded.
    bars or seconds: the length (one of them, or neither). whole_bars: the seconds are to be whole bars, so that the tempo is one of
    those at which they are, where there is one (`length.whole_bars_fill`). loop: the last bar leads to the first; there is no closing chord.
    changes_s: seconds, rising, at which another stretch begins, with a tempo and a mode of its own; between them both stay. hits_s: seconds, rising, at which
    a bar line stands (`hits.py`). timing: what the seconds are to count beside the bars. max_notes_per_second, max_notes_at_once: the density that is
    never exceeded.

    Raises:
        UsageError: the wishes contradict each other.
    """

    families: tuple[str, ...] = FAMILY_NAMES
    required: tuple[str, ...] = ()
    min_instruments: int = 1
    mode: str | None = None
    tempo_bpm: float | None = None
    tempo_place: float | None = None
    meter: tuple[int, int] | None = None
    bars: int | None = None
    seconds: float | None = None
    whole_bars: bool = False
    loop: bool = False
    changes_s: tuple[float, ...] = ()
    timing: Timing = IN_TIME
    hits_s: tuple[float, ...] = ()
    max_notes_per_second: float = 45.0
    max_notes_at_once: int = 14

    def __post_init__(self) -> None:
        if not self.families:
            raise UsageError(
                "--without: every instrument family is excluded; leave at least one of " + ", ".join(FAMILY_NAMES)
            )
        if self.min_instruments > len(self.families):
            raise UsageError(
                f"--min-instruments {self.min_instruments} is more than the {len(self.families)} instrument families allowed "
                f"({', '.join(self.families)}); ask for fewer or allow more"
            )
        missing = [name for name in self.required if name not in self.families]
        if missing:
            raise UsageError(f"--instruments and --without both name {', '.join(missing)}; take it out of one of them")
