"""What a file is by its first bytes, where it is no picture that we read: named in words, with the way out.

Looked at before any decoder: several decoders take what they were not made for (a camera raw file is a TIFF whose first
picture is a thumbnail; TGA has no signature at all). The name of a file is not believed, but for camera raw inside a TIFF.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO

from klangbild.picture.tiff_tags import is_camera_raw, is_tiff

MEND = "give a JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP picture"
EXPORT = "export it as JPEG, PNG or TIFF and give that"
_RAW = f"is a camera raw file, which is not developed here; {EXPORT}"
_RAW_SUFFIXES = frozenset(
    [
        ".3fr",
        ".arw",
        ".cr2",
        ".cr3",
        ".crw",
        ".dcr",
        ".dng",
        ".erf",
        ".fff",
        ".iiq",
        ".k25",
        ".kdc",
        ".mef",
        ".mos",
        ".mrw",
        ".nef",
        ".nrw",
        ".orf",
        ".pef",
        ".raf",
        ".raw",
        ".rw2",
        ".rwl",
        ".sr2",
        ".srf",
        ".srw",
        ".x3f",
    ]
)

# (where, bytes, what it is, the way out)
_PICTURES = (
    (0, b"8BPS", "a Photoshop file (PSD)"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    (0, b"\xff\xd8\xff\xf7", "a JPEG-LS picture"),
    (0, b"II\xbc", "a JPEG XR picture"),
    (0, b"v/1\x01", "an OpenEXR picture (EXR)"),
    (0, b"#?RADIANCE", "a Radiance picture (HDR)"),
    (0, b"#?RGBE", "a Radiance picture (HDR)"),
    (0, b"gimp xcf", "a GIMP file (XCF)"),
    (0, b"PDN3", "a Paint.NET file"),
    (0, b"CSFCHUNK", "a Clip Studio file"),
    (0, b"DDS ", "a texture (DDS)"),
    (0, b"\xabKTX", "a texture (KTX)"),
    (0, b"SIMPLE  =", "an astronomical picture (FITS)"),
    (0, b"qoif", "a QOI picture"),
    (0, b"farbfeld", "a farbfeld picture"),
    (0, b"FLIF", "a FLIF picture"),
    (0, b"BPG\xfb", "a BPG picture"),
    (0, b"icns", "an icon of macOS (ICNS)"),
    (0, b"\0\0\2\0\1\0", "a mouse pointer (CUR)"),
    (0, b"AT&TFORM", "a DjVu document"),
    (0, b"SDPX", "a film frame (DPX)"),
    (0, b"XPDS", "a film frame (DPX)"),
    (0, b"\x8aMNG", "a MNG animation"),
    (0, b"\x8bJNG", "a JNG picture"),
    (0, b"\x01\xda\x00", "an SGI picture"),
    (0, b"\x01\xda\x01", "an SGI picture"),
    (0, b"\x59\xa6\x6a\x95", "a Sun raster picture"),
    (0, b"/* XPM */", "an XPM picture"),
    (128, b"DICM", "a medical picture (DICOM)"),
    (8, b"ILBM", "an Amiga picture (ILBM)"),
    (0, b"\xd7\xcd\xc6\x9a", "a drawing in WMF, not pixels"),
    (0, b"\x01\x00\x09\x00\x00\x03", "a drawing in WMF, not pixels"),
    (0, b"%!PS", "a PostScript drawing (EPS), not pixels"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript drawing (EPS), not pixels"),
    (0, b"BLENDER", "a Blender scene"),
    (0, b"Kaydara FBX", "a 3D scene (FBX)"),
    (0, b"glTF", "a 3D scene (glTF)"),
)
_RAWS = ((0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"), (0, b"IIU\0"), (0, b"FUJIFILMCCD-RAW"), (0, b"FOVb"), (0, b"\0MRM"),
         (6, b"HEAPCCDR"), (8, b"CR\x02"), (8, b"IIII\x12\x00"), (4, b"ftypcrx "))  # fmt: skip
_SOUNDS = ((0, b"ID3"), (0, b"fLaC"), (0, b"MThd"), (8, b"WAVE"), (8, b"AIFF"), (8, b"AIFC"), (8, b"RMID"), (8, b"sfbk"),
           (0, b"#!AMR"), (0, b"caff"), (0, b"DSD "), (0, b".snd"), (0, b"MAC "), (0, b"wvpk"), (0, b"RF64"))  # fmt: skip
_VIDEOS = ((0, b"\x1aE\xdf\xa3"), (8, b"AVI "), (0, b"FLV\x01"), (0, b"\0\0\1\xba"), (0, b"\0\0\1\xb3"), (4, b"moov"),
           (4, b"mdat"), (4, b"wide"), (4, b"free"), (4, b"skip"), (4, b"pnot"),
           (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"))  # fmt: skip
_OTHERS = (
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
    (0, b"{\\rtf", "a text document (RTF)"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x93NUMPY", "a numpy array"),
    (0, b"\x89HDF\r\n", "an HDF5 file"),
    (0, b"SQLite format 3", "a database"),
    (0, b"\x7fELF", "a program"),
    (0, b"OTTO", "a font"),
    (0, b"wOFF", "a font"),
    (0, b"wOF2", "a font"),
    (0, b"bplist", "a property list of macOS"),
    (0, b"\0\5\x16\7", "macOS's notes on a file (AppleDouble), not the picture itself"),
    (0, b"\0\0\0\1Bud1", "a folder's view of macOS (.DS_Store)"),
    (0, b"L\0\0\0\1\x14\2\0", "a shortcut of Windows, not the picture itself"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the picture itself"),
)
_ARCHIVES = (("word/", "a Word document"), ("xl/", "an Excel table"), ("ppt/", "a PowerPoint presentation"))
_MIMETYPES = {
    b"application/x-krita": "a Krita picture", b"image/openraster": "an OpenRaster picture",
    b"application/epub+zip": "an e-book (EPUB)", b"application/vnd.oasis.opendocument": "an OpenDocument file",
}  # fmt: skip
_XML_LEAD = re.compile(
    rb"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE\s[^\[>]*(?:\[.*?\]\s*)?>|\s+)", re.DOTALL | re.IGNORECASE
)
_XML_NAME = re.compile(rb"\s*<(?:[\w.-]+:)?([A-Za-z][\w.-]*)[\s/>]")
HEIC_BRANDS = frozenset(b"heic heix hevc hevx heim heis hevm hevs mif1 mif2 msf1 miaf MiHB MiHE MiHA".split())
AVIF_BRANDS = frozenset((b"avif", b"avis", b"avio", b"MA1A", b"MA1B"))


def heif_kind(content: bytes) -> str | None:
    """ "AVIF", "HEIC" or None of a file that begins with the box of file types (ISO 14496-12), by all its brands."""
    if content[4:8] != b"ftyp":
        return None
    length = min(max(int.from_bytes(content[:4], "big"), 16), 512)
    brands = [content[8:12], *(content[i : i + 4] for i in range(16, min(length, len(content)) - 3, 4))]
    if not HEIC_BRANDS & set(brands) and not AVIF_BRANDS & set(brands):
        return None
    if brands[0] not in HEIC_BRANDS | AVIF_BRANDS and not {b"mif1", b"msf1", b"heic", b"avif"} & set(brands):
        return None
    return "AVIF" if AVIF_BRANDS & set(brands) else "HEIC"


def foreign_kind(content: bytes, suffix: str = "") -> str | None:
    """In words what a file surely is and what to do, "is ...; ..."; None: it may be a picture that we read.

    suffix: of the file's name, in lower case, such as ".nef".
    """
    if any(content[at : at + len(mark)] == mark for at, mark in _RAWS):
        return _RAW
    if is_tiff(content) and (suffix in _RAW_SUFFIXES or is_camera_raw(content)):
        return _RAW
    for at, mark, what in _PICTURES:
        if content[at : at + len(mark)] == mark:
            return f"is {what}{'' if what.endswith('pixels') else ', which is not read here'}; {EXPORT}"
    if content.startswith(b"\1\0\0\0") and content[40:44] == b" EMF":
        return f"is a drawing in EMF, not pixels; {EXPORT}"
    if _is_sound(content):
        return f"is a sound file, not a picture; {MEND}"
    if _is_video(content):
        return "is a film, not a picture; save one of its frames as JPEG or PNG and give that"
    if b"%PDF-" in content[:1024] and not _begins_like_a_picture(content):
        return f"is a PDF, not a picture; {EXPORT}"
    if content.startswith(b"PK\x03\x04"):
        return f"is {_archive(content)}, not a picture; give the pictures in it as files of their own"
    for at, mark, what in _OTHERS:
        if content[at : at + len(mark)] == mark:
            return f"is {what}; {MEND}"
    if content.startswith(b"\x1f\x8b"):
        drawing = _markup(_unzipped(content))
        return f"is a drawing in compressed XML (SVG), not pixels; {EXPORT}" if drawing == "svg" else (
            f"is a gzip archive; {MEND}")  # fmt: skip
    root = _markup(content)
    if root == "svg":
        return f"is a drawing in XML (SVG), not pixels; {EXPORT}"
    if root is not None:
        return f"is {'a web page (HTML)' if root in ('html', 'head', 'body') else 'XML'}, not a picture; {MEND}"
    return None


def unread_kind(content: bytes) -> str:
    """In words, what a file is that no decoder took, "is ...; ..."."""
    if _begins_like_a_picture(content):
        return "begins like a picture but is cut off or damaged; save or download it again"
    if not content.strip(b"\0"):
        return "holds nothing but zero bytes; save or download it again"
    if content.startswith(b"MZ"):
        return f"is a program; {MEND}"
    sample = content[:512]
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if sample.startswith(mark):
            sample = sample[: len(sample) // 2 * 2].decode(encoding, "replace").encode("utf-8")
    if all(byte >= 32 or byte in (9, 10, 13) for byte in sample) and 127 not in sample:
        return f"is text, not a picture; {MEND}"
    return f"is not a picture; {MEND}"


def _begins_like_a_picture(content: bytes) -> bool:
    return (
        content.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\0\0\0\x0cjP  "))
        or is_tiff(content)
        or (content.startswith(b"RIFF") and content[8:12] == b"WEBP")
        or (content.startswith(b"BM") and content[6:10] == bytes(4))
    )


def _is_sound(content: bytes) -> bool:
    if content[:4] == b"OggS":
        return b"theora" not in content[:256]
    if content[4:11] in (b"ftypM4A", b"ftypM4B", b"ftypM4P") or content[4:12] in (b"ftypF4A ", b"ftypF4B "):
        return True
    if any(content[at : at + len(mark)] == mark for at, mark in _SOUNDS):
        return content[8:12] != b"ILBM"
    return _is_bare_mp3(content) or _is_adts(content)


def _is_bare_mp3(content: bytes) -> bool:
    """MPEG audio without a tag: a frame's header, and where its length says, another (ISO 11172-3, 2.4.1.3)."""
    length = _frame_bytes(content[:4])
    if not length:
        return False
    return len(content) <= length + 4 or bool(_frame_bytes(content[length : length + 4]))


