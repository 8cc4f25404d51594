"""Words -> a point on the music's plane: exact and stemmed matches in a table, negation, intensity. Never a guess.

The table (`affect_words`) speaks of what the music should do, so its numbers live on the music's plane, not on the raters'.
Where a small sentence encoder is installed (`sentence_encoder`), a word that is not in the table is placed between those
that are near it, and it is told that this was done.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from klangbild.emotion.affect_words import AFFECT_WORDS, NEGATIONS, PLAIN, STRENGTHENERS, WEAKENERS

_NEGATED = -0.55  # "not sad" is a little happy, not as happy as "happy"


@dataclass(frozen=True)
class WordMatch:
    """One understood word: as it was written, the table's word, and what it asks for, -1..1 each.

    near: the table's word is only the nearest in meaning, and the place is between it and its neighbors.
    """

    written: str
    word: str
    valence: float
    arousal: float
    negated: bool
    near: bool = False


@dataclass(frozen=True)
class WordsReading:
    """What a text asks for. `valence`, `arousal` on the music's plane (0 when nothing matched).

    unknown: words that are not in the table, in order; nearest: for some of them a table word that is spelt alike.
    """

    valence: float
    arousal: float
    matches: tuple[WordMatch, ...]
    unknown: tuple[str, ...]
    nearest: dict[str, str]


def read_words(text: str) -> WordsReading:
    """Read a text such as "stormy, heroic" or "not sad, slightly tense".

    Several words are averaged, strong words counting more than mild ones.

    >>> reading = read_words("a serene lake, not sad, qwxz")
    >>> reading.valence > 0.3 and reading.arousal < 0, reading.unknown
    (True, ('qwxz',))
    """
    exact, stemmed = _table()
    matches: list[WordMatch] = []
    unknown: dict[str, tuple[float, bool]] = {}
    factor, negated = 1.0, False
    for token in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[,.;:!?]", text.lower()):
        if not token[0].isalpha():
            factor, negated = 1.0, False
            continue
        token = token.replace("’", "'")
        if token in NEGATIONS:
            negated = not negated
            continue
        if token in STRENGTHENERS or token in WEAKENERS:
            factor *= STRENGTHENERS.get(token) or WEAKENERS[token]
            continue
        for part in [token] if token in exact or "-" not in token else token.split("-"):
            word = part if part in exact else stemmed.get(stem(part))
            if word is None:
                if part not in PLAIN:
                    unknown.setdefault(part, (factor, negated))
                continue
            matches.append(_match(part, word, exact[word], factor, negated))
            factor, negated = 1.0, False
    nearest = {u: near[0] for u in unknown if (near := difflib.get_close_matches(u, exact, n=1, cutoff=0.8))}
    # a slip of the pen is asked about, not placed by its sound
    for written, neighbor in _neighbors([u for u in unknown if u not in nearest]).items():
        place = (neighbor.valence, neighbor.arousal)
        matches.append(_match(written, neighbor.word, place, *unknown.pop(written), near=True))
    if not matches:
        return WordsReading(0.0, 0.0, (), tuple(unknown), nearest)
    weights = [0.25 + max(abs(m.valence), abs(m.arousal)) for m in matches]
    valence = sum(w * m.valence for w, m in zip(weights, matches, strict=True)) / sum(weights)
    arousal = sum(w * m.arousal for w, m in zip(weights, matches, strict=True)) / sum(weights)
    return WordsReading(round(valence, 4), round(arousal, 4), tuple(matches), tuple(unknown), nearest)


def _match(
    written: str, word: str, place: tuple[float, float], factor: float, negated: bool, *, near: bool = False
) -> WordMatch:
    sign = _NEGATED if negated else 1.0
    valence, arousal = (round(max(-1.0, min(1.0, x * factor * sign)), 3) for x in place)
    return WordMatch(written, word, valence, arousal, negated, near)


def _neighbors(words: list[str]) -> dict:
    """{word: `word_neighbors.Neighbor`} for those that an installed sentence encoder can place; else {}."""
    if not words:
        return {}
    from klangbild.emotion.sentence_encoder import NEAR, encoder_folder

    folder = encoder_folder()
    if folder is None:
        return {}
    from klangbild.emotion.word_neighbors import open_neighbors

    return open_neighbors(folder, tuple(_table()[0].items())).find(words, least=NEAR)


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, tuple[float, float]], dict[str, str]]:
    """({word: (valence, arousal)}, {stem: word}); a stem that two distant words share is left out of the second."""
    exact: dict[str, tuple[float, float]] = {}
    for line in AFFECT_WORDS.strip().splitlines():
        numbers, _, words = line.partition(":")
        valence, arousal = (int(n) / 100 for n in numbers.split())
        for word in words.split():
            exact[word] = (valence, arousal)
    stems: dict[str, str] = {}
    torn = set()
    for word, place in exact.items():
        root = stem(word)
        other = stems.setdefault(root, word)
        if max(abs(a - b) for a, b in zip(exact[other], place, strict=True)) > 0.5:
            torn.add(root)
    return exact, {root: word for root, word in stems.items() if root not in torn}


def stem(word: str) -> str:
    """A word without its common English endings; a short cut through Porter's rules (1980), enough for our table.

    >>> stem("storms"), stem("stormy"), stem("peacefully"), stem("peaceful")
    ('storm', 'storm', 'peac', 'peac')
    """
    for _ in range(3):
        for ending in (
            "fulness", "ousness", "iveness", "ations", "fully", "ously", "ingly", "ation", "ating", "ative", "edly", "ated",
            "ates", "ness", "ment", "ions", "ion", "ate", "ful", "ous", "ing", "ity",
            "ies", "ily", "est", "ed", "ly", "er", "es", "s", "y", "e",
        ):  # fmt: skip
            if word.endswith(ending) and len(word) - len(ending) >= (3 if ending in ("s", "y", "e", "es", "ly") else 4):
                if ending == "s" and word.endswith("ss"):
                    continue
                word = word[: -len(ending)]
                break
        else:
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word
