"""What the emotion model can do, measured: scores in grouped folds, stability, reasons, speed, memory.

    python benchmarks/emotion.py --data ../shared/data/images [--only PART...]

Needs the rated picture sets (they do not ship).
Prints one line per number; docs/emotion.md is written from them.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from klangbild.emotion.predict import WEIGHTS, HeadsPredictor, Predictor, open_predictor
from klangbild.emotion.reasons import SIGNS, is_causal, said_terms
from klangbild.emotion.training.data.pictures import rated_pictures, read_set
from klangbild.emotion.training.score import correlation
from klangbild.picture.color import to_lab
from klangbild.picture.features import picture_features
from klangbild.picture.load import load_picture
from klangbild.picture.picture import Picture

PARTS = ("scores", "stability", "reasons", "speed", "memory", "words", "gate")
EXAMPLES = Path(__file__).parents[1] / "examples" / "pictures"


def some_rated(data: Path, each: int) -> tuple[list[Picture], np.ndarray]:
    """`each` rated photographs and as many paintings, spread over their sets -> (pictures, painting (n,))."""
    pictures, kinds = [], []
    for number, set_name in enumerate(("oasis", "paintings_rated")):
        files = [r.file for r in rated_pictures(data) if r.set_name == set_name]
        chosen = [files[i] for i in np.linspace(0, len(files) - 1, min(each, len(files))).astype(int)]
        pictures += [picture for _, picture in read_set(data, set_name, chosen)]
        kinds += [number] * len(chosen)
    return pictures, np.array(kinds)


def values(predictor: Predictor, pictures: list[Picture], *, kind: str = "auto") -> np.ndarray:
    """(n, 2) valence and arousal."""
    return np.array([(p.emotion.valence, p.emotion.arousal) for p in predictor.predict(pictures, kind=kind)])


def changed(picture: Picture, rgb: np.ndarray | Image.Image) -> Picture:
    return Picture(np.ascontiguousarray(np.asarray(rgb, np.uint8)), picture.name, picture.sha256)


# ---- stability -----------------------------------------------------------------------------------------------------------


def _jpeg(rgb: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file).convert("RGB"))


def _half(rgb: np.ndarray) -> Image.Image:
    return Image.fromarray(rgb).resize((max(1, rgb.shape[1] // 2), max(1, rgb.shape[0] // 2)), Image.Resampling.LANCZOS)


def _cropped(rgb: np.ndarray) -> np.ndarray:
    y, x = round(rgb.shape[0] * 0.05), round(rgb.shape[1] * 0.05)
    return rgb[y : rgb.shape[0] - y, x : rgb.shape[1] - x]


CHANGES = {
    "JPEG quality 50": _jpeg,
    "half size": _half,
    "5 % cut off each side": _cropped,
    "blur of 1 pixel": lambda rgb: Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(1)),
    "10 % brighter": lambda rgb: np.clip(rgb * 1.1, 0, 255).astype(np.uint8),
    "10 % darker": lambda rgb: (rgb * 0.9).astype(np.uint8),
    "mirrored": lambda rgb: rgb[:, ::-1],
    "grays": lambda rgb: Image.fromarray(rgb).convert("L").convert("RGB"),
    "turned by 90 degrees": lambda rgb: np.rot90(rgb),
}


def stability(predictor: Predictor, pictures: list[Picture]) -> None:
    """r between what is read of a picture and of the same picture, changed."""
    before = values(predictor, pictures)
    for name, change in CHANGES.items():
        after = values(predictor, [changed(p, change(p.rgb)) for p in pictures])
        r = [correlation(before[:, a], after[:, a]) for a in (0, 1)]
        moved = np.abs(after - before).mean(axis=0)
        print(f"stability, {name}: r {r[0]:.3f} {r[1]:.3f}, moved by {moved[0]:.3f} {moved[1]:.3f}", flush=True)


# ---- reasons -------------------------------------------------------------------------------------------------------------


def edited(rgb: np.ndarray, feature: str, high: bool) -> np.ndarray | None:
    """The picture with the named property taken back: less of it where it was said to be high, more where low."""
    floats = rgb.astype(np.float32) / 255
    gray = floats.mean(axis=2, keepdims=True)
    if feature in ("brightness", "light_area", "dark_area", "shadow"):
        darker = (feature != "dark_area") == high
        return _bytes(floats ** (1.6 if darker else 0.65))
    if feature in ("hue_variety", "palette_variety", "colorfulness", "yellow_blue_spread", "gray_area"):
        paler = (feature != "gray_area") == high
        return _bytes(gray + (floats - gray) * (0.35 if paler else 1.8))
    if feature in ("blue", "cyan", "green", "purple", "red", "dark_red", "warm_brown", "sky", "greenery_low"):
        low, span = {"blue": (225, 83), "cyan": (165, 60), "green": (103, 62), "greenery_low": (103, 62), "purple": (308, 42),
                     "red": (350, 56), "dark_red": (350, 56), "warm_brown": (20, 75), "sky": (180, 120)}[feature]  # fmt: skip
        lab = to_lab(rgb)
        hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
        inside = ((hue - low) % 360 < span)[..., None]
        return _bytes(np.where(inside, gray + (floats - gray) * 0.15, floats)) if high else None
    if feature == "warmth":
        tint = np.array([0.82, 0.97, 1.2] if high else [1.2, 1.0, 0.8], np.float32)
        return _bytes(floats * tint)
    if feature in ("edge_density", "local_contrast", "detail_fine", "smooth_area"):
        softer = (feature != "smooth_area") == high
        radius = max(rgb.shape) / 128
        image = Image.fromarray(rgb)
        soft = image.filter(ImageFilter.GaussianBlur(1.2 * radius))
        return np.asarray(soft if softer else image.filter(ImageFilter.UnsharpMask(1.5 * radius, 160, 0)))
    if feature == "top_light":
        slope = np.linspace(-0.2, 0.2, rgb.shape[0])[:, None, None] * (1 if high else -1)
        return _bytes(floats + slope)
    return None  # the run of lines and the ruling color cannot be changed alone


def _bytes(floats: np.ndarray) -> np.ndarray:
    return np.clip(floats * 255 + 0.5, 0, 255).astype(np.uint8)


def reasons(predictor: HeadsPredictor, pictures: list[Picture], kinds: np.ndarray) -> dict[str, dict[str, float]]:
    """Change what a sentence names, and see whether the prediction moves as the sentence says it should.

    Returns {"painting arousal": {"changes", "as_said"}, ...}.

    A change counts when it moved the named feature by at least 0.2 of its spread over pictures of the kind.
    """
    heads = predictor.heads
    for k, name in enumerate(("photo", "painting")):
        for axis, what in enumerate(("valence", "arousal")):
            print(f"reasons, {name} {what}: surrogate's R2 {float(heads.reason_share[k, axis]):.2f}, "
                  f"said as a cause: {is_causal(heads, k, axis)}", flush=True)  # fmt: skip
    moves: dict[tuple[int, int], list[float]] = {}
    untested = 0
    names = [sign.feature for sign in SIGNS]
    for k, name in enumerate(("photo", "painting")):
        for picture in [p for p, kind in zip(pictures, kinds, strict=True) if kind == k]:
            features = picture_features(picture)
            for group in said_terms(heads, features, painting=float(k)):
                if not is_causal(heads, k, group[0].axis):
                    continue
                for term in group:
                    feature = names[term.sign]
                    rgb = edited(picture.rgb, feature, term.high)
                    after = changed(picture, rgb) if rgb is not None else picture
                    shift = (picture_features(after)[feature] - features[feature]) / heads.reason_scale[k, term.sign]
                    if rgb is None or (shift < 0) != term.high or abs(shift) < 0.2:
                        untested += 1
                        continue
                    both = values(predictor, [picture, after], kind=name)
                    # taking back what lifts must lower: movement against the pull is as the sentence says
                    moves.setdefault((k, term.axis), []).append(
                        float((both[0] - both[1])[term.axis] * np.sign(term.pull))
                    )
    told = {}
    for (k, axis), found in sorted(moves.items()):
        moved = np.array(found)
        told[f"{('photo', 'painting')[k]} {('valence', 'arousal')[axis]}"] = {
            "changes": len(moved), "as_said": round(float((moved > 0).mean()), 3)
        }  # fmt: skip
        print(f"reasons, {('photo', 'painting')[k]} {('valence', 'arousal')[axis]}: {len(moved)} changes, "
              f"{(moved > 0).mean():.0%} as said, mean {moved.mean():+.3f}", flush=True)  # fmt: skip
    print(f"reasons, terms that could not be changed alone: {untested}")
    return told


# ---- speed ---------------------------------------------------------------------------------------------------------------


def speed(model: str, pictures: list[Picture]) -> None:
    """Milliseconds of processor time per picture, loaded pictures, one thread; the best of three."""
    predictor = open_predictor(model)
    predictor.predict(pictures[:2])
    for together in (1, 16, 256):
        batch = [pictures[i % len(pictures)] for i in range(together)]
        times = []
        for _ in range(5 if together == 1 else 3 if together == 16 else 1):
            start = time.process_time()
            predictor.predict(batch)
            times.append((time.process_time() - start) * 1000 / together)
        print(f"speed, {model}, {together} at once: {min(times):.1f} ms per picture", flush=True)


_MEMORY = """
import sys
from pathlib import Path
from klangbild.emotion.predict import open_predictor
from klangbild.picture.load import load_picture

