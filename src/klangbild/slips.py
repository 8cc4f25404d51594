"""What was probably meant by what was written: numbers with a comma, a unit or a percent sign, keys in other languages, formats.

Nothing here changes what a person asked for; it finds the words of the next step. The command line, Python and the API say the same.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from klangbild.formats.table import NEAREST, SAME

_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+))"
_SECONDS_IN = {"": 1, "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "sek": 1, "sekunden": 1, "m": 60, "min": 60,
               "mins": 60, "minute": 60, "minutes": 60, "minuten": 60, "ms": 0.001, "h": 3600, "hour": 3600}  # fmt: skip


def number_meant(written: object, *, whole: bool = False, low: float | None = None, high: float | None = None,
                 seconds: bool = False) -> str | None:  # fmt: skip
    """The number that `written` stands for, as it should be written; None if there is none, or it is out of [low, high].

    whole: only whole numbers. seconds: minutes and clock times count too.

    >>> number_meant("0,5"), number_meant("120 bpm"), number_meant("50%"), number_meant("1:30", seconds=True)
    ('0.5', '120', '0.5', '90')
    >>> number_meant("1,000", whole=True), number_meant("1,5", whole=True), number_meant("many")
    ('1000', None, None)
    """
    text = str(written).strip().strip("'\"“”„‘’").strip().casefold().replace("−", "-").lstrip("~≈= ")
    for number in _readings(text, seconds=seconds):
        if whole and number != int(number):
            continue
        if (low is None or number >= low) and (high is None or number <= high):
            return f"{int(number)}" if number == int(number) else f"{number:.6g}"
    return None


def _readings(text: str, *, seconds: bool) -> Iterable[float]:
    """Every number that the text may be, the likeliest first; at most 12 digits, so that none overflows."""
    if len(text) > 24:
        return
    if re.fullmatch(r"[+-]?\d{1,3}(?:[,.' ]\d{3})+", text):  # "1,000": a thousand, or one with a decimal comma
        yield float(re.sub(r"[,.' ]", "", text))
    if re.fullmatch(r"[+-]?\d*,\d+\D{0,9}", text):
        text = text.replace(",", ".")
    if seconds:
        if clock := re.fullmatch(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2})", text):
            yield int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3])
        parts = re.findall(_NUMBER + r"\s*([a-z]*)", text)
        left = re.sub(_NUMBER + r"\s*([a-z]*)", "", text).strip()
        if parts and not left and all(unit in _SECONDS_IN for _, unit in parts):
            yield round(sum(float(number) * _SECONDS_IN[unit] for number, unit in parts), 3)
    if (fraction := re.fullmatch(r"([+-]?\d{1,6})/(\d{1,6})", text)) and int(fraction[2]):
        yield int(fraction[1]) / int(fraction[2])
    if percent := re.fullmatch(_NUMBER + r"\s*(?:%|percent|prozent)", text):
        yield float(percent[1]) / 100
    elif number := re.fullmatch(_NUMBER + r"(?:e\d)?\s*[^\d%.,:/]*", text):
        exponent = re.match(_NUMBER + r"e(\d)", text)
        yield float(number[1]) * (10 ** int(exponent[2]) if exponent else 1)


_TEMPO_WORDS = {
    "grave": 42, "largo": 50, "lento": 55, "adagio": 70, "slow": 70, "andante": 90, "walking": 90, "moderato": 110, "medium": 110,
    "allegretto": 115, "allegro": 130, "fast": 140, "vivace": 160, "presto": 180, "prestissimo": 210,
}  # fmt: skip


def tempo_meant(written: str) -> str | None:
    """Beats a minute of a tempo word, about where metronomes print it.

    >>> tempo_meant("Allegro"), tempo_meant("often")
    ('130', None)
    """
    bpm = _TEMPO_WORDS.get(written.strip().casefold())
    return None if bpm is None else str(bpm)


_GERMAN = {"h": "B", "b": "Bb", "as": "Ab", "es": "Eb", "ais": "A#", "his": "C", "ces": "B", "eis": "F", "fes": "E"}
_SOLFEGE = {"do": "C", "ut": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B", "ti": "B"}
_MINOR_WORDS = {"moll", "minor", "min", "mineur", "menor", "minore", "minör", "mol", "m"}
_MAJOR_WORDS = {"dur", "major", "maj", "majeur", "mayor", "maggiore", "maior", ""}
_SIGNS = {
    "sharp": "#", "flat": "b", "diese": "#", "dièse": "#", "bemol": "b", "bémol": "b", "diesis": "#", "bemolle": "b",
    "sostenido": "#",
}  # fmt: skip


def no_key(written: str) -> str:
    """The line for a `--key` that cannot be read, with the key that was meant where that can be told."""
    meant = key_meant(written)
    hint = f"did you mean '{meant}'?" if meant else "write it like 'C', 'F# minor' or 'Bbm'"
    return f"--key '{written[:40]}' is not a key; {hint}"


def key_meant(written: str) -> str | None:
    """The key that a name in German, French, Italian or Spanish, or with words for its sign, stands for.

    >>> key_meant("h-moll"), key_meant("Es-Dur"), key_meant("ré mineur"), key_meant("c sharp minor"), key_meant("fis")
    ('B minor', 'Eb major', 'D minor', 'C# minor', 'F# major')
    """
    text = written.strip().strip("'\"“”„‘’").casefold().replace("♯", "#").replace("♭", "b").replace("é", "e")
    words = [word for word in re.split(r"[\s_\-.,]+", text) if word][:4]
    if not words:
        return None
    german = words[-1] in ("dur", "moll") or words[0] in ("h", "hm") or words[0].endswith("is")
    mode = "major"
    if len(words) > 1 and words[-1] in _MINOR_WORDS | _MAJOR_WORDS:
        mode = "minor" if words.pop() in _MINOR_WORDS else "major"
    elif len(words) == 1:
        for ending in ("moll", "dur", "minor", "major", "min", "maj", "m"):
            if words[0].endswith(ending) and words[0] not in _SOLFEGE and len(words[0]) > len(ending):
                words[0] = words[0][: -len(ending)]
                mode = "minor" if ending in _MINOR_WORDS else "major"
                german = german or ending in ("dur", "moll")
                break
    sign = "".join(_SIGNS.get(word, "?") for word in words[1:])
    tonic = _tonic(words[0], german=german)
    if tonic is None or sign not in ("", "#", "b") or (sign and len(tonic) > 1):
        return None
    return f"{tonic}{sign} {mode}"


def _tonic(word: str, *, german: bool) -> str | None:
    if german and word in _GERMAN:
        return _GERMAN[word]
    if word in _GERMAN and len(word) > 1:
        return _GERMAN[word]
    for ending, sign in (("is", "#"), ("es", "b"), ("#", "#"), ("b", "b"), ("", "")):
        letter = word[: len(word) - len(ending)] if word.endswith(ending) else ""
        if letter in ("c", "d", "e", "f", "g", "a", "b") and len(letter) == 1:
            return letter.upper() + sign
        if letter in _SOLFEGE and ending in ("", "#", "b"):
            return _SOLFEGE[letter] + sign
    return None


def nearest(word: str, known: Iterable[object], *, cutoff: float = 0.5) -> str | None:
    """The name that was probably meant, without regard to case."""
    names = {str(name).casefold(): str(name) for name in known}
    close = difflib.get_close_matches(word.casefold(), list(names), n=1, cutoff=cutoff)
    return names[close[0]] if close else None


def is_another_format(suffix: str) -> bool:
    """Whether a suffix is that of a sound, score or picture format which we do not write."""
    return suffix.strip().casefold().lstrip(".") in NEAREST


def unknown_format(name: str, known: Iterable[str], kind: str = "format we write") -> str:
    """One line about a format that is not one of `known`, with the nearest of them.

    >>> unknown_format("midi", ("mid", "wav")), unknown_format(".wav", ("mid", "wav"))
    ("'midi' is not a format we write; did you mean 'mid'?", "'.wav' is not a format we write; did you mean 'wav'?")
    """
    known = list(known)
    several = [part.lstrip(".") for part in re.split(r"[\s;/+|&]+", name.strip().casefold()) if part]
    if len(several) > 1 and set(several) <= set(known):
        return f"'{name}' is not a {kind}; write {','.join(several)}"
    plain = name.strip().casefold().lstrip(".")
    meant = plain if plain in known else NEAREST.get(plain)
    if meant not in known:
        meant = nearest(plain, known, cutoff=0.6) if plain not in NEAREST else None
    hint = f"did you mean '{meant}'?" if meant else f"choose from {', '.join(known)}"
    if meant and plain not in SAME and NEAREST.get(plain) == meant:
        hint = f"the nearest that we do is '{meant}' (all: {', '.join(known)})"
    return f"'{name}' is not a {kind}; {hint}"
