"""Held-out bits: a model that knows nothing costs log2 of the vocabulary an id, and windows are scored once each."""

import numpy as np
import pytest

from klangbild.models.bars.language import NOTE_0, SIZE
from klangbild.models.bars.training.nll import score_heldout, summarise, torch_scorer

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def data():
    from klangbild.models.bars.data.prepared import NoteData

    rng = np.random.default_rng(0)
    sections = [np.r_[3, rng.integers(NOTE_0, NOTE_0 + 900, 59)].astype(np.uint16) for _ in range(12)]
    return NoteData(
        ids=np.concatenate(sections),
        section_start=np.arange(13) * 60,
        section_piece=np.repeat(np.arange(3), 4).astype(np.int32),
        section_seconds=np.full(12, 15.0, np.float32),
        features=np.zeros((12, 1), np.float32),
        valence=np.zeros(12, np.float32),
        arousal=np.zeros(12, np.float32),
        label_source=np.ones(12, np.uint8),
        piece_name=np.array(["a/0", "a/1", "a/2"]),
        piece_pool=np.zeros(3, np.uint8),
        piece_heldout=np.array([True, True, False]),
        piece_cluster=np.arange(3, dtype=np.int32),
        piece_rating=np.full((3, 3), np.nan, np.float32),
        about={"vocabulary": SIZE, "pools": ["a"]},
    )


@pytest.mark.parametrize("mode", ["continuous_concat", "discrete_token"])
def test_ignorance_costs_the_whole_vocabulary(data, mode):
    from klangbild.models.bars.network_torch import NetworkSizes, NotesNetwork

    network = NotesNetwork(NetworkSizes(SIZE, mode, 32, 1, 2, 32, 8), generator=torch.Generator().manual_seed(0))
    scores = score_heldout(torch_scorer(network), data, mode=mode, context=64, pool=None)
    assert [s.piece for s in scores] == ["a/0", "a/1"]
    # three sections of 15 s; the first Bar is given
    assert [len(s.ids) for s in scores] == [179, 179]
    assert (scores[0].ids == data.ids[61:240]).all()
    numbers = summarise(scores)
    assert numbers["bits_per_id"][0] == pytest.approx(np.log2(SIZE), abs=1e-3)
    assert numbers["notes"] == 2 * 177 and numbers["seconds"] == 90.0
    low, high = numbers["bits_per_note"][1:]
    assert low <= numbers["bits_per_note"][0] <= high
