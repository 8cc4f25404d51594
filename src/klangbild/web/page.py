"""The page's HTML: `static/page.html` with the texts of `texts.py` and fields made from the settings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from klangbild import __version__
from klangbild.emotion.space import Emotion
from klangbild.formats.table import TABLE
from klangbild.music.piece import PITCH_NAMES
from klangbild.picture.formats import ACCEPT
from klangbild.settings import Settings, flag_of
from klangbild.web import texts
from klangbild.web.cards import engine_cards, example_card, groups, key_list, speeds
from klangbild.web.catalogue import LANGUAGES, decimal_sign, said, spoken, written
from klangbild.web.form_fields import MAX_LETTERS, FormField, form_fields, installed_engines, json_type, label_of

HERE = Path(__file__).resolve().parent
# where the page shows a field other than in its group's fold
_FIRST_PAGE = ("text", "negative", "engine", "seconds")
_READ = ("text", "negative")  # fields of words, each marked as it is heard
_ON_THE_PAD = ("valence", "arousal")
_NOT_HERE = {"cuda": texts.PAGE["no_gpu"], "midi-emotion": texts.PAGE["no_aria"]}
_STEPS = {"seconds": 1, "tempo": 1, "loudness": 0.5, "guidance": 0.1}


@dataclass(frozen=True)
class _Teller:
    """Says the page's sentences and numbers in a language."""

    language: str

    def __call__(self, english: str) -> str:
        return said(english, self.language)

    def number(self, value: Any) -> str:
        return written(value, self.language)


