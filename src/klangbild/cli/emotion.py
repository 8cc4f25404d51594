"""`klangbild emotion PICTURE...`: what it sees in a picture, how sure it is, and why."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from klangbild.errors import EXIT_FAILED, EXIT_OK, EXIT_SOME_FAILED, KlangbildError, OutputError, UsageError

_EPILOG = """examples:
  klangbild emotion lake.jpg
  klangbild emotion paintings/ --kind painting --json
  klangbild emotion lake.jpg --text "stormy, heroic" --map lake-map.png

'emotion' is on the raters' scale: (x - 4) / 3 of ratings from 1 to 7; the spreads are half-widths of 80 % intervals.
'asked' is the same point on the music's plane, where percentiles match; music is made from that one.
"""
_TOGETHER, _TOGETHER_PIXELS = 32, 8_000_000


def register(subparsers: Any) -> None:
    """Add `emotion` to the command line."""
    parser = subparsers.add_parser(
        "emotion", help="what it sees in a picture: valence, arousal and why", description=__doc__, epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "pictures", nargs="*", metavar="PICTURE", help="picture files, folders of pictures, or - for stdin"
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="folders with all their sub-folders")
    parser.add_argument("--text", metavar="WORDS", help="words that move the emotion, like 'stormy, heroic'")
    parser.add_argument(
        "--text-weight", type=float, default=0.6, metavar="W", help="share of the words, 0 to 1 (default: 0.6)"
    )
    parser.add_argument("--map", type=Path, metavar="FILE.png", help="draw the emotion of its parts (one picture)")
    parser.add_argument("--regions", action="store_true", help="also the emotion of its parts, in the order of looking")
    parser.add_argument(
        "--emotion-model",
        default="klangbild",
        metavar="NAME|DIR",
        help="klangbild, features, an added model that has an image encoder (aria), or a folder",
    )
    parser.add_argument(
        "--kind", choices=("auto", "painting", "photo"), default="auto", help="what it is (default: auto)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, in order")
    parser.add_argument("-q", "--quiet", action="store_true", help="no reasons, no hints")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="tracebacks of errors")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read all pictures in batches; a failing one does not stop the others. Returns the exit code."""
    from klangbild.picture.find import find_pictures

    if arguments.map is not None and arguments.map.suffix.lower() != ".png":
        raise UsageError(f"--map {arguments.map}: a map is a PNG; give a name that ends in .png")
    if not 0 <= arguments.text_weight <= 1:
        raise UsageError(f"--text-weight {arguments.text_weight} is out of range; give a number from 0 to 1")
    if not arguments.pictures:
        if not arguments.text:
            raise UsageError("there is nothing to read; give a picture, or --text WORDS")
        _show("", _readings([None], arguments)[0], None, arguments)
        return EXIT_OK
    found = find_pictures(arguments.pictures, recursive=arguments.recursive)
    sources = found.pictures
    if not arguments.quiet:
        for line in found.told():
            print(line, file=sys.stderr)
    if arguments.map is not None and len(sources) > 1:
        raise UsageError(f"--map draws one picture, {len(sources)} were given; leave the others out")
    failed = sum(_show_all(batch, arguments) for batch in _batches(sources))
    if not failed:
        return EXIT_OK
    if len(sources) > 1 and not arguments.quiet:
        print(f"{len(sources) - failed} of {len(sources)} pictures read, {failed} failed", file=sys.stderr)
    return EXIT_FAILED if failed == len(sources) else EXIT_SOME_FAILED


