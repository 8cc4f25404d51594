"""`klangbild measure vectors GENERATED.npz REFERENCE.npz`: the published scores on vectors that another tool has stored.

VGGish, PANNs and CLAP are run by whatever library you trust (which one changes the numbers: name it); their vectors come here.

Conventions
    An .npz with `vectors` (items, dimensions) and, for what needs pairs, `names` (items,); and/or `logits` (items, classes).
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

from klangbild.errors import InputError
from klangbild.measure import frechet_infinity, imsm, inception, kid, kl, similarity
from klangbild.measure.intervals import Estimate
from klangbild.measure.results import Results, add_output, give

FAD_NETWORKS = ("vggish", "clap")


def load_vectors(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a stored file. Raises InputError: missing, damaged, or without vectors and logits."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in ("vectors", "logits", "names") if name in archive.files}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; store vectors there with numpy.savez") from None
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: is not an .npz of plain arrays ({error})") from None
    if not found.keys() & {"vectors", "logits"}:
        raise InputError(f"{path}: holds neither 'vectors' nor 'logits'; store one of them")
    return found


def evaluate(
    generated: dict[str, np.ndarray], reference: dict[str, np.ndarray], *, seed: int = 0
) -> dict[str, Estimate]:
    """All scores that the two files allow. Raises InputError: shapes or names that do not fit."""
    out: dict[str, float] = {}
    for side in (generated, reference):
        if any(not np.isfinite(side[name]).all() for name in side.keys() & {"vectors", "logits"}):
            raise InputError("vectors or logits hold numbers that are not finite; embed the files again")
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
        pair = [[str(n) for n in side["names"]] for side in (generated, reference)]
        out |= kl.evaluate(generated["logits"], reference["logits"], *pair)
    return {name: Estimate(float(value), np.nan, np.nan, n) for name, value in out.items()}


def _paired_cosine(generated: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> dict[str, float]:
    names = [[str(n) for n in side["names"]] for side in (generated, reference)]
    if any(len(n) != len(side["vectors"]) for n, side in zip(names, (generated, reference), strict=True)):
        raise InputError("there is not one name a vector; store as many names as vectors")
    pairs = kl.partners(*names)
    widths = {side["vectors"].shape[1] for side in (generated, reference)}
    if not pairs or len(widths) > 1:
        return {}
    ours, theirs = (np.asarray(rows) for rows in zip(*pairs, strict=True))
    return dict(similarity.evaluate(generated["vectors"][ours], reference["vectors"][theirs]))


def imsm_of(pictures: dict[str, np.ndarray], sounds: dict[str, np.ndarray]) -> dict[str, Estimate]:
    """MeLFusion's IMSM of pictures and sounds paired by name. Raises InputError: no logits, or no pairs."""
    if not all({"logits", "names"} <= side.keys() for side in (pictures, sounds)):
        raise InputError("IMSM needs 'logits' over one set of texts and 'names' in both files")
    pairs = kl.partners([str(n) for n in pictures["names"]], [str(n) for n in sounds["names"]])
    if not pairs:
        raise InputError("no picture and sound share a name; pairs go by name")
    a, b = (np.asarray(rows) for rows in zip(*pairs, strict=True))
    found = imsm.evaluate(pictures["logits"][a], sounds["logits"][b])
    return {name: Estimate(value, np.nan, np.nan, len(pairs)) for name, value in found.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure vectors`."""
    parser.add_argument("generated", type=Path, metavar="GENERATED.npz")
    parser.add_argument("reference", type=Path, metavar="REFERENCE.npz")
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
    found = imsm_of(*pair) if args.imsm else evaluate(*pair)
    if args.network and "frechet_distance" in found:
        found[f"fad_{args.network}"] = found.pop("frechet_distance")
    results.sets[args.name or args.generated.stem] = found
    return give(results, args)
