"""What is asked of an edit, once for Python, the command line and REST; checked here, trusted everywhere else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from klangbild.errors import UsageError
from klangbild.music.piece import Key
from klangbild.settings import METERS
from klangbild.slips import nearest, no_key

MAX_BARS = 10_000
_SPAN = re.compile(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?")


def _wish(default: Any, help: str, **metadata: Any) -> Any:
    return field(default=default, metadata={"help": help, **metadata})


@dataclass(frozen=True)
class Wish:
    """What is to be done to a piece. As Python callers may write them, `bars` is a text like "9-16,21", a number, a pair, or several pairs.

    Raises:
        UsageError: a value is out of range, or nothing is asked for.
    """

    bars: str | None = _wish(
        None, "these bars are written anew, the first is 1: 9-16, or several: 5-8,13-16", metavar="A-B"
    )
    anew: bool | None = _wish(None, "write what is named anew, in its context (what --bars and --keep do anyway)")
    part: str | None = _wish(
        None, "only this part of the bars: a family (strings), an instrument (violin), or melody", metavar="PART"
    )
    keep: str | None = _wish(
        None,
        "this part stays note for note, all others are written anew: melody, drums, or another part",
        metavar="PART",
    )
    vary: float | None = _wish(
        None,
        "the same piece, changed a little (0.1) or much (1); key, form and length stay",
        min=0.0,
        max=1.0,
        metavar="X",
    )
    players: tuple[str, ...] | None = _wish(
        None, "who plays it: families or instruments, comma-separated; every note keeps its pitch class", metavar="LIST"
    )
    key: str | None = _wish(
        None,
        "moved into this key, like 'C' or 'F# minor'; another mode changes its thirds, sixths and sevenths",
        metavar="K",
    )
    tempo: float | None = _wish(
        None, "beats a minute; its changes of tempo move along", min=20.0, max=400.0, metavar="BPM"
    )
    meter: str | None = _wish(
        None,
        "bars of this meter: what is too much of a bar is left out, what is too little is held",
        metavar="M",
        choices=METERS,
    )
    calmer: bool | None = _wish(None, "calmer: slower, softer, smoother, with fewer strokes")
    livelier: bool | None = _wish(None, "livelier: quicker, louder, shorter notes")
    brighter: bool | None = _wish(None, "brighter: major where it was minor, and a little quicker")
    darker: bool | None = _wish(None, "darker: minor where it was major, and a little slower")
    seed: int | None = _wish(
        None,
        "the same seed writes the same bars; default: a new one, told and stored",
        min=0,
        max=2**32 - 1,
        metavar="N",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "bars", bars_as_text(self.bars))
        for knob in fields(self):
            value = getattr(self, knob.name)
            if value is False and str(knob.type).startswith("bool"):
                object.__setattr__(self, knob.name, None)
            elif isinstance(value, str) and str(knob.type).startswith("tuple"):
                object.__setattr__(self, knob.name, tuple(part.strip() for part in value.split(",") if part.strip()))
            _check(knob, getattr(self, knob.name))
        self._agree()

    def _agree(self) -> None:
        """Raises UsageError: nothing is asked for, or wishes exclude each other."""
        given = [knob.name for knob in fields(self) if getattr(self, knob.name) is not None and knob.name != "seed"]
        if given == ["anew"]:
            raise UsageError("--anew: say what is to be written anew, like --bars 9-16, or --keep melody")
        if not given:
            raise UsageError("there is nothing to edit; say what, like --bars 9-16 --anew, or --vary 0.3")
        if self.part is not None and self.bars is None:
            raise UsageError("--part says who writes its bars anew; give --bars as well")
        for one, other, why in (
            ("part", "keep", "say either who is written anew, or who stays"),
            ("vary", "bars", "--vary chooses the bars itself"),
            ("vary", "keep", "--vary changes all parts alike"),
            ("calmer", "livelier", "choose one"),
            ("brighter", "darker", "choose one"),
        ):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise UsageError(f"--{one} and --{other} exclude each other: {why}")
        if self.key is not None:
            try:
                Key.parse(self.key)
            except ValueError:
                raise UsageError(no_key(self.key)) from None

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The bars as (first, last + 1) counted from 0, in order, those that touch joined."""
        return () if self.bars is None else spans_of(self.bars)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values of what was asked."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value is not None
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Wish:
        """The inverse of `as_dict`. Raises UsageError: a name is unknown, or a value wrong."""
        known = [knob.name for knob in fields(cls)]
        for name in values:
            if name not in known:
                close = nearest(str(name), known)
                raise UsageError(
                    f"'{str(name)[:60]}' is nothing an edit knows"
                    + (f"; did you mean '{close}'?" if close else f"; choose from {', '.join(known)}")
                )
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) and name != "bars" else value
                for name, value in values.items()
            }
        )


