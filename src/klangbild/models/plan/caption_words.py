"""Words for the plan model: a vocabulary of what captions say, and text -> at most twelve numbers.

The vocabulary is the affect words of `emotion.affect_words` and words of music: tempo, key and mode, meter, instruments,
density, kind of music. Synonyms share a number ("violin" is "strings", "quick" is "fast"). The order of words says nothing
to the model: a caption is a set. What is not known is told, never guessed, unless the caller brings somebody who knows which word
is near it in meaning (`near_words`), and that is told too; what is denied ("no drums") is told apart, so that the caller can put
it on the negative side of the guidance.

No torch here, and the standard library alone beside `emotion`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

from klangbild.emotion.affect_words import NEGATIONS, PLAIN, STRENGTHENERS, WEAKENERS
from klangbild.emotion.languages import stem
from klangbild.emotion.words import english_words
from klangbild.music.families import FAMILY_NAMES

CARD = "plan-base.json"
"""The file in `weights/` that describes the model."""
MAX_WORDS = 12
"""A caption has so many words at most; it is padded with 0."""
MAX_PHRASE = 3
"""So many unknown words side by side are also looked at together."""
TONICS = ("c", "c-sharp", "d", "e-flat", "e", "f", "f-sharp", "g", "a-flat", "a", "b-flat", "b")
TEMPOS = (
    ("largo", 62.0), ("slow", 78.0), ("andante", 98.0), ("moderate", 118.0), ("allegro", 140.0), ("fast", 168.0),
    ("presto", 999.0),
)  # fmt: skip
"""Word and the quarter notes per minute below which it is said."""
DENSITIES = (("sparse", 4.0), ("flowing", 8.0), ("full", 14.0), ("dense", 999.0))
"""Word and the notes per second below which it is said."""
KINDS = {
    "band": "band", "emopia": "pop", "nottingham": "folk", "orchestra": "orchestral", "piano": "classical",
    "pop909": "pop", "vgmidi": "game",
}  # fmt: skip
"""What a pool of training music is called."""
_MUSIC = (
    *(tempo for tempo, _ in TEMPOS), *(density for density, _ in DENSITIES), *(f"key-{tonic}" for tonic in TONICS),
    "major", "minor", "triple", "compound", *FAMILY_NAMES, "solo", "ensemble",
    "band", "pop", "folk", "orchestral", "classical", "game",
)  # fmt: skip
_SYNONYMS = {
    "largo": "lento", "slow": "adagio slowly", "andante": "walking unhurried",
    "moderate": "moderato medium mid-tempo midtempo", "allegro": "upbeat uptempo up-tempo brisk",
    "fast": "quick quickly swift rapid vivace", "presto": "prestissimo breakneck",
    "sparse": "minimal thin", "full": "rich thick",
    "triple": "waltz three-four 3/4", "compound": "six-eight 6/8 12/8", "major": "dur", "minor": "moll",
    "drums": "drum percussion drumkit drum-kit beat beats drumming cymbals",
    "piano": "pianos keyboard harpsichord clavier", "organ": "accordion harmonium harmonica",
    "mallet": "mallets vibraphone marimba xylophone glockenspiel celesta bells chimes music-box timpani",
    "guitar": "guitars banjo lute ukulele sitar mandolin", "bass": "bassline bass-guitar double-bass contrabass",
    "strings": "string violin violins viola cello cellos fiddle harp choir",
    "brass": "trumpet trumpets trombone horn horns tuba", "lead": "synth synthesizer synthesiser",
    "winds": "wind woodwind woodwinds flute oboe clarinet bassoon recorder piccolo saxophone sax", "pad": "pads",
    "solo": "unaccompanied", "ensemble": "tutti", "band": "rock combo", "folk": "folksong",
    "orchestral": "orchestra symphonic symphony", "classical": "romantic-era baroque",
    "game": "videogame video-game chiptune soundtrack",
}  # fmt: skip
_PHRASES = {
    "very slow": "largo", "very slowly": "largo", "very fast": "presto", "very quick": "presto", "music box": "music-box",
    "double bass": "double-bass", "bass guitar": "bass-guitar", "video game": "game", "mid tempo": "mid-tempo",
    "folk song": "folk", "solo piano": "solo, piano",
}  # fmt: skip
_KEY = re.compile(
    r"\b(?:in |key of )?([a-g])(#|♯|b|♭|[ -]sharp|[ -]flat)? (major|minor|dur|moll)\b|\bkey of ([a-g])(#|♯|b|♭|[ -]sharp|[ -]flat)?(?!\w)"
)
_BPM = re.compile(r"\b(\d{2,3}(?:\.\d+)?) ?bpm\b")
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+/\d+|[,.;:!?]")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


@dataclass(frozen=True)
class CaptionWords:
    """A text as the model reads it.

    ids: `MAX_WORDS` numbers, 0 where there is no word. known: the words of the vocabulary they stand for, in order.
    denied: known words behind a "no", "not", "without": for the negative side. unknown: in no table.
    nearest: for some of the unknown a known word that is spelt alike. left_out: known, but beyond the twelfth.
    heard_as: word or phrase that is in no table -> the word of the vocabulary that it was taken for; that one is in `known` or
    `denied`. translated: word or phrase of another language -> the English that was read in its place (`english.py`).
    """

    ids: tuple[int, ...]
    known: tuple[str, ...]
    denied: tuple[str, ...]
    unknown: tuple[str, ...]
    nearest: dict[str, str]
    left_out: tuple[str, ...]
    heard_as: dict[str, str] = field(default_factory=dict)
    translated: dict[str, str] = field(default_factory=dict)


Near = Callable[[Sequence[str]], dict[str, str]]
"""Words and phrases -> for some of them a word of the vocabulary that is near in meaning."""


class Vocabulary:
    """Words and their numbers, from 1. The card of a model holds its words, so that numbers never move under it."""

    def __init__(self, words: tuple[str, ...] | list[str] | None = None) -> None:
        self.words = tuple(words) if words is not None else default_words()
        self.number = {word: number for number, word in enumerate(self.words, start=1)}
        self._meaning = {word: word for word in self.words}
        for primary, others in _SYNONYMS.items():
            if primary in self.number:
                self._meaning |= dict.fromkeys(others.split(), primary)
        self._stems: dict[str, set[str]] = {}
        for word, primary in self._meaning.items():
            for root in _roots(word):
                self._stems.setdefault(root, set()).add(primary)

    def __len__(self) -> int:
        """How many numbers there are, 0 included."""
        return len(self.words) + 1

    def read(self, text: str | None, near: Near | None = None) -> CaptionWords:
        """Text -> numbers. near: asked about what is in no table.

        >>> read = Vocabulary().read("slow, sad violin in C minor, no drums, qwxz")
        >>> read.known, read.denied, read.unknown
        (('slow', 'sad', 'strings', 'key-c', 'minor'), ('drums',), ('qwxz',))
        """
        known: list[str] = []
        denied: list[str] = []
        strange: list[list[_Strange]] = [[]]  # runs of unknown words with nothing between them
        negated = False
        for token in _TOKEN.findall(_plain(text or "")):
            token = token.replace("’", "'")
            if token in ",.;:!?":
                negated = False
                strange.append([])
                continue
            if token in NEGATIONS:
                negated = not negated
                strange.append([])
                continue
            words, parts = self._words_of(token)
            if words or not parts:
                strange.append([])
            if not words and not parts:
                continue
            (denied if negated else known).extend(words)
            strange[-1] += [
                _Strange(part, negated or (bool(strange[-1]) and strange[-1][-1].negated)) for part in parts
            ]
            negated = False
        unknown = list(dict.fromkeys(one.word for run in strange for one in run))
        nearest = {u: alike[0] for u in unknown if (alike := difflib.get_close_matches(u, self._meaning, 1, 0.8))}
        alike = {word: self._meaning[other] for word, other in nearest.items()}
        heard_as = _heard_as(strange, alike, near) if near and unknown else {}
        for phrase, (word, is_denied) in heard_as.items():
            (denied if is_denied else known).append(word)
            unknown = [u for u in unknown if u not in phrase.split()]
        known, denied = (list(dict.fromkeys(words)) for words in (known, denied))
        taken = known[:MAX_WORDS]
        padded = (*(self.number[word] for word in taken), *[0] * (MAX_WORDS - len(taken)))
        return CaptionWords(
            padded, tuple(taken), tuple(denied), tuple(unknown), {u: nearest[u] for u in unknown if u in nearest},
            tuple(known[MAX_WORDS:]),
            {phrase: word for phrase, (word, _) in heard_as.items()},
        )  # fmt: skip

    def meanings(self) -> dict[str, str]:
        """Every word that can be said -> the word of the vocabulary that it stands for; keys left out."""
        return {word: primary for word, primary in self._meaning.items() if not word.startswith("key-")}

    def _words_of(self, token: str) -> tuple[list[str], list[str]]:
        """(words of the vocabulary, unknown words) of one token; both empty for a word that says nothing of the music."""
        found: list[str] = []
        strange: list[str] = []
        whole = token in self._meaning or "-" not in token
        for part in [token] if whole else token.split("-"):
            if part in self._meaning:
                found.append(self._meaning[part])
                continue
            if part in PLAIN or part in STRENGTHENERS or part in WEAKENERS:
                continue
            words = set().union(*(self._stems.get(root, set()) for root in _roots(part)))
            # "hoped" may be of "hope" or of "hop": where both are known, neither is taken
            found.extend(words) if len(words) == 1 else strange.append(part)
        return found, strange

    def affect(self) -> list[tuple[float, float, float]]:
        """For each number: (valence, arousal, 1), -1..1, on the music's plane, or zeros for a word that has no place there."""
        places = english_words()
        return [(0.0, 0.0, 0.0), *((*places[w], 1.0) if w in places else (0.0, 0.0, 0.0) for w in self.words)]


