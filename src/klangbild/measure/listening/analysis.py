"""What a listening test says: means with intervals, preferences, which picture, agreement, and how many raters are needed.

Conventions
    Intervals by bootstrap over raters (their answers hang together). Hidden duplicates count for consistency only. Engines
    are compared over raters who rated both.

Metrics
    QUESTION (per engine)            mean; MOS is `quality`. quality, pertinence 1..5; ovl, rel 0..100.
    preferred (per engine)           share of pairs won; p-value of a two-sided sign test in details.
    which_picture (per engine)       share right, chance .25.
    alpha_QUESTION                   Krippendorff's alpha over stimuli (interval).
    consistency_QUESTION             mean |first - again| of hidden duplicates.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import Any

import numpy as np

from klangbild.errors import InputError
from klangbild.measure.listening.plan import QUESTIONS
from klangbild.measure.results import Results
from klangbild.metrics.agreement import krippendorff_alpha, raters_needed, raters_needed_share
from klangbild.metrics.intervals import Estimate, bootstrap


def analyse(rows: list[dict[str, Any]]) -> Results:
    """Rows of `Store.rows` -> results, engines as sets.

    Raises:
        InputError: nobody has answered yet.
    """
    if not rows:
        raise InputError("there are no answers yet; let someone listen first")
    results = Results("listen")
    first = [r for r in rows if r["again"] < 0]
    engines = sorted({r["engine"] for r in rows} | {r["other_engine"] for r in rows if r["other_engine"]})
    for engine in engines:
        scores: dict[str, Estimate] = {}
        for question in QUESTIONS:
            groups = _by_rater([r for r in first if r["question"] == question and r["engine"] == engine])
            if groups:
                scores[question] = _over_raters(groups)
        wins = defaultdict(list)
        for r in first:
            if r["question"] == "fits_better" and engine in (r["engine"], r["other_engine"]):
                wins[r["rater"]].append(float((r["value"] == 0) == (r["engine"] == engine)))
        if wins:
            scores["preferred"] = _over_raters(list(wins.values()))
        groups = [
            [float(v == right) for v, right in g]
            for g in _by_rater(
                [r for r in first if r["question"] == "which_picture" and r["engine"] == engine], right=True
            )
        ]
        if groups:
            scores["which_picture"] = _over_raters(groups)
        results.sets[engine] = scores
    results.sets["all"] = _agreement(first, rows)
    results.details = {"comparisons": _comparisons(first, engines), "raters": len({r["rater"] for r in rows}),
                       "answers": len(rows), "which_picture_p": _which_p(first)}  # fmt: skip
    results.notes = [f"{results.details['raters']} raters, {len(rows)} answers; which_picture: chance is .25"]
    for line in results.details["comparisons"]:
        results.notes.append(_sentence(line))
    return results


def _by_rater(rows: list[dict[str, Any]], *, right: bool = False) -> list[list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for r in rows:
        groups[r["rater"]].append((r["value"], r["right"]) if right else r["value"])
    return list(groups.values())


def _over_raters(groups: list[list[float]]) -> Estimate:
    """Mean of all answers, interval by drawing raters with all of theirs."""
    sums = np.array([(sum(g), len(g)) for g in groups], np.float64)
    found = bootstrap(sums, lambda s: float(s[:, 0].sum() / s[:, 1].sum()))
    return Estimate(found.value, found.low, found.high, len(groups))


def _agreement(first: list[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, Estimate]:
    out: dict[str, Estimate] = {}
    for question in QUESTIONS:
        mine = [r for r in first if r["question"] == question]
        if not mine:
            continue
        raters, units = sorted({r["rater"] for r in mine}), sorted({(r["picture"], r["engine"]) for r in mine})
        table = np.full((len(raters), len(units)), np.nan)
        for r in mine:
            table[raters.index(r["rater"]), units.index((r["picture"], r["engine"]))] = r["value"]
        out[f"alpha_{question}"] = Estimate(krippendorff_alpha(table), np.nan, np.nan, len(raters))
        earlier = {(r["rater"], r["trial"]): r["value"] for r in mine}
        again = [
            abs(r["value"] - earlier[r["rater"], r["again"]])
            for r in rows
            if r["question"] == question and r["again"] >= 0 and (r["rater"], r["again"]) in earlier
        ]
        if again:
            out[f"consistency_{question}"] = bootstrap(np.array(again))
    return out


def _comparisons(first: list[dict[str, Any]], engines: list[str]) -> list[dict[str, Any]]:
    from scipy.stats import binomtest

    out = []
    for a, b in combinations(engines, 2):
        for question in QUESTIONS:
            means: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
            for r in first:
                if r["question"] == question and r["engine"] in (a, b):
                    means[r["rater"]][r["engine"]].append(r["value"])
            differences = np.array([np.mean(m[a]) - np.mean(m[b]) for m in means.values() if a in m and b in m])
            if len(differences) < 2:
                continue
            found = bootstrap(differences)
            needed = raters_needed(found.value, float(differences.std(ddof=1)))
            out.append({"a": a, "b": b, "question": question, "difference": found.as_dict(), "raters_needed": needed})
        pairs = [r for r in first if r["question"] == "fits_better" and {r["engine"], r["other_engine"]} == {a, b}]
        if pairs:
            won = sum((r["value"] == 0) == (r["engine"] == a) for r in pairs)
            each = len(pairs) / len({r["rater"] for r in pairs})
            out.append({
                "a": a, "b": b, "question": "fits_better", "won": won, "of": len(pairs),
                "p": float(binomtest(won, len(pairs)).pvalue),
                "raters_needed": raters_needed_share(won / len(pairs), answers_each=each),
            })  # fmt: skip
    return out


def _which_p(first: list[dict[str, Any]]) -> float | None:
    from scipy.stats import binomtest

    mine = [r["value"] == r["right"] for r in first if r["question"] == "which_picture"]
    return float(binomtest(sum(mine), len(mine), 0.25, alternative="greater").pvalue) if mine else None


def _sentence(line: dict[str, Any]) -> str:
    needed = "no difference to find" if line["raters_needed"] is None else f"{line['raters_needed']} raters needed"
    if line["question"] == "fits_better":
        return f"{line['a']} fits better than {line['b']} in {line['won']} of {line['of']} pairs (p {line['p']:.3g}); {needed}"
    d = line["difference"]
    return f"{line['question']}: {line['a']} - {line['b']} = {d['value']:.2f} [{d['low']:.2f}, {d['high']:.2f}]; {needed} for 80 % power"
