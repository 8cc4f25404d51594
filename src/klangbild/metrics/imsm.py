"""IMSM, image-music similarity metric: does the music go with the picture, with words as the bridge?

    P = softmax over texts of (picture, text) logits      CLIP in the release
    Q = softmax over texts of (audio, text) logits        CLAP in the release
    M = P Q^T                                             (pictures, audios), entries in [0, 1]
    IMSM = softmax over audios of M                       the matched pair is the diagonal

Conventions
    Logits are float arrays (pictures or audios, texts), similarities already times the model's temperature. Item i of
    each belongs together. Higher is better.

Caveats
    Entries of M lie in [0, 1], so the diagonal of the last softmax cannot exceed e / (e + N - 1): 0.73 for 2 audios,
    0.17 for 10. The published 0.76 and 0.83 cannot be that number; the diagonal of M can. Both depend on which items
    share the batch, so two reports are comparable only on the same items: use `bridged_similarity` for reports.

Metrics
    imsm                  as coded in MeLFusion's release (arXiv 2406.04673).
    imsm_before_softmax   M itself.
    bridged_similarity    ours, free of batch and order: for a picture and an audio, the correlation of their logit
                          profiles over a *fixed* set of texts.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.errors import InputError


def validate(picture_logits: np.ndarray, audio_logits: np.ndarray) -> None:
    """Both (items, texts), with the same texts, finite.

    Raises:
        InputError: otherwise.
    """
    for name, logits in (("picture", picture_logits), ("audio", audio_logits)):
        if logits.ndim != 2 or 0 in logits.shape or not np.isfinite(logits).all():
            raise InputError(f"{name} logits have shape {logits.shape}; need finite numbers (items, texts)")
    if picture_logits.shape[1] != audio_logits.shape[1]:
        raise InputError(
            f"{picture_logits.shape[1]} texts for pictures, {audio_logits.shape[1]} for audio; use the same texts"
        )


def softmax_rows(logits: np.ndarray) -> np.ndarray:
    """Logits (items, classes) -> float64 (items, classes), each row of which sums to 1."""
    from scipy.special import softmax

    return softmax(logits.astype(np.float64), axis=1)


def imsm_before_softmax(picture_logits: np.ndarray, audio_logits: np.ndarray) -> np.ndarray:
    """M, (pictures, audios), entries in [0, 1]."""
    validate(picture_logits, audio_logits)
    return softmax_rows(picture_logits) @ softmax_rows(audio_logits).T


def imsm(picture_logits: np.ndarray, audio_logits: np.ndarray) -> np.ndarray:
    """Softmax of M over audios, (pictures, audios); see the caveats."""
    return softmax_rows(imsm_before_softmax(picture_logits, audio_logits))


def imsm_bound(n_audios: int) -> float:
    """What no diagonal entry of `imsm` can exceed.

    >>> round(imsm_bound(2), 3)
    0.731
    """
    return float(np.e / (np.e + n_audios - 1))


def bridged_similarity(picture_logits: np.ndarray, audio_logits: np.ndarray) -> np.ndarray:
    """Correlation of the profiles over texts, (pictures, audios), in [-1, 1].

    An entry depends on its own picture, its own audio and the texts, on nothing else in the batch. Needs 3 texts or
    more, the same ones in every report.
    """
    validate(picture_logits, audio_logits)
    if picture_logits.shape[1] < 3:
        raise InputError(f"{picture_logits.shape[1]} texts are too few for a profile; give 3 or more")
    profiles = []
    for logits in (picture_logits, audio_logits):
        exact = logits.astype(np.float64)
        centered = exact - exact.mean(axis=1, keepdims=True)
        length = np.linalg.norm(centered, axis=1, keepdims=True)
        profiles.append(np.divide(centered, length, out=np.zeros_like(centered), where=length > 0))
    return profiles[0] @ profiles[1].T


def evaluate(picture_logits: np.ndarray, audio_logits: np.ndarray) -> OrderedDict[str, float]:
    """Logits (pairs, classes) of pictures and of their music -> the mean over matched pairs (the diagonal) of each score, and the bound of the first."""
    scores: OrderedDict[str, float] = OrderedDict()
    scores["imsm"] = float(np.diagonal(imsm(picture_logits, audio_logits)).mean())
    scores["imsm_bound"] = imsm_bound(len(audio_logits))
    scores["imsm_before_softmax"] = float(np.diagonal(imsm_before_softmax(picture_logits, audio_logits)).mean())
    if picture_logits.shape[1] >= 3:
        scores["bridged_similarity"] = float(np.diagonal(bridged_similarity(picture_logits, audio_logits)).mean())
    return scores