@dataclass(frozen=True)
class _Strange:
    """A word in no table, and whether it stands behind a "no"."""

    word: str
    negated: bool


def _heard_as(runs: list[list[_Strange]], alike: dict[str, str], near: Near) -> dict[str, tuple[str, bool]]:
    """{word or phrase: (word of the vocabulary, whether it is denied)}; a phrase of two or three words goes before its words.

    alike: what a known word that is spelt alike stands for: a slip of the pen must be near that one, and no other.
    """
    parts = [list(some) for run in runs for _, some in groupby(run, lambda one: one.word in alike)]
    phrases = [" ".join(one.word for one in part) for part in parts if part[0].word not in alike]
    asked = dict.fromkeys([*phrases, *(one.word for part in parts for one in part)])
    found = near([phrase for phrase in asked if len(phrase.split()) <= MAX_PHRASE])
    heard: dict[str, tuple[str, bool]] = {}
    for part in parts:
        phrase = " ".join(one.word for one in part)
        if phrase in found and phrase in phrases:
            heard[phrase] = (found[phrase], part[0].negated)
            continue
        for one in part:
            if one.word in found and alike.get(one.word, found[one.word]) == found[one.word]:
                heard[one.word] = (found[one.word], one.negated)
    return heard


def _roots(word: str) -> tuple[str, ...]:
    """What a word may be a form of: its stem, with the "e" that `stem` takes off wherever the word shows it.

    >>> _roots("hopeful"), _roots("hop"), _roots("hoped"), _roots("storms")
    (('hope',), ('hop',), ('hop', 'hope'), ('storm',))
    """
    short = stem(word)
    if not word.startswith(short):
        return (short,)
    ending = word[len(short) :]
    if re.match(r"e($|[^aeioudrs])", ending):
        return (f"{short}e",)
    return (short, f"{short}e") if re.match(r"[aeiouy]", ending) else (short,)


