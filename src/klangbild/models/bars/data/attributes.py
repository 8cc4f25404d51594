"""The attributes of all sections of prepared notes (`notes.attributes`), as places among the training sections."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.section_attributes import N_VALUES, NAMES, fit_knots, raw_attributes, to_values

_STEPS = 127.0


def with_attributes(data: NoteData) -> NoteData:
    """The data with the attributes of every section, and in `about` the knots that say which place is which number.

    Places are those among the sections of training bands, or of all training music where bands are few or none.
    """
    raw = np.full((len(data.section_piece), N_VALUES), np.nan, np.float32)
    filled = np.flatnonzero(np.diff(data.section_start) > 0)
    for section in filled.tolist():
        raw[section] = raw_attributes(data.ids[data.section_start[section] : data.section_start[section + 1]])
    train = filled[~data.piece_heldout[data.section_piece[filled]]]
    if (bands := data.bands()) is not None:
        band = train[data.piece_pool[data.section_piece[train]] == bands]
        train = band if len(band) else train
    knots = fit_knots(raw[train] if len(train) else raw[filled])
    values = np.clip(np.rint(_STEPS * to_values(raw, knots)), -_STEPS, _STEPS).astype(np.int8)
    about = {**data.about, "attributes": list(NAMES), "attribute_knots": np.round(knots, 4).tolist()}
    return replace(data, attributes=values, about=about)


def attributes_of(data: NoteData) -> np.ndarray:
    """(S, A) float32 in [-1, 1]: those kept in the file, or found now."""
    stored = data.attributes if data.attributes is not None else with_attributes(data).attributes
    return stored.astype(np.float32) / _STEPS


def knots_of(data: NoteData) -> np.ndarray:
    """(A, knots) float32: see `notes.attributes.to_values`."""
    about = data.about if "attribute_knots" in data.about else with_attributes(data).about
    return np.array(about["attribute_knots"], np.float32)
