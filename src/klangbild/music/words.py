"""THE reader of --text: feelings, and what else of the music words ask for: who plays, how fast, key, meter, style.

Every engine, the command line and the page read a text by this. English, German, French, Spanish and Italian, mixed as people mix
them; "no drums" is heard, and so is "senza batteria". What is understood of a text is not yet what is played: `word_wishes` makes
settings of it, where nobody set them by hand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from klangbild.emotion.languages import LANGUAGES, fold
from klangbild.emotion.lexicon import FEELING, Lexicon, Meaning
from klangbild.emotion.sentence_encoder import encoder_folder
from klangbild.emotion.word_reader import Understood, understand
from klangbild.emotion.words import WordsReading, english_words, feeling_entries, feelings_of
from klangbild.music.instrument_names import spoken_names
from klangbild.music.meters import METERS
from klangbild.music.musical_words import (
    METER_WORDS,
    MODE_WORDS,
    PLAIN_MUSIC_WORDS,
    STYLE_WORDS,
    STYLES,
    TEMPO_WORDS,
    Style,
    rows,
)
from klangbild.slips import key_meant

LEAST_BPM, MOST_BPM = 40, 240
MODERATE_BPM = 104
"""Neither slow nor fast."""
INSTRUMENT, TEMPO, MODE, KEY, METER, STYLE, PLAIN = "instrument", "tempo", "mode", "key", "meter", "style", "plain"


@dataclass(frozen=True)
class WordWish:
    """One word that asks for something of the music.

    kind: `INSTRUMENT` (value: a family), `TEMPO` (lowest, highest bpm), `KEY` ("D minor"), `MODE` ("minor"), `METER` ("3/4"; None:
    one that is not written), `STYLE` (a `Style`). denied: behind a "no"; faint: behind a "less"; alone: behind an "only". place: where
    it stands in the text, of what is written in numbers or signs.
    """

    kind: str
    written: str
    word: str
    value: Any
    denied: bool = False
    faint: bool = False
    alone: bool = False
    place: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class TextReading:
    """feelings: of the words that are feelings, with the unknown ones; wishes: of the others, in order; understood: word by word."""

    feelings: WordsReading
    wishes: tuple[WordWish, ...]
    understood: Understood


def read_text(text: str | None) -> TextReading:
    """What a text asks of the music.

    >>> reading = read_text("calm piano and rain, ohne Schlagzeug, 3/4, qwxz")
    >>> [(wish.kind, wish.value, wish.denied) for wish in reading.wishes]
    [('instrument', 'piano', False), ('instrument', 'drums', True), ('meter', '3/4', False)]
    >>> [match.word for match in reading.feelings.matches], reading.feelings.unknown
    (['calm', 'rain'], ('qwxz',))
    """
    return _read(unicodedata.normalize("NFC", text or ""), encoder_folder())


@lru_cache(maxsize=8)
def _read(text: str, encoder: Path | None) -> TextReading:
    """The reading of a text, which one piece asks for several times; encoder: the one that is installed, if any."""
    left, numbered = _numbers(text)
    among = False
    understood = understand(left, _lexicon(among))
    if any(said.meaning(INSTRUMENT) or said.meaning(STYLE) for said in understood.said):
        among = True  # beside other instruments "winds" are some, too
        understood = understand(left, _lexicon(among))
    wishes = [*_wishes(understood, text), *numbered]
    feelings = feelings_of(understood, _lexicon(among), things=(INSTRUMENT, STYLE))
    return TextReading(replace(feelings, beside=tuple(map(_reason, wishes)), text=text), tuple(wishes), understood)


def feelings_in(text: str | None) -> WordsReading | None:
    """As `read_text`, what `emotion.read` takes as its text: the feelings, and a sentence for each other wish. None: no text."""
    return read_text(text).feelings if text and text.strip() else None


def of_a_sound_engine(feelings: WordsReading) -> WordsReading:
    """What a sound engine's text feels like: the words that are no feelings are its own to understand, and to tell of."""
    other = (
        () if feelings.matches else ("no word of it is a feeling that we know; the sound model reads the words itself",)
    )
    return replace(feelings, unknown=(), nearest={}, beside=other)


