"""`klangbild measure vectors GENERATED.npz REFERENCE.npz`: the published scores on vectors that another tool has stored.

VGGish, PANNs and CLAP are run by whatever library you trust (which one changes the numbers: name it); their vectors come here.

Conventions
    An .npz with `vectors` (items, dimensions) and, for what needs pairs, `names` (items,); and/or `logits` (items, classes).
    A bare .npy is its `vectors`. Numbers of any real kind; they are reckoned with in float64. Pickled objects are refused.
    FAD on VGGish: one row a frame of 0.96 s. FD on PANNs CNN14: one row a file, 2,048 wide; KL and IS: its 527 logits.

Metrics
    frechet, frechet_infinity, kid    of vectors: called FAD on VGGish, FD on PANNs (`--network vggish` names it so, which is
                                      what the tables of Art2Mus and MeLFusion look for).
    kl_softmax, kl_sigmoid            of logits, paired by name. inception_score: of the generated logits.
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, KlangbildError
from klangbild.measure.results import Results, add_output, give
from klangbild.metrics import frechet_infinity, imsm, inception, kid, kl, similarity
from klangbild.metrics.intervals import Estimate

FAD_NETWORKS = ("vggish", "clap")
MAX_BYTES = 2 * 10**9
MAX_NUMBER = 1e40
"""The kernel distance takes sixth powers of what it is given."""


def load_vectors(path: Path) -> dict[str, np.ndarray]:
    """A stored file: `vectors` and `logits` as float64 (items, width), `names` as text (items,), those that it has.

    Raises:
        InputError: missing, damaged, without vectors and logits, or they are no finite numbers of that shape.
    """
    try:
        with path.open("rb") as file:
            is_zip = file.read(2) == b"PK"
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > MAX_BYTES:
                raise InputError(f"{path}: unpacks to {unpacked / 1e9:.0f} GB; give at most {MAX_BYTES // 10**9}")
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            found = {"vectors": stored}
        else:
            with stored:
                found = {name: stored[name] for name in ("vectors", "logits", "names") if name in stored.files}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; store vectors there with numpy.savez") from None
    except KlangbildError:
        raise
    except Exception as error:  # noqa: BLE001 - a header is read by Python's own tokenizer, a zip by three libraries
        if "allow_pickle" in str(error) or "pickled" in str(error):
            raise InputError(
                f"{path}: holds Python objects or text, which are not read; store numbers with numpy.savez"
            ) from None
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: is not an .npz or .npy of plain arrays ({first})") from None
    if not found.keys() & {"vectors", "logits"}:
        raise InputError(f"{path}: holds neither 'vectors' nor 'logits'; store one of them")
    read = {name: _numbers(array, f"{path}: '{name}'") for name, array in found.items() if name != "names"}
    if "names" in found:
        read["names"] = _names(found["names"], f"{path}: 'names'")
        for name, array in read.items():
            if len(array) != len(read["names"]):
                raise InputError(f"{path}: {len(read['names'])} names for {len(array)} {name}; store one name a row")
    return read


def _numbers(array: np.ndarray, what: str) -> np.ndarray:
    """(items, width) float64. Raises InputError: of another shape or kind, empty, not finite, or too large to be squared."""
    if array.dtype.kind not in "fiub":
        kind = "complex numbers" if array.dtype.kind == "c" else f"of type {array.dtype}"
        raise InputError(f"{what} is {kind}; store real numbers")
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{what} has shape {array.shape}; store one row an item: (items, dimensions)")
    with np.errstate(over="ignore"):
        array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds numbers that are not finite; embed the files again")
    if np.abs(array).max() > MAX_NUMBER:
        raise InputError(f"{what} holds numbers above {MAX_NUMBER:g}; no embedding has such, embed the files again")
    return array


def _names(array: np.ndarray, what: str) -> np.ndarray:
    if array.ndim != 1 or array.dtype.kind not in "USiu":
        raise InputError(f"{what} has shape {array.shape} and type {array.dtype}; store one text an item")
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    names = array.astype(str)
    if len(set(names.tolist())) < len(names):
        raise InputError(f"{what} has one name twice; rename, since pairs are made by name")
    return names


def evaluate(
    generated: dict[str, np.ndarray], reference: dict[str, np.ndarray], *, seed: int = 0
) -> dict[str, Estimate]:
    """All scores that the two sides (as `load_vectors` gives them) allow. KL is NaN where the names do not match.

    Raises:
        InputError: shapes that do not fit, or nothing that both sides have.
    """
    out: dict[str, float] = {}
    n = len(next(iter(generated.values())))
    if "vectors" in generated and "vectors" in reference:
        out |= frechet_infinity.evaluate(generated["vectors"], reference["vectors"], seed=seed)
        out |= kid.evaluate(generated["vectors"], reference["vectors"])
    if all({"vectors", "names"} <= side.keys() for side in (generated, reference)):
        out |= _paired_cosine(generated, reference)
    if "logits" in generated and len(generated["logits"]) >= inception.N_CHUNKS:
        out |= inception.evaluate(generated["logits"])
    if "logits" in generated and "logits" in reference:
        if "names" not in generated or "names" not in reference:
            raise InputError("KL pairs files by name, and 'names' is missing; store the file names beside the logits")
        pair = [side["names"].tolist() for side in (generated, reference)]
        out |= kl.evaluate(generated["logits"], reference["logits"], *pair)
    if not out:
        raise InputError("the two files have nothing in common to compare; store 'vectors' or 'logits' in both")
    return {name: Estimate(float(value), np.nan, np.nan, n) for name, value in out.items()}


def pairing(generated: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> str | None:
    """What must be said of the names: that they are missing, or how few of them match; None: nothing."""
    if "names" not in generated or "names" not in reference:
        return "no names on both sides: nothing was compared pair by pair"
    matching = len(kl.partners(generated["names"].tolist(), reference["names"].tolist()))
    fewer = min(len(generated["names"]), len(reference["names"]))
    if kl.enough_partners(matching, len(generated["names"]), len(reference["names"])):
        return None
    return f"{matching} of {fewer} names match: KL is not defined, and a cosine is of those pairs alone"


def _paired_cosine(generated: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> dict[str, float]:
    pairs = kl.partners(generated["names"].tolist(), reference["names"].tolist())
    if not pairs:
        return {"cosine": float("nan")}
    ours, theirs = (np.asarray(rows) for rows in zip(*pairs, strict=True))
    return dict(similarity.evaluate(generated["vectors"][ours], reference["vectors"][theirs]))


def imsm_of(pictures: dict[str, np.ndarray], sounds: dict[str, np.ndarray]) -> dict[str, Estimate]:
    """MeLFusion's IMSM of pictures and sounds paired by name. Raises InputError: no logits, or no pairs."""
    if not all({"logits", "names"} <= side.keys() for side in (pictures, sounds)):
        raise InputError("IMSM needs 'logits' over one set of texts and 'names' in both files")
    pairs = kl.partners(pictures["names"].tolist(), sounds["names"].tolist())
    if not pairs:
        raise InputError("no picture and sound share a name; pairs go by name")
    a, b = (np.asarray(rows) for rows in zip(*pairs, strict=True))
    found = imsm.evaluate(pictures["logits"][a], sounds["logits"][b])
    return {name: Estimate(value, np.nan, np.nan, len(pairs)) for name, value in found.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure vectors`."""
    parser.add_argument("generated", type=Path, metavar="GENERATED.npz|.npy")
    parser.add_argument("reference", type=Path, metavar="REFERENCE.npz|.npy")
    parser.add_argument("--imsm", action="store_true", help="the files are pictures and sounds with logits over texts")
    parser.add_argument(
        "--network", choices=FAD_NETWORKS, help="what made the vectors: their Frechet distance is its FAD"
    )
    parser.add_argument("--name", help="what the set is called (default: the file's name)")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Print the scores."""
    results = Results("vectors")
    pair = load_vectors(args.generated), load_vectors(args.reference)
    try:
        found = imsm_of(*pair) if args.imsm else evaluate(*pair)
    except InputError as error:  # of the two together: which files they are
        raise InputError(f"{args.generated}, {args.reference}: {error}") from None
    if not args.imsm and (told := pairing(*pair)):
        results.notes.append(told)
    if args.network and "frechet_distance" in found:
        found[f"fad_{args.network}"] = found.pop("frechet_distance")
    results.sets[args.name or args.generated.stem] = found
    return give(results, args)