def bars_as_text(bars: Any) -> str | None:
    """Bars as a caller may give them -> "9-16,21"; None stays.

    >>> bars_as_text((9, 16)), bars_as_text([(5, 8), (13, 16)]), bars_as_text(3), bars_as_text("13-16, 5 - 8,9")
    ('9-16', '5-8,13-16', '3', '5-9,13-16')

    Raises:
        UsageError: they are none, or count backwards.
    """
    if bars is None:
        return None
    if isinstance(bars, bool) or not isinstance(bars, (str, int, Iterable)):
        raise UsageError(f"--bars {str(bars)[:40]}: give bars like 9-16, or 5-8,13-16; the first is 1")
    if not isinstance(bars, str):
        rows = [bars] if isinstance(bars, int) else list(bars)
        if len(rows) == 2 and all(isinstance(row, int) and not isinstance(row, bool) for row in rows):
            rows = [tuple(rows)]
        texts = []
        for row in rows:
            pair = (row, row) if isinstance(row, int) else tuple(row) if isinstance(row, (tuple, list)) else (None,)
            if len(pair) != 2 or not all(isinstance(bar, int) and not isinstance(bar, bool) for bar in pair):
                raise UsageError(f"bars={str(bars)[:40]!r}: give pairs of bars like (9, 16), the first is 1")
            texts.append(f"{pair[0]}-{pair[1]}")
        bars = ",".join(texts)
    return ",".join(f"{first + 1}-{last}" if last > first + 1 else str(last) for first, last in spans_of(bars))


def spans_of(text: str) -> tuple[tuple[int, int], ...]:
    """ "9-16,21" -> ((8, 16), (20, 21)): counted from 0, in order, those that touch or overlap joined. Raises UsageError."""
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part)
        if match is None:
            raise UsageError(f"--bars '{text[:40]}': give bars like 9-16, or 5-8,13-16; the first is 1")
        first, last = int(match[1]), int(match[2] or match[1])
        if first < 1:
            raise UsageError(f"--bars {part.strip()}: bars count from 1")
        if last < first:
            raise UsageError(f"--bars {part.strip()} counts backwards; write {last}-{first}")
        if last > MAX_BARS:
            raise UsageError(f"--bars {part.strip()}: no piece has more than {MAX_BARS} bars")
        found.append((first - 1, last))
    joined: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def _check(knob: Any, value: Any) -> None:
    """One value against its field. Raises UsageError."""
    if value is None:
        return
    flag, meta = "--" + knob.name.replace("_", "-"), knob.metadata
    if str(knob.type).startswith("bool"):
        if not isinstance(value, bool):
            raise UsageError(f"{flag} is a switch; give true, or leave it out")
    elif str(knob.type).startswith("tuple"):
        if not isinstance(value, tuple) or not value or not all(isinstance(one, str) and one.strip() for one in value):
            raise UsageError(f"{flag} {str(value)[:40]}: give names, like strings,winds,bass")
    elif "min" in meta:
        whole = str(knob.type).startswith("int")
        number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not meta["min"] <= value <= meta["max"]:
            kind = "a whole number" if whole else "a number"
            raise UsageError(f"{flag} {str(value)[:40]}: give {kind} from {meta['min']} to {meta['max']}")
    elif "choices" in meta:
        if value not in meta["choices"]:
            close = nearest(str(value), meta["choices"])
            hint = f"did you mean '{close}'?" if close else f"choose from {', '.join(meta['choices'])}"
            raise UsageError(f"{flag} '{str(value)[:40]}' is not known; {hint}")
    elif not isinstance(value, str) or not value.strip():
        raise UsageError(f"{flag} '{str(value)[:40]}' is no text; say what is meant")
