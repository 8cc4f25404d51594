"""The recorded language of midi-emotion against ours: ids to notes, notes to bars, transposition, labels of emotions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from klangbild.metrics.parity import Comparison, n_different
from klangbild.models.aria import vocabulary as v
from klangbild.models.aria.decode_strict import TimedNote, count_instruments, decode_strict, encode_strict, transpose
from klangbild.models.aria.emotion_tokens import bin_of_strict, label
from klangbild.models.aria.notes_from_file import notes_from_file


def compare_codec(codec: dict, tolerance: dict) -> Iterator[Comparison]:
    """Every case of a `codec.json`."""
    symbols = v.with_emotion_tokens().symbols
    for case in codec.get("decode", ()):
        name, notes = f"codec/decode/{case['name']}", decode_strict(case["ids"])
        yield Comparison(f"{name}/symbols", n_unequal([symbols[i] for i in case["ids"]], case["symbols"]), 0)
        yield Comparison(f"{name}/instruments", abs(count_instruments(case["ids"]) - case["n_instruments"]), 0)
        yield Comparison(f"{name}/notes", note_error(notes, case["notes"]), tolerance["notes_s"])
        error = note_error(notes_from_file(notes), case["notes_from_file"])
        yield Comparison(f"{name}/notes_from_file", error, tolerance["notes_s"])
    for case in codec.get("encode", ()):
        name = f"codec/encode/{case['name']}"
        notes = [TimedNote(row[0].lower(), *row[1:4]) for row in case["notes"]]
        try:
            bars = encode_strict(notes, case["downbeats"])
        except ValueError:  # a song that the published code drops has no bars either
            bars = []
        ids = np.concatenate(bars) if bars else np.empty(0, np.int64)
        rows = [[_event_value(int(i)) for i in bar] for bar in bars]
        yield Comparison(f"{name}/bars", n_unequal(rows, case["bars_event_value"] or ()), tolerance["ids"])
        yield Comparison(f"{name}/ids", n_different(ids, case["ids"] or ()), tolerance["ids"])
        for semitones, moved in case.get("transposed", {}).items():
            error = n_different(transpose(ids, int(semitones)), moved)
            yield Comparison(f"{name}/transposed{int(semitones):+d}", error, tolerance["ids"])
    if "discretise" in codec:
        found = {value: _strict_label(float(value)) for value in codec["discretise"]}
        wrong = sum(found[value] != name for value, name in codec["discretise"].items())
        yield Comparison("codec/discretise", wrong, tolerance["ids"])


def _event_value(token: int) -> list[int]:
    """[event index, value] as the recorded bars write an id."""
    if v.is_shift(token):
        return [2 * len(v.INSTRUMENTS), v.shift_ms(token)]
    instrument, on, pitch = v.parse_note(token)
    return [2 * instrument + on, pitch]


def _strict_label(value: float) -> str:
    try:
        return label("V", bin_of_strict(value))
    except IndexError:
        return "IndexError"


def n_unequal(ours: Any, recorded: Any) -> int:
    """How many entries differ; of lists of other lengths every missing or extra one."""
    ours, recorded = list(ours), list(recorded)
    return sum(a != b for a, b in zip(ours, recorded, strict=False)) + abs(len(ours) - len(recorded))


def note_error(notes: list[TimedNote], recorded: list) -> float:
    """The largest difference of a start or end in seconds; infinity if anything else of any note differs."""
    if len(notes) != len(recorded):
        return float("inf")
    error = 0.0
    for note, row in zip(notes, recorded, strict=True):
        if [note.instrument, note.program, note.instrument == "drums", note.velocity, note.pitch] != row[:5]:
            return float("inf")
        error = max(error, abs(note.start_s - row[5]), abs(note.end_s - row[6]))
    return error
