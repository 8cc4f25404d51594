"""The catalogue: every sentence that the page shows, in every language that it speaks.

The program speaks English. `languages/*.txt` has under each English sentence what it is in the other languages, a line each:

    {low} to {high}
      de {low} bis {high}
      fr de {low} à {high}
      es de {low} a {high}

A single "=" stands for a sentence that is the same everywhere. What stands in braces is filled in: `{name}` by what is never translated (a
file's name, a word that somebody typed), `{#name}` by such a single word (a number), `{~name}` by something that is itself said in the
language (moods, instruments), `{=name}` by such a thing that is no list, `{-name}` by a list without articles; a translation may leave `{_name}` out. A setting is named by its flag and shown by its label. Whoever adds a language adds a line under each sentence and its row in `LANGUAGES`.
"""

from __future__ import annotations

import re
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

from klangbild.errors import KlangbildError
from klangbild.settings import Settings, flag_of

HERE = Path(__file__).resolve().parent / "languages"
LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
COOKIE = "klangbild-language"
SPOKEN = ("reading.txt", "music.txt", "refusals.txt", "examples.txt")
"""What the scripts say of pictures and music, in the files of `languages/`; the others are filled in before the page is sent."""
_COMMA = frozenset({"de", "fr", "es"})
_QUOTES = {"en": "“{}”", "de": "„{}“", "fr": "« {} »", "es": "«{}»"}
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def chosen_language(cookie: str | None, accepted: str | None) -> str:
    """The language of a visitor: the one chosen on the page, else the first that the browser asks for and we speak, else English.

    cookie: what the browser keeps of the switch. accepted: its Accept-Language.

    >>> chosen_language(None, "it-IT,it;q=0.9,de;q=0.8,en;q=0.5"), chosen_language("es", "de"), chosen_language("xx", None)
    ('de', 'es', 'en')
    """
    if cookie in LANGUAGES:
        return str(cookie)
    wished = []
    for place, part in enumerate((accepted or "").split(",")[:20]):
        name, _, quality = part.strip().partition(";")
        weight = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", quality)
        wished.append((-float(weight[1]) if weight else -1.0, place, name.split("-")[0].strip().lower()))
    return next((name for weight, _, name in sorted(wished) if name in LANGUAGES and weight < 0), "en")


def decimal_sign(language: str) -> str:
    """What parts the whole of a number from its fraction."""
    return "," if language in _COMMA else "."


def written(number: float | str, language: str) -> str:
    """A number as the language writes it.

    >>> written(0.995, "de"), written(0.995, "en"), written(30.0, "fr")
    ('0,995', '0.995', '30')
    """
    text = f"{number:g}" if isinstance(number, float) else str(number)
    return text.replace(".", decimal_sign(language)) if re.fullmatch(r"-?\d+\.\d+", text) else text


@lru_cache(maxsize=len(LANGUAGES))
def sentences(language: str) -> dict[str, str]:
    """{English: what it is in the language} of the whole catalogue; of English none."""
    return {english: words for file in sorted(HERE.glob("*.txt")) for english, words in _read(file, language)}


@lru_cache(maxsize=len(LANGUAGES))
def spoken(language: str) -> dict[str, str]:
    """As `sentences`, of what the scripts say, settings named by their labels on both sides."""
    if language == "en":
        return {}
    found = {}
    for name in SPOKEN:
        for english, words in _read(HERE / name, language):
            found[_labelled(english, "en", bare=True)] = _labelled(words, language)
    return found


def said(english: str, language: str) -> str:
    """A sentence of the page in a language; English where the catalogue lacks it."""
    return sentences(language).get(english, english)


def all_sentences() -> dict[str, dict[str, str]]:
    """{English: {language: what it is there}}, as the files have it, for whoever checks them. Raises KlangbildError: as `_blocks`."""
    return {english: lines for file in sorted(HERE.glob("*.txt")) for english, lines in _blocks(file)}


def _read(file: Path, language: str) -> list[tuple[str, str]]:
    return [(english, lines[language]) for english, lines in _blocks(file) if language in lines]


def _blocks(file: Path) -> list[tuple[str, dict[str, str]]]:
    """(English, {language: words}) of each entry of a file. Raises KlangbildError: a line is none of an entry."""
    found = []
    for block in file.read_text(encoding="utf-8").strip().split("\n\n"):
        english, *rest = [line for line in block.split("\n") if not line.startswith("#")]
        if rest == ["  ="]:
            found.append((english, {name: english for name in LANGUAGES if name != "en"}))
            continue
        lines = {}
        for line in rest:
            match = re.fullmatch(r"  ([a-z]{2}) (\S.*)", line)
            if match is None or match[1] in lines:
                raise KlangbildError(
                    f"{file.name}: '{line[:60]}' under '{english[:60]}' is no line of a language; write '  de ...'"
                )
            lines[match[1]] = match[2]
        found.append((english, lines))
    return found


@lru_cache(maxsize=1)
def _names_of_flags() -> dict[str, str]:
    return {flag_of(field.name): field.name for field in fields(Settings)}


def _labelled(sentence: str, language: str, *, bare: bool = False) -> str:
    """A sentence with the labels of settings instead of their flags; bare: without quotes, as refusals name them in English."""

    def label(match: re.Match[str]) -> str:
        from klangbild.web.form_fields import label_of

        name = _names_of_flags().get(match[0])
        if name is None:
            return match[0]
        words = said(label_of(name), language)
        return words if bare else _QUOTES[language].format(words)

    return _FLAG.sub(label, sentence)