def peak():  # of this program alone: getrusage would also count what the parent was before exec
    return next(int(l.split()[1]) for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")) // 1024

picture = load_picture(sys.argv[1])
before = peak()
open_predictor("klangbild").predict([picture] * int(sys.argv[2]))
print(before, peak())
"""


def memory(picture: Path) -> None:
    """Peak of a process that reads one picture, and 256 (Linux)."""
    for count in (1, 256):
        done = subprocess.run(
            [sys.executable, "-c", _MEMORY, str(picture), str(count)], capture_output=True, text=True, check=True
        )
        before, after = done.stdout.split()
        print(f"memory, {count} at once: peak {after} MB, of which {before} MB before any model", flush=True)


def gate(data: Path, cache: Path) -> None:
    """Held-out rated pictures, as they are and refiled (cut, smaller, compressed anew): taken for what they are?

    cache: what `klangbild train emotion --cache FILE` kept.
    """
    from klangbild.emotion.training.data.pictures import folds_of
    from klangbild.emotion.training.fit_gate import KindPictures, fit_kind_gate

    if not cache.is_file():
        print(f"gate: {cache}: is not there; run 'klangbild train emotion --evaluate --cache {cache}'")
        return
    with np.load(cache) as stored:
        pictures = KindPictures(stored["surface"], stored["painting"], stored["rated"])
    groups = [r.group for r in rated_pictures(data)]
    fold = folds_of(groups, folds=10, rng=np.random.default_rng(0))
    looks = np.flatnonzero(pictures.rated >= 0)
    share = np.zeros(len(looks))
    for number in range(10):
        test = np.flatnonzero(fold == number)
        inside = np.isin(pictures.rated[looks], test)
        share[inside] = fit_kind_gate(pictures, test).painting(pictures.surface[looks[inside]])
    painting = pictures.painting[looks]
    for name, rows in (("as they are", slice(None, len(groups))), ("refiled", slice(len(groups), None))):
        p, k = share[rows], painting[rows]
        curve = (p[k == 1][:, None] > p[k == 0][None]).mean()
        right = [((p >= 0.5) == k)[k == kind].mean() for kind in (0, 1)]
        print(f"gate, {name}: photographs {right[0]:.0%}, paintings {right[1]:.0%} taken for what they are; "
              f"area under the curve {curve:.3f}", flush=True)  # fmt: skip


def words() -> None:
    """Each word of the table, placed by an installed sentence encoder among those that do not begin like it."""
    from klangbild.emotion.languages import stem
    from klangbild.emotion.sentence_encoder import NEAR, encoder_folder, open_encoder
    from klangbild.emotion.word_neighbors import WordNeighbors
    from klangbild.emotion.words import english_words

    folder = encoder_folder()
    if folder is None:
        print("words: there is no sentence encoder, so nothing to measure")
        return
    places = english_words()
    neighbors, rows = WordNeighbors(open_encoder(folder), places), []
    for word, place in places.items():
        alike = [other for other in places if other[:5] == word[:5] or stem(other) == stem(word)]
        found = neighbors.find([word], least=-1.0, without=alike)[word]
        rows.append((found.cosine, found.valence, found.arousal, *place))
    table = np.array(rows)
    for least in (-1.0, NEAR):
        kept = table[table[:, 0] >= least]
        print(f"words, nearest at {least:+.2f} or more: {len(kept) / len(table):.0%} of {len(table)}, r valence "
              f"{correlation(kept[:, 1], kept[:, 3]):.2f}, arousal {correlation(kept[:, 2], kept[:, 4]):.2f}", flush=True)  # fmt: skip


def scores() -> None:
    """From the cards: `klangbild train emotion` measures them and writes them there."""
    for model in ("features", "klangbild"):
        card = json.loads((WEIGHTS / f"emotion-{model}.json").read_text(encoding="utf-8"))
        for told, key in (("kind told", "metrics"), ("kind not told", "metrics_kind_not_told")):
            for cell, m in card[key].items():
                print(f"scores, {model}, {told}, {cell}: r {m['r']:.2f} [{m['r_95'][0]:.2f}, {m['r_95'][1]:.2f}] "
                      f"CCC {m['ccc']:.2f} MAE {m['mae']:.3f} covers {m['coverage_of_80']:.0%}")  # fmt: skip
        for kind, (share, low, high) in card.get("kind_recognized_with_95", {}).items():
            print(f"scores, {model}, {kind} taken for what it is: {share:.0%} [{low:.0%}, {high:.0%}]")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/images"))
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/emotion/klangbild.npz"), help="of train emotion --cache"
    )
    parser.add_argument("--model", default="klangbild")
    parser.add_argument("--each", type=int, default=145, help="rated pictures of each kind to look at (default: 145)")
    parser.add_argument(
        "--write-card", action="store_true", help="put how faithful the reasons are into the model's card"
    )
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    given = parser.parse_args()
    predictor = open_predictor(given.model)
    if "scores" in given.only:
        scores()
    if {"stability", "reasons"} & set(given.only):
        pictures, kinds = some_rated(given.data, given.each)
    if "stability" in given.only:
        stability(predictor, pictures)
    if "reasons" in given.only:
        told = reasons(predictor, pictures, kinds)
        if given.write_card:
            card = WEIGHTS / f"emotion-{given.model}.json"
            content = json.loads(card.read_text(encoding="utf-8")) | {"reasons_moved_as_said": told}
            card.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if "speed" in given.only:
        speed(given.model, [load_picture(str(path)) for path in sorted(EXAMPLES.glob("*.jpg"))])
    if "memory" in given.only:
        memory(EXAMPLES / "lake-at-dawn.jpg")
    if "gate" in given.only:
        gate(given.data, given.cache)
    if "words" in given.only:
        words()
    return 0


if __name__ == "__main__":
    sys.exit(main())