def _frame_bytes(head: bytes) -> int:
    """The length of the MPEG audio frame with this header of four bytes; 0 where it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer, rate, sampling = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 0 or rate in (0, 15) or sampling == 3:
        return 0
    kbits = {
        (1, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
        (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
        (1, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
        (2, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
        (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    }[(1, layer) if version == 3 else (2, max(layer, 2) if layer == 3 else 2)][rate - 1]
    hertz = (44100, 48000, 32000)[sampling] // {3: 1, 2: 2, 0: 4}[version]
    padding = head[2] >> 1 & 1
    if layer == 3:
        return (12_000 * kbits // hertz + padding) * 4
    return (72_000 if version != 3 and layer == 1 else 144_000) * kbits // hertz + padding


def _is_adts(content: bytes) -> bool:
    """AAC in ADTS frames: two headers, as far apart as the first says."""
    if len(content) < 16 or content[0] != 0xFF or content[1] & 0xF6 != 0xF0:
        return False
    length = (content[3] & 3) << 11 | content[4] << 3 | content[5] >> 5
    following = content[length : length + 2]
    return length > 7 and len(following) == 2 and following[0] == 0xFF and following[1] & 0xF6 == 0xF0


def _is_video(content: bytes) -> bool:
    if content[4:8] == b"ftyp":
        return heif_kind(content) is None and content[8:12] not in (b"jp2 ", b"jpx ", b"jpm ", b"jxl ")
    if content[:4] == b"OggS":
        return b"theora" in content[:256]
    if any(content[at : at + len(mark)] == mark for at, mark in _VIDEOS):
        return True
    packets = content[: 188 * 4 + 1 : 188]
    return len(packets) == 5 and packets == b"G" * 5


def _archive(content: bytes) -> str:
    mimetype = content[38:90] if content[30:38] == b"mimetype" else b""
    for name, what in _MIMETYPES.items():
        if mimetype.startswith(name):
            return what
    try:
        names = zipfile.ZipFile(BytesIO(content)).namelist()[:2000]
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, OverflowError):
        names = []
    for start, what in _ARCHIVES:
        if any(name.startswith(start) for name in names):
            return what
    return "a zip archive"


def _unzipped(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(content[:100_000], 100_000)
    except zlib.error:
        return b""


def _markup(content: bytes) -> str | None:
    """The root element of XML or HTML, in lower case, behind a byte order mark, comments and declarations; None of others."""
    head = content[:200_000]
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if head.startswith(mark):
            head = head[len(mark) :]
            head = head[: len(head) // 2 * 2].decode(encoding, "replace").encode("utf-8") if "16" in encoding else head
    if head.lstrip()[:1] != b"<":
        return None
    if re.match(rb"\s*<!DOCTYPE\s+(?:html|svg)\b", head, re.IGNORECASE):
        return "svg" if re.match(rb"\s*<!DOCTYPE\s+svg", head, re.IGNORECASE) else "html"
    at = 0
    while found := _XML_LEAD.match(head, at):
        at = found.end()
    name = _XML_NAME.match(head, at)
    if name:
        return name.group(1).decode("ascii").lower()
    declared = re.match(rb"\s*<!DOCTYPE\s+(?:[\w.-]+:)?(\w+)", head[at:], re.IGNORECASE)
    return declared.group(1).decode("ascii").lower() if declared else ("xml" if at else None)