def caption_mask(ids: tuple[int, ...] | list[int]) -> list[float]:
    """1 where there is a word. Without any, the first place counts: it holds what "nothing said" was learnt to be."""
    mask = [float(number > 0) for number in ids]
    return mask if any(mask) else [1.0, *[0.0] * (len(ids) - 1)]


def tempo_word(bpm: float) -> str:
    """
    >>> tempo_word(70), tempo_word(200)
    ('slow', 'presto')
    """
    return next(word for word, below in TEMPOS if bpm < below or word == TEMPOS[-1][0])


def density_word(notes_per_s: float) -> str:
    """
    >>> density_word(2.0), density_word(30.0)
    ('sparse', 'dense')
    """
    return next(word for word, below in DENSITIES if notes_per_s < below or word == DENSITIES[-1][0])


@lru_cache(maxsize=1)
def music_words() -> frozenset[str]:
    """Words that speak of the music and not of a feeling: "piano", "cello", "allegro"."""
    return frozenset(_MUSIC).union(*(others.split() for others in _SYNONYMS.values())) - english_words().keys()


@lru_cache(maxsize=1)
def default_words() -> tuple[str, ...]:
    """Words of music first, then the affect words that are not already there, under another name or their own."""
    taken = set(_MUSIC) | {other for others in _SYNONYMS.values() for other in others.split()}
    return (*_MUSIC, *(word for word in english_words() if word not in taken))


def _plain(text: str) -> str:
    """Lower case; keys, tempos and phrases of several words turned to single words of the vocabulary."""
    text = text.lower()
    text = _KEY.sub(_key_words, text)
    text = _BPM.sub(lambda match: tempo_word(float(match[1])), text)
    for phrase, word in _PHRASES.items():
        text = re.sub(rf"\b{phrase}\b", word, text)
    return text


def _key_words(match: re.Match[str]) -> str:
    letter, sign, mode = match[1] or match[4], (match[2] or match[5] or "").strip(" -"), match[3] or ""
    tonic = (_STEPS[letter] + (sign in ("#", "♯", "sharp")) - (sign in ("b", "♭", "flat"))) % 12
    return f"key-{TONICS[tonic]} {mode}"