def _batches(sources: list[tuple[str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    """[(label, `Picture` or the error that it gave)], as many as are read together: up to 32, and not much memory."""
    from klangbild.picture.load import load_picture

    batch: list[tuple[str, Any]] = []
    pixels = 0
    for label, source in sources:
        try:
            if isinstance(source, KlangbildError):
                raise source
            item = load_picture(source)
            pixels += item.rgb.shape[0] * item.rgb.shape[1]
        except KlangbildError as error:
            item = error
        batch.append((label, item))
        del item
        if len(batch) == _TOGETHER or pixels >= _TOGETHER_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _show_all(batch: list[tuple[str, Any]], arguments: argparse.Namespace) -> int:
    """Read together, show in order. Returns how many failed."""
    pictures = [item for _, item in batch if not isinstance(item, KlangbildError)]
    readings = iter(_readings(pictures, arguments) if pictures else [])
    failed = 0
    for label, item in batch:
        if isinstance(item, KlangbildError):
            failed += 1
            if arguments.json:
                print(json.dumps({"picture": label, "error": str(item)}, ensure_ascii=False), flush=True)
            print(f"Error: {item}", file=sys.stderr)
        else:
            if not arguments.quiet:
                for note in item.notes:
                    print(f"{label}: {note}", file=sys.stderr)
            _show(label, next(readings), item, arguments)
    batch.clear()  # the next is loaded while the caller still holds this list
    return failed


def _readings(pictures: list[Any], arguments: argparse.Namespace) -> list[Any]:
    from klangbild.emotion.read import read_emotions
    from klangbild.music.words import feelings_in

    return read_emotions(
        pictures, text=feelings_in(arguments.text), model=arguments.emotion_model, kind=arguments.kind,
        text_weight=arguments.text_weight,
    )  # fmt: skip


def _show(label: str, reading: Any, picture: Any, arguments: argparse.Namespace) -> None:
    """One picture's answer on stdout, and its map when asked for."""
    regions = None
    if picture is not None and (arguments.map is not None or arguments.regions):
        from klangbild.emotion.regions import emotion_of_regions

        regions = emotion_of_regions(picture, model=arguments.emotion_model, kind=arguments.kind)
    if arguments.map is not None:
        if picture is None:
            raise OutputError("--map needs a picture to draw; give one")
        from klangbild.emotion.draw_map import draw_map

        draw_map(picture, regions, arguments.map)
    if arguments.json:
        print(json.dumps(_record(label, reading, regions, arguments), ensure_ascii=False), flush=True)
        return
    e, a = reading.emotion, reading.asked
    print(f"{label or reading.kind}: {e.name}")
    print(f"  valence {e.valence:+.2f} ± {e.valence_spread:.2f}   arousal {e.arousal:+.2f} ± {e.arousal_spread:.2f}")
    print(f"  asks for music at valence {a.valence:+.2f}, arousal {a.arousal:+.2f} ({a.name})")
    if not arguments.quiet:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in reading.weights.items() if share > 0)
        print(f"  read as {reading.kind}; weights: {shares}; model {reading.model}")
        for reason in reading.reasons:
            print(f"  - {reason}")
    if arguments.regions and regions is not None:
        for number, region in enumerate(regions.regions, start=1):
            r = region.emotion
            x, y = region.center
            print(f"  {number}. at {x:.0%}, {y:.0%}: {r.name}, valence {r.valence:+.2f}, arousal {r.arousal:+.2f}")
    if arguments.map is not None:
        print(f"  map {arguments.map}")


def _record(label: str, reading: Any, regions: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    record: dict[str, Any] = {
        "picture": label or None,
        "emotion": _emotion(reading.emotion),
        "asked": _emotion(reading.asked),
        "reasons": list(reading.reasons),
        "kind": reading.kind,
        "source": reading.source,
        "weights": reading.weights,
        "unknown_words": list(reading.unknown),
        "model": reading.model,
    }
    if regions is not None:
        record["regions"] = [
            {
                "left": round(r.left, 4), "top": round(r.top, 4), "width": r.width, "height": r.height,
                "salience": r.salience, "emotion": _emotion(r.emotion), "asked": _emotion(r.asked),
            }
            for r in regions.regions
        ]  # fmt: skip
    if arguments.map is not None:
        record["map"] = str(arguments.map)
    return record


def _emotion(emotion: Any) -> dict[str, Any]:
    return {
        "valence": emotion.valence, "arousal": emotion.arousal, "valence_spread": emotion.valence_spread,
        "arousal_spread": emotion.arousal_spread, "name": emotion.name,
    }  # fmt: skip