def _wishes(understood: Understood, text: str) -> Iterator[WordWish]:
    adjectives = _modes_that_are_adjectives(text)
    for said in understood.said:
        for kind in (INSTRUMENT, TEMPO, MODE, METER, STYLE):
            meaning = said.meaning(kind)
            if meaning is None or (kind == MODE and said.written in adjectives):
                continue
            denied, value = said.negated, meaning.value
            if kind == TEMPO:
                value, denied = _tempo(value, said.factor, denied=denied), False
            elif kind == MODE and denied:
                value, denied = {"minor": "major", "major": "minor"}[value], False
            # "less drums" is no wish for drums; a "very" says nothing of who plays
            yield WordWish(
                kind, said.written, meaning.word, value, denied, said.factor < 1 and kind == INSTRUMENT, said.only
            )


def _tempo(span: tuple[float, float], factor: float, *, denied: bool) -> tuple[float, float]:
    """A span of bpm, further from the middle behind a "very", nearer to it behind a "slightly", on its other side if denied.

    >>> _tempo((50, 76), 1.3, denied=False), _tempo((132, 176), 1.0, denied=True)
    ((43, 65), (76, 108))
    """
    low, high = span
    fast = low + high > 2 * MODERATE_BPM
    if denied or factor < 0:
        return (76, 108) if fast else (108, 140)
    if factor >= 1.1:
        change = 1.15 if fast else 0.86
        low, high = low * change, high * change
    elif factor < 0.9:
        low, high = (low + MODERATE_BPM) / 2, (high + MODERATE_BPM) / 2
    return max(round(low), LEAST_BPM), min(round(high), MOST_BPM)


_SIGN = r"(?:\s?[#♯b♭](?![\w])|[\s-](?:sharp|flat)\b)?"
_KEYS = (
    re.compile(rf"\b[A-Ga-g]{_SIGN}[\s-]+(?:major|minor)\b", re.IGNORECASE),
    re.compile(r"\b(?:[a-g](?:is|es)|as|es|[a-h])[\s-]*(?:dur|moll)\b", re.IGNORECASE),
    re.compile(
        r"\b(?:do|ut|r[eé]|mi|fa|sol|la|si)(?:[\s-]+(?:di[eè]se|b[eé]mol|diesis|bemolle|sostenido))?[\s-]+"
        r"(?:mineur|majeur|menor|mayor|minore|maggiore)\b", re.IGNORECASE,
    ),
)  # fmt: skip
_TONICS = (
    re.compile(rf"\bkey of ([A-Ga-g]{_SIGN})(?!\w)"),
    re.compile(r"\bin ([A-G][#♯b♭]?)(?=\s*(?:$|[,.;:!?\n]))"),
    re.compile(r"\b(?:in|key|key of) ([A-G][#b]?m)\b"),
)
_ARTICLE = re.compile(r"\ba (major|minor)(?=\s+(?!and\b)[a-z])")
_NO_ADJECTIVE = re.compile(r"\ba (?:major|minor)\s+(?:key|mode|scale|tonality|chords?|harmony)\b")
_BPM = re.compile(
    r"(?<![\d.,])(\d{1,4}(?:[.,]\d+)?)\s*(?:bpm\b|b\.p\.m\.|beats?\s?(?:per|a|/)\s?min(?:ute)?\b|schläge\s?(?:pro|je|/)\s?min(?:ute)?\b|"
    r"(?:pulsations|battements)\s?(?:par|à la|/)\s?min(?:ute)?\b|pulsaciones por minuto\b|battiti al minuto\b)", re.IGNORECASE,
)  # fmt: skip
_MARK = re.compile(
    r"(?:\btempo|♩|\bmetronome?)\s*(?:of|von|de|di|at|=|:)?\s*(\d{2,3}(?:[.,]\d+)?)(?![\d/])", re.IGNORECASE
)
_METER = re.compile(
    r"(?<![\d/.,])(\d{1,2})\s?/\s?(2|4|8|16)(?![\d/])(?:[\s-]?(?:takt|time|met(?:er|re))\b)?", re.IGNORECASE
)

_BITS = re.compile(r"\b(?:8|16)[\s-]?bit\b", re.IGNORECASE)


