"""What is no picture that we read is called what it is, whatever its name says, with the way out; nothing is misread."""

from __future__ import annotations

import gzip
import io
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from klangbild.errors import InputError
from klangbild.picture.load import load_picture
from klangbild.picture.signature import heif_kind

CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "pictures"


def refusal(content: bytes, name: str = "x.jpg", folder: Path | None = None) -> str:
    source: object = content
    if folder is not None:
        (folder / name).write_bytes(content)
        source = folder / name
    with pytest.raises(InputError) as error:
        load_picture(source)
    text = str(error.value)
    assert "\n" not in text and "; " in text
    return text


def tiff(entries: list[tuple[int, int, int, int]], *, order: str = "<", tail: bytes = b"") -> bytes:
    """A TIFF of one directory: (tag, kind, count, value)."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        packed = struct.pack(order + "HHI", tag, kind, count)
        head += packed + (struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value))
    return head + bytes(4) + tail


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


MP3 = (b"\xff\xfb\x90\x00" + bytes(413)) * 4  # 128 kbit/s at 44.1 kHz: 417 bytes a frame
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
BOX = b"\0\0\0\x18ftyp"
FOREIGN = {
    "psd": (b"8BPS\0\1" + bytes(60), "PSD"),
    "jxl codestream": (b"\xff\x0a\xcb\x40" + bytes(60), "JPEG XL"),
    "jxl box": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(60), "JPEG XL"),
    "exr": (b"v/1\x01\2\0\0\0" + bytes(60), "EXR"),
    "hdr": (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 9 +X 9\n", "HDR"),
    "xcf": (b"gimp xcf v011\0" + bytes(60), "GIMP"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(30), "sound file"),
    "mp3 with a tag": (b"ID3\4\0\0\0\0\0\0" + MP3, "sound file"),
    "mp3": (MP3, "sound file"),
    "flac": (b"fLaC\0\0\0\x22" + bytes(60), "sound file"),
    "ogg": (b"OggS\0\2" + bytes(22) + b"\x01vorbis" + bytes(60), "sound file"),
    "theora": (b"OggS\0\2" + bytes(22) + b"\x80theora" + bytes(60), "film"),
    "m4a": (BOX + b"M4A \0\0\0\0isomM4A ", "sound file"),
    "aiff": (b"FORM\0\0\1\0AIFFCOMM" + bytes(30), "sound file"),
    "aac": (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9) + b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9), "sound file"),
    "midi": (b"MThd\0\0\0\6\0\1\0\1\1\xe0", "sound file"),
    "mp4": (BOX + b"isom\0\0\2\0isomavc1", "film"),
    "mov": (BOX + b"qt  \0\0\2\0qt      ", "film"),
    "mkv": (b"\x1aE\xdf\xa3" + bytes(60), "film"),
    "avi": (b"RIFF\0\1\0\0AVI LIST" + bytes(30), "film"),
    "pdf": (b"%PDF-1.7\n", "PDF"),
    "pdf behind a line": (b"\n\n%PDF-1.7\n", "PDF"),
    "docx": (zipped("[Content_Types].xml", "word/document.xml"), "Word"),
    "xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "Excel"),
    "zip": (zipped("a.png"), "zip"),
    "doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60), "Office"),
    "html": (b"<!DOCTYPE html><html><body>404</body></html>", "HTML"),
    "html in capitals": (b"\r\n <HTML><head>", "HTML"),
    "svg": (SVG, "SVG"),
    "svg with a byte order mark": (b"\xef\xbb\xbf" + SVG, "SVG"),
    "svg in utf-16": (b"\xff\xfe" + SVG.decode().encode("utf-16-le"), "SVG"),
    "svg behind a comment": (b"<!-- made by hand, > and all -->\n" + SVG, "SVG"),
    "svg behind everything": (
        b'<?xml version="1.0"?>\n<!-- a -->\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd" [<!ENTITY a "b">]>\n' + SVG,
        "SVG",
    ),
    "svg with a prefix": (b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>', "SVG"),
    "svgz": (gzip.compress(SVG), "SVG"),
    "xml": (b"<?xml version='1.0'?><gpx/>", "XML"),
    "gzip": (gzip.compress(b"notes"), "gzip"),
    "wmf": (b"\xd7\xcd\xc6\x9a" + bytes(60), "WMF"),
    "emf": (b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(60), "EMF"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
    "zeros": (bytes(5000), "zero bytes"),
    "lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    "appledouble": (b"\0\5\x16\7\0\2\0\0" + bytes(60), "AppleDouble"),
    "cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(60), "camera raw"),
    "cr3": (BOX + b"crx \0\0\0\1crx isom", "camera raw"),
    "orf": (b"IIRO\x08\0\0\0" + bytes(60), "camera raw"),
    "rw2": (b"IIU\0\x18\0\0\0" + bytes(60), "camera raw"),
    "raf": (b"FUJIFILMCCD-RAW 0201" + bytes(60), "camera raw"),
    "dng": (tiff([(256, 3, 1, 8), (257, 3, 1, 6), (50706, 1, 4, 1025)]), "camera raw"),
    "nef": (tiff([(256, 3, 1, 8), (257, 3, 1, 6), (259, 3, 1, 34713)], order=">"), "camera raw"),
    "pef": (tiff([(256, 3, 1, 8), (257, 3, 1, 6), (262, 3, 1, 32803)], order=">"), "camera raw"),
    "arw in a sub-directory": (
        tiff([(254, 4, 1, 1), (256, 3, 1, 8), (330, 4, 1, 100)], tail=bytes(50) + tiff([(262, 3, 1, 32803)])[8:]),
        "camera raw",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(FOREIGN))
def test_it_is_called_what_it_is(what):
    content, says = FOREIGN[what]
    assert says in refusal(content)


def test_the_name_counts_for_camera_raw_in_a_tiff_alone(tmp_path):
    plain = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(plain, "TIFF")
    assert "camera raw" in refusal(plain.getvalue(), "shot.NEF", tmp_path)
    (tmp_path / "shot.tif").write_bytes(plain.getvalue())
    assert load_picture(tmp_path / "shot.tif").width == 8
    jpeg = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(jpeg, "JPEG")
    (tmp_path / "shot.psd").write_bytes(jpeg.getvalue())
    assert load_picture(tmp_path / "shot.psd").width == 8  # the bytes are believed, not the name


@pytest.mark.parametrize("brand", ["heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1", "avif", "avis"])
def test_every_brand_of_heif_is_known(brand):
    kind = "AVIF" if brand.startswith("avi") else "HEIC"
    content = BOX + brand.encode() + bytes(4) + b"mif1" + bytes(4)
    assert heif_kind(content) == kind and kind in refusal(content)
    assert heif_kind(BOX + b"mif1" + bytes(4) + brand.encode() + b"miaf") == kind


def test_heic_is_read_with_the_extra_and_names_it_without(monkeypatch, tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 60, 40)).save(buffer, "HEIF", quality=90)
    content = buffer.getvalue()
    assert heif_kind(content) == "HEIC"
    assert np.abs(load_picture(content).rgb.astype(int) - (200, 60, 40)).max() <= 6
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "HEIC" in (text := refusal(content)) and "pip install 'klangbild[heif]'" in text
    monkeypatch.setattr(features, "modules", {})
    assert "pip install 'klangbild[heif]'" in refusal(BOX + b"avif" + bytes(4) + b"mif1" + bytes(4))


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize(
    ("name", "says"),
    [("burst.heic", "HEIC"), ("picture.jxl", "JPEG XL"), ("bom.svg", "SVG"), ("sound.jpg", "sound file"),
     ("thumbnail-first.dng", "camera raw")],
)  # fmt: skip
def test_the_cases(name, says):
    with pytest.raises(InputError, match=says):
        load_picture(CASES / name)
