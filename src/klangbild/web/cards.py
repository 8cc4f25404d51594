"""Parts of the page that are made of more than one field: examples with their rolls, engines as cards, groups of settings, keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from klangbild.models.registry import ENGINES
from klangbild.web import texts
from klangbild.web.form_fields import FormField

HERE = Path(__file__).resolve().parent
SPEEDS = (0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5)
_PICTURE = ("emotion_model", "kind", "path", "gaze", "guidance", "image_tokens", "synapse")
_MACHINE = ("soundfont", "loudness", "device", "precision", "offload", "commercial")
_WIDTH, _LANE = 200, 9
Tell = Callable[[str], str]
"""Says an English sentence in the page's language."""


def groups(fields: Iterable[FormField]) -> tuple[tuple[str, list[FormField]], ...]:
    """The fields of *Advanced* by what they are about: (name of the group, its fields), in order."""
    fields = list(fields)
    seen = [f for f in fields if f.name in _PICTURE or f.group == "emotion"]
    heard = [f for f in fields if f not in seen and (f.name in _MACHINE or f.group == "sound")]
    written = [f for f in fields if f not in seen and f not in heard]
    names = texts.GROUPS
    return tuple((name, found) for name, found in zip(names, (seen, written, heard), strict=True) if found)


def engine_cards(tell: Tell, field: FormField, here: tuple[str, ...]) -> str:
    """The engines as cards with a name and a line each; one that cannot run here says why. "" where there is only one."""
    if len(here) < 2:
        return ""
    cards = []
    for name in ENGINES:
        title, line = texts.ENGINE_WORDS.get(name, (name, field.help))
        missing = name not in here
        state = " disabled" if missing else " checked" if name == field.default else ""
        about = tell(texts.PAGE["engine_missing"]) if missing else tell(line)
        cards.append(
            f'<label class="engine"><input type="radio" name="engine" value="{name}"{state}>'
            f"<strong>{escape(tell(title))}</strong> <span>{escape(about)}</span></label>"
        )
    return (
        f'<fieldset class="field" data-engines="{" ".join(field.engines)}"><legend>{escape(tell(field.label))}</legend>'
        f'<div class="engines" id="k-engine" data-field="engine">{"".join(cards)}</div>'
        '<p class="error" id="e-engine" hidden></p></fieldset>'
    )


def speeds(number: Callable[[Any], str]) -> str:
    """The speeds that the player offers, as options; number: writes one as the language does."""
    return "".join(
        f'<option value="{speed:g}"{" selected" if speed == 1 else ""}>{number(speed)}×</option>' for speed in SPEEDS
    )


def key_list(tell: Tell) -> str:
    """What the keys do, as rows of a list."""
    return "".join(f"<dt>{escape(tell(key))}</dt><dd>{escape(tell(words))}</dd>" for key, words in texts.KEYS)


def example_card(tell: Tell, index: int, example: dict[str, Any]) -> str:
    """An example: its picture, its roll, its name."""
    label = escape(tell(texts.PAGE["example"]).format(title=tell(example["title"])))
    return (
        f'<li><button type="button" class="example" data-example="{index}" aria-label="{label}">'
        f'<img src="/examples/{escape(example["thumbnail"])}" alt="{escape(tell(example["alt"]))}" width="320" height="213" loading="lazy">'
        f"{_small_roll(example['result'])}"
        '<span class="example-name"><svg viewBox="0 0 10 10" aria-hidden="true"><path d="M2 1l7 4-7 4z"/></svg>'
        f"{escape(tell(example['title']))}</span></button></li>"
    )


@lru_cache(maxsize=64)
def _small_roll(result: str) -> str:
    """The roll of an example as a drawing of lanes, each note a stroke."""
    roll = json.loads((HERE / "examples" / result).read_text(encoding="utf-8"))["roll"]
    lanes, scale = roll["lanes"], _WIDTH / max(roll["seconds"], 1.0)
    drawn = []
    for index, lane in enumerate(lanes):
        pitches = [note[2] for note in lane["notes"]]
        low, rows = min(pitches, default=0), max(max(pitches, default=1) - min(pitches, default=0), 12)
        strokes = "".join(
            f"M{onset * scale:.1f} {index * _LANE + _LANE - 1.5 - (pitch - low) / rows * (_LANE - 3):.1f}h{max(duration * scale, 0.8):.1f}"
            for onset, duration, pitch, _ in lane["notes"]
        )
        drawn.append(f'<path d="{strokes}" stroke="{lane["colour"]}"/>')
    height = max(len(lanes), 1) * _LANE
    return (
        f'<svg class="example-roll" viewBox="0 0 {_WIDTH} {height}" preserveAspectRatio="none" aria-hidden="true" fill="none" '
        f'stroke-width="1.1">{"".join(drawn)}</svg>'
    )
