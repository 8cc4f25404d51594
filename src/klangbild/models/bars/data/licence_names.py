"""Licences as data sets spell them, read into what they allow: SPDX names, Creative Commons addresses, and plain words.

A licence counts as open only where its whole name is one that is known to be: use for anything, at most with a credit. A
name that is not known, or that says more than a name, is not guessed at; it stays out, and is told.

    open            CC0, public domain, CC BY of any version, MIT, BSD, Zlib, Unlicense, Apache and the like
    share-alike     CC BY-SA, ODbL: what is made from it must be passed on alike
    conditions      Artistic: conditions on changed or sold copies
    copyleft        GPL, LGPL, AGPL, MPL, GFDL and the like
    no-derivatives, non-commercial, reserved, unstated, unknown
"""

from __future__ import annotations

import re

KINDS = (
    "open", "share-alike", "conditions", "copyleft", "no-derivatives", "non-commercial", "reserved", "unstated", "unknown",
)  # fmt: skip
"""From the freest on."""
WISHES = {"all": KINDS, "open": KINDS[:1], "share-alike": KINDS[:2]}
"""What `--licence` may wish for, and the kinds that it takes."""

_VERSION = r"(?: \d+(?:\.\d+)*)?"
_WHERE = r"(?: (?:international|unported|generic|intergovernmental|worldwide|usa|[a-z]{2}))?"
_OPEN = re.compile(
    rf"cc0{_VERSION}(?: universal)?(?: cc0{_VERSION})?(?: public domain(?: dedication)?)?|cc zero{_VERSION}(?: universal)?"
    rf"|(?:the )?(?:cc )?(?:pd|pdm|pddl|public domain)(?: mark| dedication)?{_VERSION}{_WHERE}|no known copyright"
    rf"|(?:(?:cc|odc) )?by{_VERSION}{_WHERE}"
    rf"|(?:the )?mit(?: 0)?|expat|x11|isc|ncsa|hpnd|0?bsd|(?:[0234] clause )?(?:new |modified |simplified |revised )?bsd(?: [0234] clause)?"
    rf"|(?:bsd )?[0234] clause(?: bsd)?|(?:the )?unlicense|zlib(?: libpng)?|libpng|boost{_VERSION}|bsl 1\.0|wtfpl{_VERSION}"
    rf"|(?:apache|asl){_VERSION}|postgresql|curl"
)
_CLOSED = (
    ("unstated", r"\b(unstated|not stated|no licen[cs]e|none|unlicen[cs]ed|unclear|unverified)\b"),
    ("reserved", r"\ball rights reserved\b|\bproprietary\b|\bfair use\b"),
    ("non-commercial", r"\bnc\b|\b(research|personal|private|academic|educational)( use)? only\b"),
    ("no-derivatives", r"\bnd\b"),
    ("copyleft", r"\b[al]?gpl\w*|\b(mpl|epl|eupl|cddl|gfdl|fdl|lal|copyleft|free art)\b"),
    ("share-alike", r"\bsa\b|\bodbl\b"),
    ("conditions", r"\bartistic\b"),
)
_WORDS = (
    (r"https?://(www\.)?creativecommons\.org/(licenses|publicdomain)/", "cc "),
    (r"/(legalcode|deed)?(\.\w+)?$", ""),
    (r"\bcc zero/", "cc0 "),
    (r"\bcreative commons\b", "cc"),
    (r"[\s_()/,:®©-]+", " "),
    (r"\bcc (cc0|zero)\b", "cc0"),
    (r"\b(general|lesser general|affero general) public licen[cs]e\b", "gpl"),
    (r"\bnon ?commercial( use)?\b", "nc"),
    (r"\b(no ?deriv(ative)?s?( works)?)\b", "nd"),
    (r"\bshare ?alike\b", "sa"),
    (r"\battribution\b", "by"),
    (r"\b(the )?(licen[cs]e|licen[cs]ed)\b", ""),
    (r"\b(software|version|dedicated to the)\b", ""),
    (r"\bcc mark\b", "pdm"),
    (r"\bv(?=\.? ?\d)\.? ?", ""),
    (r"\bccby(?=\d|\b)", "cc by"),
    (r"\bcc by(?=\d)", "cc by "),
    (r"\bcc by by\b", "cc by"),
    (r" only$| or later$", ""),
)  # fmt: skip


def kind_of(licence: str) -> str:
    """One of `KINDS`. Of several joined by "or" the freest counts, of several joined by "and", "+" or ";" the strictest.

    >>> kind_of("Public Domain"), kind_of("CC BY 3.0"), kind_of("Creative Commons Attribution-ShareAlike 4.0")
    ('open', 'open', 'share-alike')
    >>> kind_of("CC BY-NC 4.0"), kind_of("GPL-3.0 OR MIT"), kind_of("CC0-1.0 AND CC BY-NC-4.0"), kind_of("")
    ('non-commercial', 'open', 'non-commercial', 'unstated')
    """
    text = licence.strip()
    if not text:
        return "unstated"
    choices = re.split(r"\s+or\s+(?!later)", text, flags=re.IGNORECASE)
    return _freest(
        max((_kind_of_one(part) for part in _parts(choice)), key=KINDS.index, default="unknown") for choice in choices
    )


def is_open(licence: str) -> bool:
    """Whether a licence (as the sets spell it) allows any use, at most with a credit.

    >>> is_open("BSD-3-Clause"), is_open("CC BY-NC-SA 4.0"), is_open("unstated")
    (True, False, False)
    """
    return kind_of(licence) == "open"


def admitted(licence: str, wish: str) -> bool:
    """Whether `--licence wish` takes it; wish: one of `WISHES`."""
    return kind_of(licence) in WISHES[wish]


def _freest(kinds) -> str:
    return min(kinds, key=KINDS.index)


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"\s+and\s+|\s*[+;&]\s*", text, flags=re.IGNORECASE) if part.strip()]


def _kind_of_one(text: str) -> str:
    name = text.strip().lower()
    for pattern, word in _WORDS:
        name = re.sub(pattern, word, name)
    name = " ".join(name.split()).strip(" .")
    for kind, pattern in _CLOSED:
        if re.search(pattern, name):
            return kind
    return "open" if _OPEN.fullmatch(name) else "unknown"
