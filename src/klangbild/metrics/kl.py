"""Kullback-Leibler divergence between what a sound classifier hears in a reference and in the generated sound.

Each generated sound is paired with the reference of the same file name; both are heard by one classifier (PANNs CNN14,
527 AudioSet classes, in the published tables), and the divergence of their class probabilities is averaged over pairs.

Conventions
    Logits are float arrays (items, classes) with one file name an item. Lower is better; 0 for identical sounds.
    The small number 1e-6 is added to the generated side only, as in the published code; so a perfect match is slightly
    below 0. Files without a partner are skipped; when fewer than 99 % of the smaller side have one, it is not defined (NaN;
    the published code says -1, which reads as better than a perfect match).

Metrics
    kl_softmax     mean of sum_c p_ref (log p_ref - log(p_gen + 1e-6)), p by softmax: one class a sound.
    kl_sigmoid     the same with independent probabilities, without the terms of the complements.
    Source: Iashin and Rahtu, "Taming Visually Guided Sound Generation", arXiv 2110.08791, section 4; as in audioldm_eval.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from klangbild.errors import InputError

EPS = 1e-6
SHARE_OF_PARTNERS = 0.99


def validate(
    generated: np.ndarray, reference: np.ndarray, generated_names: Sequence[str], reference_names: Sequence[str]
) -> None:
    """Logits are (items, classes) and (others, classes), with one name an item, no name twice.

    Raises:
        InputError: otherwise.
    """
    for logits, names, side in ((generated, generated_names, "generated"), (reference, reference_names, "reference")):
        if logits.ndim != 2 or len(logits) != len(names):
            raise InputError(f"{side}: {len(names)} names for logits of shape {logits.shape}; need one name a row")
        if len(set(names)) != len(names):
            raise InputError(f"{side}: a file name appears twice; rename, since pairs are made by name")
    if generated.shape[1] != reference.shape[1]:
        raise InputError(f"{generated.shape[1]} and {reference.shape[1]} classes; use one classifier for both")


def partners(generated_names: Sequence[str], reference_names: Sequence[str]) -> list[tuple[int, int]]:
    """(row of generated, row of reference) with equal names, in the generated order."""
    rows = {name: row for row, name in enumerate(reference_names)}
    return [(row, rows[name]) for row, name in enumerate(generated_names) if name in rows]


def enough_partners(n_pairs: int, n_generated: int, n_reference: int) -> bool:
    """Whether the two folders are meant to be compared by name."""
    return n_pairs > 0 and n_pairs >= SHARE_OF_PARTNERS * min(n_generated, n_reference)


def kl_softmax(generated: np.ndarray, reference: np.ndarray) -> float:
    """Mean divergence over paired rows of two arrays of logits (pairs, classes), >= 0."""
    return float(_divergence(_softmax, generated, reference).sum(axis=1).mean())


def kl_sigmoid(generated: np.ndarray, reference: np.ndarray) -> float:
    """The same with independent classes: logits (pairs, classes), >= 0."""
    return float(_divergence(_sigmoid, generated, reference).sum(axis=1).mean())


def kl_softmax_by_item(generated: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Logits (pairs, classes), two of them -> each pair's share (pairs,), as the published code keeps it: mean over classes, divided by the number of pairs."""
    return _divergence(_softmax, generated, reference).mean(axis=1) / len(generated)


def evaluate(
    generated: np.ndarray, reference: np.ndarray, generated_names: Sequence[str], reference_names: Sequence[str]
) -> OrderedDict[str, float]:
    """All scores of this file by name, of logits (items, classes) and (others, classes); NaN where too few names match."""
    validate(generated, reference, generated_names, reference_names)
    pairs = partners(generated_names, reference_names)
    if not enough_partners(len(pairs), len(generated), len(reference)):
        return OrderedDict(kl_softmax=math.nan, kl_sigmoid=math.nan)
    ours, theirs = (np.asarray(rows) for rows in zip(*pairs, strict=True))
    return OrderedDict(
        kl_softmax=kl_softmax(generated[ours], reference[theirs]),
        kl_sigmoid=kl_sigmoid(generated[ours], reference[theirs]),
    )


def _divergence(
    chances: Callable[[np.ndarray], np.ndarray], generated: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    p_generated, p_reference = (chances(logits.astype(np.float64)) for logits in (generated, reference))
    # a class of probability 0 contributes nothing (x log x -> 0)
    log_reference = np.log(np.where(p_reference > 0, p_reference, 1.0))
    return p_reference * (log_reference - np.log(p_generated + EPS))


def _softmax(logits: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    return softmax(logits, axis=1)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(logits)
