"""Peak memory of reading large pictures, kind by kind, each in a process of its own; and what is left of it afterwards.

    python benchmarks/picture_memory.py [--only PNG] [--megapixels 100]

For each kind a picture of --megapixels is read, and where that is refused, the largest square of 80, 60, ... 10 that is not.
"kept" is the pixels that the picture holds on to, "after" the memory that remains when it too is dropped, less that
before. Linux only (VmHWM of /proc/self/status).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

# name: (mode, Pillow's format, options of its writer)
KINDS: dict[str, tuple[str, str, dict]] = {
    "PNG RGB": ("RGB", "PNG", {"compress_level": 1}),
    "PNG RGBA": ("RGBA", "PNG", {"compress_level": 1}),
    "PNG RGBA with profile": ("RGBA", "PNG", {"compress_level": 1, "profile": True}),
    "PNG LA": ("LA", "PNG", {"compress_level": 1}),
    "PNG palette, transparent": ("P", "PNG", {"compress_level": 1, "transparency": 3}),
    "PNG grey 16 bit": ("I;16", "PNG", {"compress_level": 1}),
    "JPEG": ("RGB", "JPEG", {"quality": 75}),
    "JPEG with profile": ("RGB", "JPEG", {"quality": 75, "profile": True}),
    "JPEG progressive": ("RGB", "JPEG", {"quality": 75, "progressive": True}),
    "JPEG progressive 4:4:4": ("RGB", "JPEG", {"quality": 75, "progressive": True, "subsampling": 0}),
    "JPEG CMYK": ("CMYK", "JPEG", {"quality": 75}),
    "GIF": ("P", "GIF", {}),
    "TIFF RGB, raw": ("L", "TIFF", {}),
    "TIFF RGBA, LZW strips": ("RGBA", "TIFF", {"compression": "tiff_lzw"}),
    "TIFF RGBA, LZW one strip": ("RGBA", "TIFF", {"compression": "tiff_lzw", "strip_size": 1 << 30}),
    "TIFF CMYK, deflate": ("CMYK", "TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF float, deflate": ("F", "TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF 32 bit, deflate": ("I", "TIFF", {"compression": "tiff_adobe_deflate"}),
    "WebP": ("RGB", "WEBP", {"quality": 50, "method": 0}),
    "WebP with alpha": ("RGBA", "WEBP", {"quality": 50, "method": 0}),
    "WebP lossless": ("RGB", "WEBP", {"lossless": True, "method": 0, "quality": 0}),
    "JPEG 2000": ("RGB", "JPEG2000", {"quality_mode": "rates", "quality_layers": [60]}),
    "JPEG 2000 in tiles": ("RGB", "JPEG2000", {"quality_layers": [60], "tile_size": (1024, 1024)}),
    "AVIF": ("RGB", "AVIF", {"speed": 10, "quality": 40}),
    "HEIC": ("RGB", "HEIF", {"quality": 40}),
    "BMP": ("P", "BMP", {}),
    "TGA RLE": ("RGBA", "TGA", {"compression": "tga_rle"}),
    "PCX": ("RGB", "PCX", {}),
}
_WRITE = """
import sys, numpy as np
from PIL import Image
mode, format, options, side, path = sys.argv[1], sys.argv[2], eval(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
if format == "HEIF":
    import pillow_heif
    pillow_heif.register_heif_opener()
small = np.add.outer(np.arange(256) // 2, np.arange(256) // 2).astype(np.uint8)
small[::7] += np.random.default_rng(0).integers(0, 30, (37, 256), dtype=np.uint8)
one = Image.fromarray(np.stack([small, 255 - small, small.T], axis=2))
if mode == "I;16":
    image = Image.fromarray(np.tile(small.astype(np.uint16) * 200, (side // 256 + 1,) * 2)[:side, :side])
else:
    one = one.convert(mode)
    if mode in ("RGBA", "LA"):
        one.putalpha(Image.fromarray(small))
    image = Image.new(mode, (side, side))
    if mode == "P":
        image.putpalette(one.getpalette())
    row = Image.new(mode, (side, 256))
    for x in range(0, side, 256):
        row.paste(one, (x, 0))
    for y in range(0, side, 256):
        image.paste(row, (0, y))
if options.pop("profile", False):
    from klangbild.picture.color_profile import DISPLAY_P3, matrix_profile, srgb_curve
    options["icc_profile"] = matrix_profile(DISPLAY_P3, srgb_curve())
if "strip_size" in options:
    from PIL import TiffImagePlugin
    TiffImagePlugin.STRIP_SIZE = options.pop("strip_size")
Image.MAX_IMAGE_PIXELS = None
image.save(path, format, **options)
"""
_READ = """
import sys, time
from klangbild.errors import InputError
from klangbild.picture.load import load_picture
from klangbild.picture.view import square_view
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) / 1000
before, start = status("VmRSS"), time.perf_counter()
try:
    picture = load_picture(sys.argv[1])
    square_view(picture)
except InputError as error:
    print("refused", str(error).split(": ", 1)[1].replace("|", " "), f"{status('VmHWM'):.0f}", sep="|")
else:
    seconds, peak, kept = time.perf_counter() - start, status("VmHWM"), picture.rgb.nbytes / 1e6
    del picture
    print("read", f"{seconds:.1f}", f"{peak:.0f}", f"{kept:.0f}", f"{status('VmRSS') - before:.0f}", sep="|")
"""


def measure(kind: str, megapixels: int, folder: Path) -> list[str] | None:
    """What the reading child says of a picture of this kind and size; None where it cannot be written here."""
    mode, format, options = KINDS[kind]
    side, path = round((megapixels * 1e6) ** 0.5), folder / f"picture.{format.lower()}"
    wrote = subprocess.run(
        [sys.executable, "-c", _WRITE, mode, format, repr(options), str(side), str(path)], capture_output=True
    )
    if wrote.returncode:
        return None
    read = subprocess.run([sys.executable, "-c", _READ, str(path)], capture_output=True, text=True, check=True)
    found = read.stdout.strip().split("|")
    size = path.stat().st_size / 1e6
    path.unlink()
    return [f"{size:.1f}", *found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--megapixels", type=int, default=100)
    given = parser.parse_args()
    print("| kind | megapixels | file MB | seconds | peak MB | kept MB | after MB |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            if given.only.lower() not in kind.lower():
                continue
            for megapixels in (given.megapixels, *(m for m in (80, 60, 50, 40, 30, 20, 10) if m < given.megapixels)):
                found = measure(kind, megapixels, Path(folder))
                if found is None:
                    print(f"| {kind} | {megapixels} | cannot be written here | | | | |", flush=True)
                    break
                if found[1] == "read":
                    print(f"| {kind} | {megapixels} | {found[0]} | " + " | ".join(found[2:]) + " |", flush=True)
                    break
                print(f"| {kind} | {megapixels} | {found[0]} | refused: {found[2]} | {found[3]} | | |", flush=True)


if __name__ == "__main__":
    main()