def _numbers(text: str) -> tuple[str, list[WordWish]]:
    """(the text without keys, tempos and meters that are written as signs or numbers, these as wishes)."""
    found: list[tuple[int, WordWish]] = []

    def take(match: re.Match[str], kind: str, word: str, value: Any) -> str:
        found.append((match.start(), WordWish(kind, match[0].strip().lower(), word, value, place=match.span())))
        return " " * len(match[0])

    def key(match: re.Match[str]) -> str:
        written = match[match.lastindex or 0]
        article = _ARTICLE.match(match.string, match.start())
        meant = None if article else key_meant(fold(re.sub(r"[\s-]+", " ", written)) if len(written) > 3 else written)
        if meant is None:
            return match[0]
        return take(match, KEY, meant, meant)

    def bpm(match: re.Match[str]) -> str:
        number = float(match[1].replace(",", "."))
        return take(match, TEMPO, f"{number:g} bpm", (number, number))

    def meter(match: re.Match[str]) -> str:
        name = {"2/2": "4/4", "3/2": "6/4"}.get(f"{match[1]}/{match[2]}", f"{match[1]}/{match[2]}")
        known = tuple(map(int, name.split("/"))) in METERS
        if not known and match[1] == "1":  # "1/2" is a half
            return match[0]
        return take(match, METER, name, name if known else None)

    for pattern in _KEYS + _TONICS:
        text = pattern.sub(key, text)
    for pattern in (_BPM, _MARK):
        text = pattern.sub(bpm, text)
    text = _METER.sub(meter, text)
    text = _BITS.sub(lambda match: take(match, STYLE, "chiptune", STYLES["chiptune"]), text)
    return text, [wish for _, wish in sorted(found, key=lambda pair: pair[0])]


def _modes_that_are_adjectives(text: str) -> set[str]:
    """ "a major storm" is in no key, "a minor key" is."""
    return {match[1] for match in _ARTICLE.finditer(text) if not _NO_ADJECTIVE.match(text, match.start())}


def _reason(wish: WordWish) -> str:
    """What a word asks for beside feelings, as the reasons of a reading say it."""
    said = f'the word "{wish.written}"'
    if wish.kind == INSTRUMENT:
        return f"{said} {'keeps out' if wish.denied else 'asks for'} {wish.value}"
    if wish.kind == TEMPO:
        low, high = wish.value
        return f"{said} asks for {low:g} bpm" if low == high else f"{said} asks for {low:g} to {high:g} bpm"
    if wish.kind == STYLE:
        return f"{said} asks for {style_words(wish.value)}"
    if wish.kind == MODE:
        return f"{said} asks for a {wish.value} key"
    return f"{said} asks for {wish.value or wish.word}"


def style_words(style: Style) -> str:
    """What a style asks for, in words.

    >>> style_words(STYLES["rock"])
    'guitar, bass, drums, 4/4, 108 to 148 bpm'
    """
    parts = [*style.cast, *([style.meter] if style.meter else [])]
    return ", ".join([*parts, *([f"{style.tempo[0]:g} to {style.tempo[1]:g} bpm"] if style.tempo else [])])


@lru_cache(maxsize=2)
def _lexicon(among: bool) -> Lexicon:
    """All words of feeling and of music; among: also those that are instruments only beside others."""
    return Lexicon(_entries(among))


def _entries(among: bool) -> Iterator[tuple[str, str, Meaning]]:
    yield from feeling_entries()
    for language, name, family, beside_others in spoken_names():
        if among or not beside_others:
            yield language, name, Meaning(INSTRUMENT, family, family)
    for value, cells in rows(TEMPO_WORDS):
        low, high, called = value.split(" ", 2)
        yield from _of(cells, Meaning(TEMPO, called, (int(low), int(high))))
    for kind, table in ((MODE, MODE_WORDS), (METER, METER_WORDS)):
        for value, cells in rows(table):
            yield from _of(cells, Meaning(kind, value, value))
    for value, cells in rows(STYLE_WORDS):
        yield from _of(cells, Meaning(STYLE, value, STYLES[value]))
    for cell, language in zip(PLAIN_MUSIC_WORDS.strip().split("|"), LANGUAGES, strict=True):
        yield from ((language, name.strip(), Meaning(PLAIN, name.strip())) for name in cell.split(","))


def _of(cells: list[list[str]], meaning: Meaning) -> Iterator[tuple[str, str, Meaning]]:
    """Entries of a line; where its English name has a feeling, its translations have the same."""
    place = english_words().get(meaning.word)
    for language, names in zip(LANGUAGES, cells, strict=True):
        for name in names:
            yield language, name, meaning
            if place and language != "en":
                yield language, name, Meaning(FEELING, meaning.word, place)
