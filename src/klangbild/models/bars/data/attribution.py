"""`ATTRIBUTION.md` from a manifest: who made the music that a model was trained on, where it is from, what its licence asks.

A credit is owed for CC BY, and the text of the licence for MIT, BSD and the like; public domain and CC0 ask for nothing and are named
all the same. Every file that was prepared (trained on or held out) is named: title, composer, source; dropped files are not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from klangbild.models.bars.data.licence_names import kind_of
from klangbild.training.manifest import HELD_OUT, TRAINED, Row

_ADDRESSES = (
    ("cc0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ("cc by-sa 4", "https://creativecommons.org/licenses/by-sa/4.0/"),
    ("cc by-sa 3", "https://creativecommons.org/licenses/by-sa/3.0/"),
    ("cc by 2.5", "https://creativecommons.org/licenses/by/2.5/"),
    ("cc by 3", "https://creativecommons.org/licenses/by/3.0/"),
    ("cc by 4", "https://creativecommons.org/licenses/by/4.0/"),
    ("bsd-3", "https://opensource.org/license/bsd-3-clause"),
    ("mit", "https://opensource.org/license/mit"),
    ("zlib", "https://opensource.org/license/zlib"),
)
_MAX_COMPOSER = 80


def attribution_text(rows: Iterable[Row], *, model: str = "") -> str:
    """Rows of a manifest -> Markdown: by set and licence, then by collection and composer, in the order of their names.

    model: what the music was used for, for the heading. Equal rows give equal text.
    """
    used = sorted(
        (row for row in rows if row.split in (TRAINED, HELD_OUT)), key=lambda r: (r.set, r.licence, r.origin, r.file)
    )
    lines = [f"# Attribution{f' of {model}' if model else ''}", "", _opening(used), ""]
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in used:
        groups[(row.set, row.licence, _collection(row))].append(row)
    for (name, licence, collection), members in groups.items():
        address = _address(licence)
        lines += [f"## {name}: {licence or 'licence not stated'}{f' ({address})' if address else ''}", ""]
        lines += [f"Source: {collection}. Files: {len(members)}.", ""]
        by_composer: dict[str, list[Row]] = defaultdict(list)
        for row in members:
            by_composer[_short(row.composer)].append(row)
        for composer in sorted(by_composer):
            lines.append(f"* {composer or 'composer not stated'}: {'; '.join(map(_piece, by_composer[composer]))}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _opening(used: Sequence[Row]) -> str:
    counts: dict[str, int] = defaultdict(int)
    for row in used:
        counts[row.licence or "licence not stated"] += 1
    told = ", ".join(f"{licence} {n}" for licence, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    closed = sum(kind_of(row.licence) != "open" for row in used)
    ending = "" if not closed else f" Of these, {closed} are not of an open licence."
    return (
        f"Learnt from, or held out for measuring: {len(used)} files ({told}).{ending} Each was changed: put on a grid, cut into "
        "sections, transposed to C major or A minor, and where it said nothing of loudness given some by rule. "
        "The authors named here do not endorse the model or what it makes."
    )


def _collection(row: Row) -> str:
    """The repository, or whatever the origin names before the path."""
    return row.origin.partition(":")[0].strip() or row.set


def _short(composer: str) -> str:
    composer = " ".join(composer.split())
    return composer if len(composer) <= _MAX_COMPOSER else composer[: _MAX_COMPOSER - 1].rstrip() + "…"


def _piece(row: Row) -> str:
    """Title and place in the collection; the title only where the place repeats it."""
    place = row.origin.partition(":")[2] or row.file
    title = " ".join(row.title.split())
    return f"{title} [{place}]" if title and title not in place else f"[{place}]"


def _address(licence: str) -> str:
    name = licence.lower().replace("cc-by", "cc by")
    return next((address for start, address in _ADDRESSES if name.startswith(start)), "")
