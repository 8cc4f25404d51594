"""Which labels a prepared file gets: fitted on its own ratings, by a labelling fitted elsewhere, or by the mode alone.

    enough rated pieces            `emotion_labels`: valence fitted on them, ranks within each set      from "ratings"
    too few, or none               a fitted `Labelling`, the shipped one if no other is given           from its name
    too few, open licences only    ranks within each set, valence by mode alone: nothing fitted         from "mode"

The third is for `--licence open`: the shipped labelling was fitted on ratings whose licence forbids commercial use, and a
model of open data must not rest on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.data.emotion_labels import (
    HUMAN,
    NO_LABEL,
    PSEUDO,
    RatedPieces,
    label_sections,
    rated_valence,
    ridge_columns,
)
from klangbild.models.bars.data.labelling import SHIPPED, Labelling
from klangbild.models.bars.data.prepared import NoteData
from klangbild.music.section_features import FEATURES

MIN_RATED = 8
"""With fewer rated pieces than this valence is not fitted on them; their own sections still keep what people said."""
_QUADRANT_SIZE = 0.6
_QUADRANT_SIGNS = np.array([(np.nan, np.nan), (1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)])


def relabelled(
    data: NoteData,
    *,
    exclude_labels: Iterable[str] = (),
    open_only: bool = False,
    labelling: Labelling | None = None,
) -> NoteData:
    """The same data with its emotion labels made anew from its features; `about["labels"]` says how.

    Args:
        exclude_labels: sets whose human ratings are not used, neither as labels nor to fit the pseudo-labels.
        open_only: never use the shipped labelling.
        labelling: instead of the shipped one, where too few pieces are rated.
    Raises:
        InputError: sets were excluded and no rated piece is left: the shipped labelling may rest on the same ratings.
        NotAvailableError: the shipped labelling is missing.
    """
    excluded = [data.about["pools"].index(name) for name in exclude_labels]
    rating = np.where(np.isin(data.piece_pool, excluded)[:, None], [np.nan, np.nan, 0.0], data.piece_rating)
    rated = RatedPieces(rating[:, 0], rating[:, 1], rating[:, 2].astype(int))
    # features are kept as float16, so that the count comes back only nearly whole
    n_notes = np.rint(data.features[:, FEATURES.index("notes_per_s")] * data.section_seconds)
    pool = data.piece_pool[data.section_piece]
    n_rated, spread = _ratings(rated)
    if excluded or (n_rated >= MIN_RATED and spread > 0.0):
        try:
            labels = label_sections(data.features, n_notes, pool, data.section_piece, rated)
        except ValueError as error:
            raise InputError(
                f"{error}; put a set with columns valence, arousal or quadrant in its CSV beside the others"
            ) from None
        origin = {"from": "ratings", "rated_pieces": n_rated}
    elif open_only and labelling is None:
        nobody = RatedPieces(np.full(len(rating), np.nan), np.full(len(rating), np.nan), np.zeros(len(rating), int))
        labels = label_sections(
            data.features, n_notes, pool, data.section_piece, nobody, coefficients=mode_coefficients()
        )
        labels = _with_few_ratings(labels, data.section_piece, rated)
        origin = {"from": "mode", "rated_pieces": n_rated}
    else:
        name = SHIPPED if labelling is None else "another labelling"
        sets = [data.pool_of(piece) for piece in range(len(data.piece_name))]
        labels = (labelling or Labelling.load()).label(data.features, n_notes, data.section_piece, sets)
        labels = _with_few_ratings(labels, data.section_piece, rated)
        origin = {"from": name.removesuffix(".npz"), "rated_pieces": n_rated}
    valence, arousal, source = labels
    about = data.about | {"labels": origin}
    return replace(data, valence=valence, arousal=arousal, label_source=source, about=about)


def mode_coefficients() -> np.ndarray:
    """Valence as how much better a major key fits than a minor one: coefficients (columns + 1,) in the ridge's place,
    none of them fitted.

    It agrees with raters less than the ridge: Spearman .54 instead of .65 on VGMIDI, area under the curve .78 instead of .84
    on EMOPIA (both in their own ranks, the ridge fitted on the same pieces; `benchmarks/own_labels.py`).
    """
    names = [FEATURES[i] for i in ridge_columns()]
    coefficients = np.zeros(len(names) + 1)
    coefficients[names.index("majorness")] = 1.0
    return coefficients


def labels_of_pieces(data: NoteData) -> list[str]:
    """For each piece, where its labels come from, in words for the manifest."""
    human = np.zeros(len(data.piece_name), bool)
    human[data.section_piece[data.label_source == HUMAN]] = True
    return ["rated by people" if h else f"pseudo: {_ORIGIN.get(_from(data), _from(data))}" for h in human]


def labels_in_words(data: NoteData) -> str:
    """One line for the log: how many sections have which labels, and what those rest on."""
    human, pseudo, none = ((data.label_source == kind).sum() for kind in (HUMAN, PSEUDO, NO_LABEL))
    return (
        f"labels: {human} sections rated by people, {pseudo} pseudo-labelled ({_ORIGIN.get(_from(data), _from(data))}), "
        f"{none} without"
    )


def labels_on_card(data: NoteData) -> str:
    """What a model's card says of the labels it learnt from."""
    human = sorted({data.pool_of(piece) for piece in data.section_piece[data.label_source == HUMAN]})
    start = "pseudo-labels by 8-bar section"
    if data.about.get("labels", {}).get("from") == "mode":
        start += (
            ", from the notes alone: valence is how much better a major key fits than a minor one, arousal is pace, loudness, short "
            "notes and tempo, both ranked within each set; nobody's ratings were used"
        )
    return start + (f"; human ratings for {' and '.join(human)}" if human else "")


_ORIGIN = {
    "ratings": "fitted on the ratings among these sets",
    "mode": "ranks and the mode, nothing fitted",
    "labels-notes": "by the shipped labels-notes, CC BY-NC-SA 4.0",
}


def _from(data: NoteData) -> str:
    return str(data.about["labels"]["from"])


def _ratings(rated: RatedPieces) -> tuple[int, float]:
    """How many pieces are rated, and how far their valences lie apart (0: a constant, nothing to fit)."""
    targets = rated_valence(rated)
    targets = targets[np.isfinite(targets)]
    return len(targets), float(np.ptp(targets)) if len(targets) else 0.0


def _with_few_ratings(
    labels: tuple[np.ndarray, np.ndarray, np.ndarray], piece: np.ndarray, rated: RatedPieces
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A few ratings are too few to rank: they are taken as they are, quadrants as their corner at 0.6."""
    valence, arousal, source = (array.copy() for array in labels)
    means = np.stack([rated.valence, rated.arousal], axis=1)
    said = np.where(np.isfinite(means).all(axis=1)[:, None], means, _QUADRANT_SIZE * _QUADRANT_SIGNS[rated.quadrant])
    chosen = np.isfinite(said[piece]).all(axis=1) & (source == PSEUDO)
    valence[chosen], arousal[chosen] = np.clip(said[piece[chosen]], -1.0, 1.0).T
    source[chosen] = HUMAN
    return valence, arousal, source
