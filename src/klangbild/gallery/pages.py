"""The pages of a gallery: a hundred pieces each, a search over all, a map on the emotion plane. They open from a disk without a server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

from klangbild.gallery.exhibits import Exhibit

PAGE_SIZE = 100
MARK = '<meta name="generator" content="klangbild gallery">'
"""By which a page of ours is known, so that no other is overwritten."""
_MUSIC = "gallery"  # the folder of what the pages share


def page_name(number: int) -> str:
    """The file of page `number`, from 0 on."""
    return "index.html" if number == 0 else f"page-{number + 1:04d}.html"


def pages_of(exhibits: Sequence[Exhibit], thumbnails: Mapping[str, str], *, title: str) -> dict[str, bytes]:
    """{file: HTML} of all pages with cards, and of the map. thumbnails: {sha256 of a picture: its file}."""
    count = -(-len(exhibits) // PAGE_SIZE)
    pages = {}
    for number in range(count):
        here = exhibits[number * PAGE_SIZE : (number + 1) * PAGE_SIZE]
        cards = "\n".join(_card(exhibit, thumbnails, number * PAGE_SIZE + i) for i, exhibit in enumerate(here))
        body = f'{_search(exhibits)}\n<ul id="cards" class="cards">\n{cards}\n</ul>\n{_turns(number, count)}'
        pages[page_name(number)] = _page(title, body, len(exhibits), count, number)
    plane = (
        "<p>Each point is a piece, where its picture feels: pleasant to the right, excited at the top. Choose one to hear it.</p>\n"
        '<div class="map"><canvas id="plane" width="900" height="900" tabindex="0" role="img" aria-label="all pieces on the emotion plane"></canvas>\n'
        '<ul id="cards" class="cards" aria-live="polite"></ul></div>'
    )
    pages["map.html"] = _page(f"{title}: map", plane, len(exhibits), count, None)
    return pages


def data_of(exhibits: Sequence[Exhibit], thumbnails: Mapping[str, str]) -> bytes:
    """What search and map know of every piece, as a script that sets `PIECES`."""
    rows = [
        [
            exhibit.title, _words(exhibit), exhibit.record.music.key, exhibit.record.music.facts.get("tempo"),
            exhibit.record.emotion.own.name, round(exhibit.record.emotion.own.valence, 3),
            round(exhibit.record.emotion.own.arousal, 3), exhibit.sound and quote(exhibit.sound),
            _image(exhibit, thumbnails), _alt(exhibit), round(exhibit.seconds, 1), exhibit.record.seed,
        ]
        for exhibit in exhibits
    ]  # fmt: skip
    # "</" would end the script element of a page that takes this in
    return f"const PIECES = {json.dumps(rows, ensure_ascii=False, separators=(',', ':'))};\n".replace(
        "</", "<\\/"
    ).encode()


def _image(exhibit: Exhibit, thumbnails: Mapping[str, str]) -> str | None:
    """The address of a card's picture: the thumbnail, or the piano roll, which shows the picture small."""
    picture = exhibit.record.picture
    if picture is not None and picture.sha256 in thumbnails:
        return f"{_MUSIC}/{thumbnails[picture.sha256]}"
    return quote(exhibit.files["png"]) if "png" in exhibit.files else None


def _alt(exhibit: Exhibit) -> str:
    picture = exhibit.record.picture
    return (picture.alt if picture and picture.alt else f"picture of {exhibit.title}") if picture else exhibit.title


def _words(exhibit: Exhibit) -> str:
    return exhibit.record.music.words or f"{exhibit.seconds:.0f} s of {exhibit.record.emotion.asked.name} music"


def _card(exhibit: Exhibit, thumbnails: Mapping[str, str], number: int) -> str:
    record, parts = exhibit.record, []
    if image := _image(exhibit, thumbnails):
        parts.append(f'<img loading="lazy" src="{escape(image)}" alt="{escape(_alt(exhibit))}">')
    parts.append(f"<h2>{escape(exhibit.title)}</h2>")
    parts.append(f"<p>{escape(record.emotion.own.name)}: {escape(_words(exhibit))}</p>")
    if sound := exhibit.sound:
        parts.append(f'<audio controls preload="none" src="{escape(quote(sound))}"></audio>')
    else:
        parts.append('<p class="none">No sound was made of it.</p>')
    links = [
        f'<a href="{escape(quote(exhibit.files[kind]))}" download>{name}</a>'
        for kind, name in (("mid", "MIDI"), ("musicxml", "score"), ("json", "record"))
        if kind in exhibit.files
    ]
    if "png" in exhibit.files:
        links.insert(0, f'<a href="{escape(quote(exhibit.files["png"]))}">piano roll</a>')
    licence = f"{record.model.name}, {record.model.licence or 'licence not stated'}"
    parts.append(
        f'<p class="links">{" ".join(links)}</p><p class="small">AI generated; model {escape(licence)}; seed {record.seed}</p>'
    )
    return f'<li id="p{number}">{"".join(parts)}</li>'


def _search(exhibits: Sequence[Exhibit]) -> str:
    moods = sorted({e.record.emotion.own.name for e in exhibits})
    keys = sorted({e.record.music.key for e in exhibits if e.record.music.key})

    def choice(name: str, label: str, values: Sequence[str]) -> str:
        options = "".join(f"<option>{escape(value)}</option>" for value in values)
        return f'<label>{label} <select id="{name}"><option value="">any</option>{options}</select></label>'

    return (
        '<form id="search" role="search"><label>Words <input id="words" type="search" autocomplete="off"></label> '
        f"{choice('mood', 'Mood', moods)} {choice('key', 'Key', keys)} "
        '<label>Tempo from <input id="slowest" type="number" min="20" max="300"></label> '
        '<label>to <input id="fastest" type="number" min="20" max="300"></label>'
        '<output id="found"></output></form>'
    )


def _turns(number: int, count: int) -> str:
    if count == 1:
        return ""
    links = []
    if number:
        links.append(f'<a rel="prev" href="{page_name(number - 1)}">previous</a>')
    links.append(f"page {number + 1} of {count}")
    if number + 1 < count:
        links.append(f'<a rel="next" href="{page_name(number + 1)}">next</a>')
    return f'<nav id="turns" aria-label="pages">{" ".join(links)}</nav>'


def _page(title: str, body: str, pieces: int, count: int, number: int | None) -> bytes:
    here = "" if number is not None else ' aria-current="page"'
    first = ' aria-current="page"' if number == 0 else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">{MARK}
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>
<link rel="stylesheet" href="{_MUSIC}/gallery.css"></head>
<body><header><h1>{escape(title)}</h1>
<nav aria-label="gallery"><a href="index.html"{first}>all {pieces} pieces</a> <a href="map.html"{here}>map</a>
<a href="playlist.m3u8">playlist</a> <a href="pieces.csv">table</a></nav></header>
<main>
{body}
</main>
<footer>All music here was generated by AI, with klangbild; each piece names its model and licence, and its record says how it was made.</footer>
<script src="{_MUSIC}/pieces.js"></script><script src="{_MUSIC}/gallery.js"></script></body></html>
""".encode()
