"""A short text in any of five languages, or several at once -> what each of its words means, denied or not, and which are unknown.

`Lexicon` holds words and phrases with their meanings; this module knows no meaning itself. The languages that a text is in are
guessed from all of its words together, so that "fast" is quick in English and "almost" in "fast traurig"; a word that only
another language knows is read in that one, so that a text may mix them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from klangbild.emotion.languages import NO, fold
from klangbild.emotion.lexicon import FEELING, Lexicon, Meaning, Token, Unit, tokens_of

_OR = frozenset({"or", "nor", "oder", "noch", "ou", "o", "u", "ne", "oppure"})


@dataclass(frozen=True)
class Said:
    """A word or phrase that is understood. factor: 1, more ("very") or less ("slightly"); only: "solo piano"."""

    written: str
    language: str
    meanings: tuple[Meaning, ...]
    factor: float = 1.0
    negated: bool = False
    only: bool = False

    def meaning(self, kind: str) -> Meaning | None:
        """What it means of this kind."""
        return next((meaning for meaning in self.meanings if meaning.kind == kind), None)


@dataclass(frozen=True)
class Strange:
    """A word that no language knows, with the factor and the negation that stand before it."""

    written: str
    factor: float
    negated: bool


@dataclass(frozen=True)
class Understood:
    """text: what was read; said: in order; strange: each once; languages: the likeliest first; units: every word, in order."""

    text: str
    said: tuple[Said, ...]
    strange: tuple[Strange, ...]
    languages: tuple[str, ...]
    units: tuple[Unit, ...] = ()


def understand(text: str, lexicon: Lexicon) -> Understood:
    """Text -> what its words mean, each with the "not" and the "very" before it."""
    text = unicodedata.normalize("NFC", text)
    tokens = tokens_of(text)
    order = lexicon.order([token.key for token in tokens if token.key])
    units = _units(tokens, lexicon, order)
    said: list[Said] = []
    strange: dict[str, Strange] = {}
    factor, negated, noun, only = 1.0, False, False, False
    without, last_denied = False, ""
    for number, unit in enumerate(units):
        if unit.does == "punct":
            factor, negated, noun, only, without, last_denied = 1.0, False, False, False, False, ""
        elif unit.does == "not":
            negated = not negated if unit.language == "en" else True
            noun, without = fold(unit.written) in _NO, False
        elif unit.does == "without":
            negated = not negated
            noun = without = True
        elif unit.does == "factor":
            factor *= unit.factor
        elif unit.does == "only":
            only = True
        elif unit.does == "link" and last_denied:
            if fold(unit.written) in _OR or last_denied == "without":
                negated, noun, without = True, True, last_denied == "without"
        elif unit.does == "break":
            last_denied = ""
        elif unit.does == "unknown":
            strange.setdefault(unit.written, Strange(unit.written, factor, negated))
        elif unit.does == "said":
            if negated and noun and _is_feeling(unit) and _is_thing(units[number + 1 :]):
                continue  # "no heavy drums" denies the drums
            said.append(Said(unit.written, unit.language, unit.meanings, factor, negated, only))
            last_denied = ("without" if without else "not") if negated else ""
            factor, negated, noun, without = 1.0, False, False, False
            only = only and _is_feeling(unit)
    return Understood(text, tuple(said), tuple(strange.values()), order, tuple(units))


_NO = frozenset(fold(word) for word in NO)


def _is_feeling(unit: Unit) -> bool:
    return all(meaning.kind == FEELING for meaning in unit.meanings)


def _is_thing(units: Sequence[Unit]) -> bool:
    following = next((unit for unit in units if unit.does not in ("plain", "factor")), None)
    return following is not None and following.does == "said" and not _is_feeling(following)


def _units(tokens: list[Token], lexicon: Lexicon, order: Sequence[str]) -> list[Unit]:
    units: list[Unit] = []
    at = 0
    while at < len(tokens):
        if not tokens[at].key:
            units.append(Unit("punct", tokens[at].written))
            at += 1
            continue
        run = []
        for token in tokens[at : at + lexicon.longest]:
            if not token.key:
                break
            run.append(token.key)
        found = lexicon.find(run, order)
        n = found[0] if found else 1
        written = " ".join(token.written for token in tokens[at : at + n])
        place = (tokens[at].start, tokens[at + n - 1].end)
        if found:
            units.append(replace(found[1], written=written, place=place))
        elif parts := lexicon.parts(run[0]):
            units += [replace(part, written=written, place=place) for part in parts if part.does == "said"]
        else:
            units.append(Unit("unknown", written, place=place))
        at += n
    return units