def page_html(*, allow_url: bool = False, language: str = "en") -> str:
    """The whole page in a language, for the engines and models that are installed now."""
    tell = _Teller(language)
    known = {field.name: field for field in form_fields()}
    folded = [k for k in known.values() if k.name not in (*_FIRST_PAGE, *_ON_THE_PAD)]
    here = installed_engines()
    music = [k for k in folded if k.group == "music"]
    advanced = groups(k for k in folded if k.group != "music" and set(k.engines) & set(here))
    words = {f"t_{name}": escape(tell(text)) for name, text in texts.PAGE.items()}
    template = Template((HERE / "static" / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        words,
        language=language,
        languages=_languages(tell),
        title=texts.TITLE,
        claim=escape(tell(texts.CLAIM)),
        version=escape(__version__),
        url_row=_url_row(tell) if allow_url else "",
        accept=ACCEPT,
        examples="".join(example_card(tell, index, example) for index, example in enumerate(examples())),
        words_field=_field(tell, known["text"], help_text=tell(texts.PAGE["words_help"])),
        negative_field=_field(tell, known["negative"]) if set(known["negative"].engines) & set(here) else "",
        engine_cards=engine_cards(tell, known["engine"], here),
        length_field=_field(tell, known["seconds"]),
        music_fields="".join(_field(tell, k) for k in music if set(k.engines) & set(here)),
        advanced_groups="".join(
            f'<h3 class="group-name">{escape(tell(name))}</h3><div class="fields">{"".join(_field(tell, k) for k in found)}</div>'
            for name, found in advanced
        ),
        speeds=speeds(tell.number),
        key_list=key_list(tell),
        about=_about(tell),
        data=json.dumps(_data(tell, known), ensure_ascii=False).replace("<", "\\u003c"),
    )


def examples() -> list[dict[str, Any]]:
    """The ready-made results in `examples/`, in the order of its index."""
    index = HERE / "examples" / "index.json"
    return json.loads(index.read_text(encoding="utf-8")) if index.exists() else []


def _data(tell: _Teller, known: dict[str, FormField]) -> dict[str, Any]:
    """What the scripts need to know: fields, words for regions of the pad, names of files, examples."""
    ring = [Emotion(0.9 * math.cos(math.radians(a)), 0.9 * math.sin(math.radians(a))).name for a in range(0, 360, 30)]
    return {
        "fields": {
            name: {"default": k.default, "kind": k.kind, "label": tell(k.label), "type": json_type(k)}
            for name, k in known.items()
        },
        "ring": [tell(name) for name in ring],
        "centre": tell(Emotion(0, 0).name),
        "files": {
            row.name: (tell(row.page.title), tell(row.page.words)) for row in TABLE if row.page and not row.missing
        },
        "words": {name: tell(text) for name, text in texts.SCRIPT.items()},
        "decimal": decimal_sign(tell.language),
        "flags": {flag_of(field.name): label_of(field.name) for field in fields(Settings)},
        "said": _said(tell, known),
        "examples": examples(),
    }


def _said(tell: _Teller, known: dict[str, FormField]) -> dict[str, str]:
    """What the scripts translate of what the program says: the catalogue's patterns, labels, steps."""
    if tell.language == "en":
        return {}
    labels = {label: tell(label) for label in (label_of(field.name) for field in fields(Settings))}
    choices = {word: tell(word) for field in known.values() for _, word in field.choices if tell(word) != word}
    return {**choices, **spoken(tell.language), **labels, **{step: tell(step) for step in texts.STEPS.values()}}


def _languages(tell: _Teller) -> str:
    """The switch between the languages, each by its own name."""
    options = "".join(
        f'<option value="{code}" lang="{code}"{" selected" if code == tell.language else ""}>{name}</option>'
        for code, name in LANGUAGES.items()
    )
    return f'<select id="language" aria-label="{escape(tell(texts.PAGE["language"]))}">{options}</select>'


def _field(tell: _Teller, field: FormField, *, help_text: str | None = None) -> str:
    """One labelled field with its help and a place for its error."""
    key = f"k-{field.name}"
    about = escape(help_text or _help(tell, field))
    attributes = f'aria-describedby="h-{field.name} e-{field.name}" data-field="{field.name}"'
    marks = (
        f'<ul class="marks" id="m-{field.name}" aria-label="{escape(tell(texts.PAGE["understood"]))}" hidden></ul>'
        if field.name in _READ
        else ""
    )
    tail = f'{marks}<p class="help" id="h-{field.name}">{about}</p><p class="error" id="e-{field.name}" hidden></p>'
    outer = f'class="field field-{field.kind}" data-engines="{" ".join(field.engines)}"'
    if field.kind == "many":
        boxes = "".join(
            f'<label class="chip"><input type="checkbox" name="{field.name}" value="{value}"> <span>{escape(tell(word))}</span></label>'
            for value, word in field.choices
        )
        group = f'<div class="chips" {attributes}>{boxes}</div>'
        return f"<fieldset {outer}><legend>{escape(tell(field.label))}</legend>{group}{tail}</fieldset>"
    if field.kind == "switch":
        box = f'<label class="check" for="{key}"><input type="checkbox" id="{key}" {attributes}> {escape(tell(field.label))}</label>'
        return f"<div {outer}>{box}{tail}</div>"
    return f'<div {outer}><label for="{key}">{escape(tell(field.label))}</label>{_input(tell, field, key, attributes)}{tail}</div>'


def _input(tell: _Teller, field: FormField, key: str, attributes: str) -> str:
    auto = escape(tell(texts.PAGE["auto"]))
    default = "" if field.default is None else escape(tell.number(field.default))
    if field.kind == "choice":
        options = [] if field.default is not None else [f'<option value="">{auto}</option>']
        for value, word in field.choices:
            missing = value in field.unavailable
            state = " disabled" if missing else " selected" if value == str(field.default) else ""
            word = tell(word)
            shown = tell(_NOT_HERE.get(value, texts.PAGE["not_installed"])).format(name=word) if missing else word
            options.append(f'<option value="{escape(value)}"{state}>{escape(shown)}</option>')
        return f'<select id="{key}" {attributes}>{"".join(options)}</select>'
    if field.kind == "file":
        return f'<input type="file" id="{key}" accept=".mid,.midi,audio/midi" {attributes}>'
    # loudness may be "off" as well as a number
    if field.kind in ("number", "whole") and field.name != "loudness":
        step = _STEPS.get(field.name, 1 if field.kind == "whole" else 0.05)
        # of type text: where it is a number, the browser decides by its own language which sign parts the fraction
        limits = f'data-low="{field.low}" data-high="{field.high}" data-step="{step}"'
        box = (
            f'<input type="text" id="{key}" {limits} value="{default}" inputmode="decimal" '
            f'placeholder="{auto}" autocomplete="off" {attributes}>'
        )
        if field.default is None:
            return box
        high = 120 if field.name == "seconds" else field.high
        slider = (
            f'<input type="range" min="{field.low:g}" max="{high:g}" step="{step}" value="{field.default:g}" '
            f'data-for="{key}" aria-label="{escape(tell(texts.PAGE["slider"]).format(label=tell(field.label)))}">'
        )
        return f'<div class="pair">{slider}{box}</div>'
    if field.name == "key":
        names = [f"{tonic} {mode}" for mode in ("major", "minor") for tonic in PITCH_NAMES]
        keys = "".join(f'<option value="{escape(tell(name))}">' for name in names)
        return f'<input type="text" id="{key}" list="keys" placeholder="{auto}" autocomplete="off" {attributes}><datalist id="keys">{keys}</datalist>'
    attributes += f' maxlength="{MAX_LETTERS}"'
    placeholder = (
        f' placeholder="{escape(tell(texts.PAGE["words_example"]))}"'
        if field.name == "text"
        else f' placeholder="{auto}"'
        if not default
        else ""
    )
    return f'<input type="text" id="{key}" value="{default}" autocomplete="off"{placeholder} {attributes}>'


def _help(tell: _Teller, field: FormField) -> str:
    parts = []
    if field.low is not None:
        high = f"{field.high:.0f}" if field.high >= 1e6 else tell.number(field.high)
        parts.append(tell(texts.PAGE["range"]).format(low=tell.number(field.low), high=high))
    if field.default not in (None, False, "") and "default" not in field.help:
        words = dict(field.choices).get(str(field.default), "").partition(":")[0]
        parts.append(tell(texts.PAGE["default"]).format(value=tell(words) if words else tell.number(field.default)))
    about = tell(texts.HELP.get(field.name, field.help))
    text = about[:1].upper() + about[1:]
    if text.endswith(")") and parts:
        return f"{text[:-1]}; {'; '.join(parts)})."
    return f"{text} ({'; '.join(parts)})." if parts else f"{text}."


def _url_row(tell: _Teller) -> str:
    return (
        f'<div class="field url-row"><label for="url">{escape(tell(texts.PAGE["url"]))}</label><div class="pair">'
        '<input type="url" id="url" placeholder="https://" autocomplete="off">'
        f'<button type="button" id="fetch">{escape(tell(texts.PAGE["fetch"]))}</button></div></div>'
    )


def _about(tell: _Teller) -> str:
    return (
        f"<ol>{_each('li', map(tell, texts.ABOUT_HOW))}</ol>"
        + _each("p", map(tell, (texts.ABOUT_CAN, texts.ABOUT_CANNOT, texts.ABOUT_LICENCES)))
        + f'<p><a href="/v1/docs">{escape(tell(texts.PAGE["rest"]))}</a></p>'
    )


def _each(tag: str, lines: Iterable[str]) -> str:
    return "".join(f"<{tag}>{escape(line)}</{tag}>" for line in lines)
