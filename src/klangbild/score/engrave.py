"""A score drawn, by Verovio: as one SVG of all its pages, or as a PDF.

Verovio (LGPL-3.0, https://www.verovio.org) draws MusicXML; CairoSVG (LGPL-3.0) turns its pages into a PDF. Both come with the extra `score`.
"""

from __future__ import annotations

import re
from io import BytesIO
from xml.etree import ElementTree

from klangbild.errors import KlangbildError, NotAvailableError

_PAGE = (2100, 2970)  # A4 in tenths of a millimetre
_MM = 10.0
_SVG = "http://www.w3.org/2000/svg"
_STAVES_LARGE, _STAVES_SMALL = 2, 8
_UNITS = (8.0, 5.0)
"""Half the distance of two staff lines, in tenths of a millimetre, for few and for many staves."""
# Verovio sets the note of a tempo mark in its own font, which nobody else has: signs that other fonts have, too
_IN_TEXT = {"\ueca5": "\u2669", "\ueca7": "\u266a", "\ueca3": "\U0001d15e", "\uecb7": "."}
_SYMBOLS = '<tspan font-family="DejaVu Sans,Segoe UI Symbol,Apple Symbols,sans-serif"'
_OWN_FONT = re.compile(r'<tspan font-family="Leipzig"')


def engraved_svg(musicxml: bytes) -> bytes:
    """All pages, one under the other, in one SVG.

    Raises:
        NotAvailableError: Verovio is not installed.
    """
    width, height = _PAGE
    pages = _pages(musicxml)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.Element(
        f"{{{_SVG}}}svg",
        {"viewBox": f"0 0 {width} {height * len(pages)}", "width": f"{width / _MM:g}mm"}
        | {"height": f"{height * len(pages) / _MM:g}mm"},
    )
    ElementTree.SubElement(root, f"{{{_SVG}}}rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    for i, page in enumerate(pages):
        inner = ElementTree.fromstring(page)
        inner.attrib |= {"x": "0", "y": str(i * height), "width": str(width), "height": str(height)}
        root.append(inner)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def engraved_pdf(musicxml: bytes, *, title: str) -> bytes:
    """A4 pages in one PDF.

    Raises:
        NotAvailableError: Verovio, CairoSVG or the library cairo is not installed.
    """
    try:
        import cairocffi
        from cairosvg.parser import Tree
        from cairosvg.surface import PDFSurface
    except ImportError:
        raise NotAvailableError(
            "-f pdf needs cairosvg, which is not installed; run: pip install 'klangbild[score]'"
        ) from None
    except OSError:  # the wheel is there and the library is not
        raise NotAvailableError(
            "-f pdf needs the library cairo, which is not installed (Debian: libcairo2, macOS: brew install cairo); "
            "write -f musicxml or -f svg instead"
        ) from None
    points = 72.0 / 25.4 / _MM
    width, height = (points * side for side in _PAGE)
    file = BytesIO()
    document = cairocffi.PDFSurface(file, width, height)
    document.set_metadata(cairocffi.PDF_METADATA_TITLE, title)
    document.set_metadata(cairocffi.PDF_METADATA_CREATOR, "klangbild")
    # the hour would make other bytes each time
    document.set_metadata(cairocffi.PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z")
    context = cairocffi.Context(document)
    for page in _pages(musicxml):
        drawn = PDFSurface(Tree(bytestring=page), None, 96, output_width=_PAGE[0], output_height=_PAGE[1])
        context.save()
        context.scale(width / drawn.width, height / drawn.height)
        context.set_source_surface(drawn.cairo)
        context.paint()
        context.restore()
        context.show_page()
    document.finish()
    return file.getvalue()


def _pages(musicxml: bytes) -> list[bytes]:
    """The pages as SVG."""
    try:
        import verovio
    except ImportError:
        raise NotAvailableError(
            "-f svg and -f pdf need verovio, which is not installed; run: pip install 'klangbild[score]'"
        ) from None
    text = musicxml.decode()
    staves = len(re.findall(r"<score-part ", text)) + text.count("<staves>2</staves>")
    share = min(max((staves - _STAVES_LARGE) / (_STAVES_SMALL - _STAVES_LARGE), 0.0), 1.0)
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            "pageWidth": _PAGE[0],
            "pageHeight": _PAGE[1],
            "unit": _UNITS[0] + share * (_UNITS[1] - _UNITS[0]),
            "footer": "none",
            "svgViewBox": True,
            "smuflTextFont": "none",
            "condense": "none",
            "xmlIdSeed": 1,  # the same bytes each time
        }
    )
    if not toolkit.loadData(text):
        raise KlangbildError("the engraver cannot read this score; write -f musicxml and open it in a notation program")
    pages = [toolkit.renderToSVG(page + 1) for page in range(toolkit.getPageCount())]
    table = str.maketrans(_IN_TEXT)
    return [_OWN_FONT.sub(_SYMBOLS, page).translate(table).encode() for page in pages]
