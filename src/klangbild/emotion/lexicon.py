"""`Lexicon`: words and phrases of five languages with what they mean, found as written, folded, by their stems, or in compounds.

It knows no meaning itself: callers bring them (`words.feeling_entries`, `music.words`). `word_reader` reads whole texts with it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from klangbild.emotion.languages import FALSE_FRIENDS, LANGUAGES, elided, fold, small_words, spellings, stem

FEELING = "feeling"
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[,.;:!?\n]")
_SHORTEST_ROOT = 5
"""Letters of a stem in a language that the text is not in: below, chance makes kin."""
_COMPOUND = 8
"""Letters from which on a German word may be two."""
MOST_ASKED_ABOUT = 20
"""So many unknown words get a known one that is spelt alike; more are a text of another kind."""


@dataclass(frozen=True)
class Meaning:
    """kind: `FEELING`, or what another table says; word: its English name; value: what the table says of it."""

    kind: str
    word: str
    value: Any = None


@dataclass(frozen=True)
class Unit:
    """One word or phrase, looked up. does: punct, said, unknown, or what a small word does (`languages.small_words`).

    place: where it stands in the text, from letter to letter; both parts of a compound have the same.
    """

    does: str
    written: str
    language: str = "en"
    factor: float = 1.0
    meanings: tuple[Meaning, ...] = ()
    place: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Token:
    """A word in lower case, its key, and where it stands in the text; without a key it is punctuation."""

    written: str
    key: str
    start: int = 0
    end: int = 0


class Lexicon:
    """Words and phrases of five languages, as written, folded and by their stems."""

    def __init__(self, entries: Iterable[tuple[str, str, Meaning]]) -> None:
        """entries: (language, word or phrase, what it means); of one kind the first meaning holds."""
        self.exact: dict[str, dict[str, tuple[Meaning, ...]]] = {language: {} for language in LANGUAGES}
        self.written: dict[str, str] = {}
        for language, written, meaning in entries:
            words = self.exact[language]
            self.written.setdefault(_phrase(written), written.replace("_", " "))
            for key in {_phrase(spelling) for spelling in spellings(written)}:
                before = words.get(key, ())
                if all(other.kind != meaning.kind for other in before):
                    words[key] = (*before, meaning)
        self.small = {
            language: {_phrase(key): what for word, what in small_words(language).items() for key in spellings(word)}
            for language in LANGUAGES
        }
        self.small["en"] |= dict.fromkeys(FALSE_FRIENDS, ("unknown", 1.0))
        for language, words in self.exact.items():  # a meaning goes before none
            self.small[language] = {
                key: what
                for key, what in self.small[language].items()
                if key not in words or what[0] not in ("plain", "unknown")
            }
        self.stems = {language: _stems(words, language) for language, words in self.exact.items()}
        self.longest = max((key.count(" ") + 1 for words in self.exact.values() for key in words), default=1)

    def order(self, keys: Sequence[str]) -> tuple[str, ...]:
        """The languages, the one that knows most of the words first."""
        scores = dict.fromkeys(LANGUAGES, 0.0)
        for key in keys:
            knows = [name for name in LANGUAGES if key in self.exact[name] or key in self.small[name]]
            weight = 1.0
            if not knows:
                knows = [name for name in LANGUAGES if stem(key, name) in self.stems[name]]
                weight = 0.5
            for name in knows:
                scores[name] += weight / len(knows)
        return tuple(sorted(LANGUAGES, key=lambda name: (-scores[name], LANGUAGES.index(name))))

    def find(self, keys: Sequence[str], order: Sequence[str]) -> tuple[int, Unit] | None:
        """How many of the words at the front are one word or phrase, and which; None: the first one is unknown."""
        for n in range(min(self.longest, len(keys)), 1, -1):
            phrase = " ".join(keys[:n])
            for name in order:
                if found := self._exact(phrase, name):
                    return n, found
            for name in order:
                root = " ".join(stem(key, name) for key in keys[:n])
                if root in self.stems[name]:
                    return n, Unit("said", "", name, 1.0, self.stems[name][root])
        key, first = keys[0], order[0]
        if key in FALSE_FRIENDS and len(keys) > 1 and not self._exact(keys[1], "en"):
            for name in order:  # "sin batería" in an English text: the word beside it says which language it is
                if name != "en" and self._exact(keys[1], name) and (found := self._exact(key, name)):
                    return 1, found
        for name in order:
            found = self._exact(key, name)
            if found and (found.does != "unknown" or name == first):
                return 1, found
            if name == first and (meanings := self.stems[name].get(stem(key, name))):
                return 1, Unit("said", "", name, 1.0, meanings)
        for name in order[1:]:
            root = stem(key, name)
            if len(root) >= _SHORTEST_ROOT and root in self.stems[name]:
                return 1, Unit("said", "", name, 1.0, self.stems[name][root])
        return None

    def parts(self, key: str) -> tuple[Unit, ...]:
        """A German compound as its two words ("klaviermusik"); () where it is none."""
        if len(key) < _COMPOUND:
            return ()
        for at in range(4, len(key) - 2):
            tail = self._german(key[at:])
            if tail is None:
                continue
            for joint in ("", "s", "n", "en", "es"):
                if key[:at].endswith(joint) and at - len(joint) >= 4:
                    head = self._german(key[: at - len(joint)])
                    if head is not None and "said" in (head.does, tail.does):
                        return head, tail
        return ()

    def _german(self, key: str) -> Unit | None:
        if found := self._exact(key, "de"):
            return found if found.does in ("said", "plain", "only") else None
        meanings = self.stems["de"].get(stem(key, "de")) if len(key) > 4 else None
        return Unit("said", "", "de", 1.0, meanings) if meanings else None

    def _exact(self, key: str, language: str) -> Unit | None:
        if key in self.small[language]:
            does, factor = self.small[language][key]
            return Unit(does, "", language, factor)
        meanings = self.exact[language].get(key)
        return Unit("said", "", language, 1.0, meanings) if meanings else None

    def alike(self, word: str, languages: Sequence[str], *, cutoff: float = 0.8, begin: int = 0) -> str | None:
        """The word of these languages, the first of them first, that is spelt most like one that is unknown; as it is written.

        begin: so many letters are the same at its front."""
        key = fold(word)
        for name in dict.fromkeys(languages):
            near = [
                other for other in self.exact[name] if abs(len(other) - len(key)) <= 2 and other[:begin] == key[:begin]
            ]
            if close := difflib.get_close_matches(key, near, n=1, cutoff=cutoff):
                return self.written.get(close[0], close[0])
        return None


def tokens_of(text: str) -> list[Token]:
    """Words in lower case, parted at hyphens and elisions; a token without a key is punctuation."""
    tokens: list[Token] = []
    for found in _TOKEN.finditer(text):
        start, end = found.span()
        if not found[0][0].isalpha():
            tokens.append(Token(found[0], "", start, end))
            continue
        for part in found[0].replace("’", "'").split("-"):
            for word in _words_of(part.lower()):
                tokens.append(Token(word, fold(word), start, start + len(part)))
            start += len(part) + 1
    return tokens


def _words_of(part: str) -> list[str]:
    if pair := elided(part):
        return ["senza", pair[1]] if pair[0] == "senz" else [pair[1]]
    return [part[:-2] if part.endswith("'s") and len(part) > 3 else part]


def _phrase(written: str) -> str:
    """The key of a word or phrase: as the reader cuts a text into words.

    >>> _phrase("hi-hat"), _phrase("feu_d'artifice")
    ('hi hat', 'feu artifice')
    """
    if written.isalpha():
        return fold(written)
    return " ".join(token.key for token in tokens_of(written.replace("_", " ")) if token.key)


def _stems(words: dict[str, tuple[Meaning, ...]], language: str) -> dict[str, tuple[Meaning, ...]]:
    """{stem: what all words of this stem mean}; a stem whose words are of distant feelings, or of no kind together, is left out."""
    stems: dict[str, tuple[Meaning, ...]] = {}
    for key, meanings in words.items():
        if f" {_AND[language]} " not in key:  # "drums and bass" are two, and no style
            root = " ".join(stem(word, language) for word in key.split())
            stems[root] = _shared(stems[root], meanings) if root in stems else meanings
    return {root: meanings for root, meanings in stems.items() if meanings}


_AND = {"en": "and", "de": "und", "fr": "et", "es": "y", "it": "e"}


def _shared(one: tuple[Meaning, ...], other: tuple[Meaning, ...]) -> tuple[Meaning, ...]:
    """What is meant by both; nothing where their feelings are more than half the plane apart."""
    shared = []
    for meaning in one:
        same = next((each for each in other if each.kind == meaning.kind), None)
        if same is None:
            continue
        if meaning.kind == FEELING:
            if max(abs(x - y) for x, y in zip(meaning.value, same.value, strict=True)) > 0.5:
                return ()
        elif meaning.word != same.word:
            continue
        shared.append(meaning)
    return tuple(shared)
