"""Which work a file belongs to, by what its set says of it: composer, title, catalogue number, place in its source.

Movements of a sonata, songs of a cycle, editions of one étude and takes of one groove are not near copies note by note, and yet a
held-out one is not unheard where its brothers are trained on. Each file gets the names of the works it may belong to, and files
that share a name share a cluster (`near_duplicates.clusters`). A name too common to say anything ("Andante", "Sanctus") is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_CATALOGUE = re.compile(
    r"(?<![a-z])(op|opus|o|bwv ?anh|bwv|hwv|kv|k|rv|woo|hob|d)[ ._-]{0,2}(\d+)(?![a-z]*\d)", re.IGNORECASE
)
_COMMON_WORDS = """
a adagio agnus alla allegretto allegro alleluia amen and andante andantino anonim anonymous antiphona aria arr arranged as
ballade barcarolle benedictus berceuse canon capriccio chor choral chorale chorus concerto credo cum danse dead dei deo der
des die du duet duo dur e ecossaise eleison en ergo es et etude etudes exercise fantaisie fantasia fig finale flat folk for
fugue galop gavotte gigue gloria graduale grande grave h i ii iii impromptu in intermezzo introduction introitus invention
iv ix jig kanon keyboard krakowiak kujawiak kyrie la landler largo le les lied major march marche mass mazur mazurek mazurka
mazurkas menuet menuetto minor minuet missa moderato moll mouvement movement my new no nocturne nocturnes nr number oberek
of offertorium op opus part partita partitas patrem piano piece pieces polka polonaise polonez pour praeludium prelude
preludes presto primo psalm quadrille quartet quartetto reel rondo sanctus sarabande scherzo secundo sharp sinfonia solo
sonata sonate sonatina song study suite symphony tabulatura tantum tempo the theme trad traditional trio und v valse valses
variation variations vi vii viii vivace vol waltz walzer x xi xii
"""
_NOT_A_NAME = frozenset(_COMMON_WORDS.split())
_MIN_LETTERS = 6
_TUNE_KINDS = (
    r"(reel|jig|hornpipe|polka|slide|slip|march|waltz|barndance|highland|fling|mazurka|strathspey|air|planxty)"
)


def work_names(*, title: str, composer: str, origin: str, file: str) -> frozenset[str]:
    """Names of the works that a file may belong to; empty where nothing is said.

    Args:
        title, composer: as the set says, "" where it does not.
        origin: "owner/repository@commit:path" or any other text.
        file: the file's own name.

    >>> sorted(work_names(title="9 Irrlicht", composer="Schubert, Franz", file="a.mid",
    ...                   origin="OpenScore/Lieder@b:scores/Schubert,_Franz/Winterreise,_D.911/9_Irrlicht/lc1.mxl"))
    ['schubert/d911', 'schubert/irrlicht', 'scores/Schubert,_Franz/Winterreise,_D.911']
    """
    path = origin.partition(":")[2]
    who = surname(composer)
    found = set(_of_path(path, file, title))
    texts = [title, path if path else "", file]
    if who:
        for text in texts:
            found.update(f"{who}/{kind}{number}" for kind, number in _catalogued(text))
    # a drummer's title is a style and a tempo
    if (composer or path) and not path.startswith("groove/") and (name := _title_name(title)):
        found.add(f"{who or 'anyone'}/{name}")
    return frozenset(found)


def surname(composer: str) -> str:
    """The composer's last name in plain letters; "" where nobody in particular is named.

    >>> surname("Chopin, Fryderyk"), surname("ChopinFF"), surname("Mendelssohn-BartholdyF"), surname("trad. Irish")
    ('chopin', 'chopin', 'mendelssohn', '')
    """
    name = composer.split(",")[0].split(";")[0].strip()
    if not name or len(name) > 40 or re.match(r"(?i)(trad|anon|see |words|music|unknown|various|\d)", name):
        return ""
    name = re.sub(r"(?<=[a-z])[A-Z][A-Za-z]{0,3}$", "", name)  # BachJS, BeethovenLv
    words = re.findall(r"[a-z]{3,}", _plain(name))
    return words[0] if words else ""


def _of_path(path: str, file: str, title: str) -> Iterator[str]:
    """Names by the place in the sources that we know."""
    parts = path.split("/")
    stem = file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if parts[0] == "scores" and len(parts) > 3 and parts[2] != "_":
        yield "/".join(parts[:3])  # a cycle of songs
    elif parts[0] == "ftp" and len(parts) > 2:
        yield "/".join(parts[:3])  # a work of one catalogue number, or a collection
    elif parts[0] == "groove" and len(parts) > 3:
        # every drummer played the ten grooves of the evaluation sessions; else a session holds takes of the same patterns
        yield f"groove/{title.split()[0]}" if "eval" in parts[2] else "/".join(parts[:3])
    elif (tune := re.match(r"(?:Complete|Choir)/.*-([^-/]+)\.abc$", path)) and tune.group(1).lower() != "untitled":
        yield f"tune/{_plain(tune.group(1)).replace(' ', '')}"
    elif "/MIDI/" in path and " " not in title and (name := _tune_name(title)):
        yield f"tune/{name}"
    if shelf := re.match(r"(pl-[a-z]+--.+?)(?:--\d+(?:-\d+)*)?_([^_]+)--(.+)$", stem):
        yield f"shelf/{shelf.group(1)}"  # one print or manuscript
        if name := _title_name(shelf.group(3).replace("-", " ")):
            yield f"{surname(shelf.group(2).split('-')[0]) or 'anyone'}/{name}"


def _catalogued(text: str) -> Iterator[tuple[str, str]]:
    for kind, number in _CATALOGUE.findall(text.replace("_", " ")):
        kind = kind.lower().replace(" ", "")
        yield {"opus": "op", "o": "op", "k": "kv"}.get(kind, kind), number.lstrip("0")


def _title_name(title: str) -> str:
    """A title as a name: its letters without numbers and common words; "" where those are all that there is."""
    words = [w for w in re.findall(r"[a-z]+", _plain(title)) if w not in _NOT_A_NAME]
    name = "".join(words)
    return name if len(name) >= _MIN_LETTERS else ""


def _tune_name(title: str) -> str:
    """A tune's name run together with its kind (`DonegalRamblerreelThe`, `PaddyORafferty1`)."""
    name = re.sub(r"\d+", "", re.sub(r"The(?=\d|$)", "", title))
    name = re.sub(rf"{_TUNE_KINDS}s?$", "", name, flags=re.IGNORECASE)
    name = re.sub(r"[^a-z]", "", _plain(name))
    return name if len(name) >= _MIN_LETTERS else ""


def _plain(text: str) -> str:
    """Lower case, without accents."""
    text = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L"))
    return "".join(c for c in text if not unicodedata.combining(c)).lower()
