"""`klangbild measure table art2mus|melfusion RESULTS.json...`: our results in the layout of the two papers, by name.

Results of several commands (sound, vectors, fit, listen) are put together by the name of the set, so call an engine by one
name throughout. What was not measured is "-"; what was measured on another embedding than the paper's says so in its column.

Layouts
    art2mus     Table 3: FAD, KL-Div, IBSc (artwork-generated), IBSc (ground truth-generated); Table 4: quality, pertinence,
                A/B preference. Art2Mus, arXiv 2410.04906. Its published rows stand beside ours.
    melfusion   FAD, KL, FD, IMSM, OVL, REL; MeLFusion, arXiv 2406.04673, main table.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from klangbild.measure.results import Results
from klangbild.metrics.intervals import Estimate

Sets = Mapping[str, Mapping[str, Estimate]]
# column: (header, the scores it may be made of, best first, with what stands behind the number where it is not the paper's)
ART2MUS_3 = (
    ("FAD ↓", (("fad_vggish", ""), ("fad_clap", "CLAP"), ("fad_own", "own"))),
    ("KL-Div ↓", (("spectral_kl", ""),)),
    ("IBSc art-gen ↑", (("imagebind_right", ""),)),
    ("IBSc gt-gen ↑", (("imagebind_truth", ""),)),
)
ART2MUS_4 = (
    ("Quality ↑", (("quality", ""),)),
    ("Pertinence ↑", (("pertinence", ""),)),
    ("Preferred ↑", (("preferred", ""),)),
)
MELFUSION = (
    ("FAD ↓", (("fad_vggish", ""), ("fad_clap", "CLAP"), ("fad_own", "own"))),
    ("KL ↓", (("kl_softmax", ""),)),
    ("FD ↓", (("frechet_distance", ""),)),
    ("IMSM ↑", (("imsm", ""),)),
    ("OVL ↑", (("ovl", ""),)),
    ("REL ↑", (("rel", ""),)),
)
# Art2Mus, Table 3, as published (per-pair FAD, about 20 for anything; not comparable with a set's FAD)
PUBLISHED_ART2MUS: dict[str, tuple[float, ...]] = {
    "Art2Mus (published)": (22, 0.002285, -0.000474, 0.100854),
    "Art2Mus-4 (published)": (21, 0.003082, 0.007739, 0.102437),
    "AudioLDM 2 (published)": (20, 0.004107, 0.097634, 0.232370),
    "AudioLDM 2-Music (published)": (21, 0.005168, 0.083886, 0.220064),
}
LAYOUTS = ("art2mus", "melfusion")


def merged(results: list[Results]) -> dict[str, dict[str, Estimate]]:
    """Sets of equal names put together; a later file wins where two measured the same."""
    out: dict[str, dict[str, Estimate]] = {}
    for result in results:
        for name, scores in result.sets.items():
            out.setdefault(name, {}).update(scores)
    return {name: scores for name, scores in out.items() if name not in ("all", "real half")}


def table(sets: Sets, columns, published: Mapping[str, tuple[float, ...]] | None = None) -> str:
    """Markdown: a row a set."""
    lines = ["| model | " + " | ".join(header for header, _ in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, scores in sets.items():
        lines.append(f"| {name} | " + " | ".join(_cell(scores, sources) for _, sources in columns) + " |")
    for name, values in (published or {}).items():
        lines.append(f"| {name} | " + " | ".join(f"{v:g}" for v in values) + " |")
    return "\n".join(lines)


def _cell(scores: Mapping[str, Estimate], sources) -> str:
    for name, behind in sources:
        if name in scores and np.isfinite(scores[name].value):
            return str(scores[name]) + (f" ({behind})" if behind else "")
    return "-"


def layout(name: str, sets: Sets) -> str:
    """The tables of one paper, with headings."""
    if name == "art2mus":
        heard = {k: s for k, s in sets.items() if any(score in s for score in ("quality", "pertinence", "preferred"))}
        return "\n\n".join([
            "Objective (Art2Mus, Table 3)", table(sets, ART2MUS_3, PUBLISHED_ART2MUS),
            "Subjective (Art2Mus, Table 4)", table(heard or sets, ART2MUS_4),
        ])  # fmt: skip
    return "MeLFusion's main table\n\n" + table(sets, MELFUSION)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure table`."""
    parser.add_argument("layout", choices=LAYOUTS)
    parser.add_argument(
        "results", nargs="+", type=Path, metavar="RESULTS.json", help="of any 'klangbild measure ... -o'"
    )


def run(args: argparse.Namespace) -> int:
    """Print the tables."""
    print(layout(args.layout, merged([Results.load(path) for path in args.results])))
    return 0
