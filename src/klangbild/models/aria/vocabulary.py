"""The ids of `events`, the note language of midi-emotion and ARIA: notes go ON and OFF, and time shifts between them.

| ids | meaning |
|---|---|
| 0, 1 | `<PAD>`, `<START>` |
| 2..881 | for each instrument (`INSTRUMENTS`), OFF then ON, pitches 21..108: `2 + 176 * instrument + 88 * on + pitch - 21` |
| 882..1006 | TIMESHIFT of 8, 16, ... 1000 ms |
| 1007..1016 | only with `discrete_token`: the emotion tokens, sorted as strings, so that A comes before V and -1 before -2 |

The order of the emotion tokens is an accident of sorting and may differ in a checkpoint of others; `from_mappings` reads it
from the `mappings.pt` beside the weights, and refuses any other surprise.

Reference: Sulun, Davies, Viana (2022), IEEE Access 10:44617, and the tables that their published code writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from klangbild.errors import InputError

INSTRUMENTS: tuple[str, ...] = ("drums", "guitar", "bass", "piano", "strings")
"""In the order of their ids."""
MIN_PITCH, MAX_PITCH = 21, 108
N_PITCHES = MAX_PITCH - MIN_PITCH + 1
GRID_MS, MAX_SHIFT_MS = 8, 1000
PAD, START = 0, 1
NOTE_0 = 2
SHIFT_0 = NOTE_0 + len(INSTRUMENTS) * 2 * N_PITCHES
BASE_SIZE = SHIFT_0 + MAX_SHIFT_MS // GRID_MS
EMOTION_LABELS = ("-2", "-1", "0", "1", "2")
"""The five bins of valence or arousal, from lowest to highest."""


def note_id(instrument: int, pitch: int, *, on: bool) -> int:
    """The id of an ON or OFF. `instrument`: index into `INSTRUMENTS`; `pitch`: 21..108.

    >>> note_id(3, 60, on=True)
    657
    """
    return NOTE_0 + (2 * instrument + on) * N_PITCHES + pitch - MIN_PITCH


def shift_id(milliseconds: int) -> int:
    """The id of a TIMESHIFT of 8, 16, ... 1000 ms.

    >>> shift_id(496)
    943
    """
    return SHIFT_0 + milliseconds // GRID_MS - 1


def parse_note(token: int) -> tuple[int, bool, int]:
    """(instrument index, is it an ON, pitch) of a note id (2..881)."""
    row, pitch = divmod(token - NOTE_0, N_PITCHES)
    instrument, on = divmod(row, 2)
    return instrument, bool(on), pitch + MIN_PITCH


def shift_ms(token: int) -> int:
    """Milliseconds of a TIMESHIFT id (882..1006)."""
    return (token - SHIFT_0 + 1) * GRID_MS


def is_note(token: int) -> bool:
    return NOTE_0 <= token < SHIFT_0


def is_shift(token: int) -> bool:
    return SHIFT_0 <= token < BASE_SIZE


def base_symbols() -> list[str]:
    """The 1007 names in the order of their ids: `<PAD>`, `<START>`, `OFF_DRUMS_21`, ..., `TIMESHIFT_1000`."""
    names = ["<PAD>", "<START>"]
    for instrument in INSTRUMENTS:
        for switch in ("OFF", "ON"):
            names += [f"{switch}_{instrument.upper()}_{p}" for p in range(MIN_PITCH, MAX_PITCH + 1)]
    return names + [f"TIMESHIFT_{ms}" for ms in range(GRID_MS, MAX_SHIFT_MS + 1, GRID_MS)]


@dataclass(frozen=True)
class EventsVocabulary:
    """The base ids and whatever special symbols a checkpoint appends after them (emotion tokens, `<CLS>`), in order."""

    extra: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return BASE_SIZE + len(self.extra)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The name of each id, 0..size-1."""
        return (*base_symbols(), *self.extra)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Name -> id."""
        return {name: index for index, name in enumerate(self.symbols)}

    @cached_property
    def special(self) -> np.ndarray:
        """Ids of the symbols that are no music (their names start with "<"), int64 (k,)."""
        return np.array([i for i, name in enumerate(self.symbols) if name.startswith("<")], dtype=np.int64)

    def save(self, path: Path) -> None:
        """Write the names, in the order of their ids, as JSON."""
        path.write_text(json.dumps(self.symbols, indent=0) + "\n", encoding="utf-8")

    @staticmethod
    def load(path: Path) -> EventsVocabulary:
        """Read what `save` wrote. Raises InputError: missing, damaged, or not this language."""
        try:
            names = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: the vocabulary cannot be read ({error}); convert the model again") from None
        return _checked(names if isinstance(names, list) else [], where=str(path))


def with_emotion_tokens(labels: Iterable[str] | None = None) -> EventsVocabulary:
    """The vocabulary of `discrete_token`: the labels found in the data (default: all ten), sorted as strings.

    >>> with_emotion_tokens().size, with_emotion_tokens().symbols[1007], with_emotion_tokens().symbols[1014]
    (1017, '<A-1>', '<V0>')
    """
    if labels is None:
        labels = [f"<{axis}{label}>" for axis in "AV" for label in EMOTION_LABELS]
    return EventsVocabulary(tuple(sorted(set(labels))))


def from_mappings(mappings: Mapping, *, where: str = "mappings.pt") -> EventsVocabulary:
    """The dict of a `mappings.pt` -> the vocabulary, checked id for id against this language.

    Raises:
        InputError: keys are missing, or an id means something else than it does here.
    """
    try:
        events = {int(index): str(name) for index, name in mappings["idx2event"].items()}
        symbols = {int(index): symbol for index, symbol in mappings["idx2tuple"].items()}
        backwards = {symbol: int(index) for symbol, index in mappings["tuple2idx"].items()}
        if any(backwards.get(symbol) != index for index, symbol in symbols.items()):
            raise InputError(f"{where}: its two tables of ids contradict each other; fetch the file again")
        names = [_name(symbols[index], events) for index in range(len(symbols))]
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
        first = (str(error).splitlines() or [""])[0][:120]
        raise InputError(
            f"{where}: is not a midi-emotion mappings file ({type(error).__name__}: {first}); give the one beside the model"
        ) from None
    return _checked(names, where=where)


def _name(symbol: object, events: Mapping[int, str]) -> str:
    if isinstance(symbol, str):
        return symbol
    event, value = symbol  # type: ignore[misc] - anything else raises, and is caught above
    return f"{events[int(event)]}_{int(value)}"


def _checked(names: list[str], *, where: str) -> EventsVocabulary:
    base = base_symbols()
    for index, name in enumerate(base):
        if index >= len(names) or names[index] != name:
            found = str(names[index])[:80] if index < len(names) else "nothing"
            raise InputError(f"{where}: id {index} is {found}, not {name}; this is not the vocabulary of midi-emotion")
    extra = tuple(str(name) for name in names[BASE_SIZE:])
    strange = [name for name in extra if not (name.startswith("<") and name.endswith(">"))]
    if strange or len(set(extra)) != len(extra):
        raise InputError(
            f"{where}: has unknown or doubled ids after {BASE_SIZE - 1} ({', '.join(strange) or 'doubled'})"
        )
    return EventsVocabulary(extra)
