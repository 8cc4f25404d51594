"""Chunks: what follows what, where the emotion stands, and the same draw for the same step."""

import numpy as np
import pytest

from klangbild.data.note_chunks import IGNORE, NoteChunks
from klangbild.data.note_data import NoteData
from klangbild.errors import InputError
from klangbild.notes.bars import BAR_0, BOS, EOS, NOTE_0, PAD, SIZE


@pytest.fixture
def data() -> NoteData:
    """Two pieces: sections of 3, 4 and 2 ids, and one of 30."""
    bar = BAR_0
    sections = [
        [bar, NOTE_0, NOTE_0 + 1],
        [bar, NOTE_0 + 2, bar, NOTE_0 + 3],
        [bar, NOTE_0 + 4],
        [bar, *range(200, 229)],
    ]
    starts = np.concatenate([[0], np.cumsum([len(s) for s in sections])])
    return NoteData(
        ids=np.concatenate(sections).astype(np.uint16),
        section_start=starts,
        section_piece=np.array([0, 0, 0, 1], np.int32),
        section_seconds=np.ones(4, np.float32),
        features=np.zeros((4, 1), np.float32),
        valence=np.array([-0.9, 0.9, 0.0, 0.5], np.float32),
        arousal=np.array([0.1, 0.2, 0.0, 0.5], np.float32),
        label_source=np.array([1, 2, 0, 1], np.uint8),
        piece_name=np.array(["a/0", "a/1"]),
        piece_pool=np.zeros(2, np.uint8),
        piece_heldout=np.zeros(2, bool),
        piece_cluster=np.arange(2, dtype=np.int32),
        piece_rating=np.full((2, 3), np.nan, np.float32),
        about={"vocabulary": SIZE, "pools": ["a"]},
    )


def test_a_whole_piece_reads_from_begin_to_end(data):
    chunk = NoteChunks(data, mode="continuous_concat", context=16).chunk(0, 0)
    expected = [BOS, *data.ids[:9].tolist(), EOS]
    assert chunk.ids[:11].tolist() == expected and (chunk.ids[11:] == PAD).all()
    assert chunk.targets[:10].tolist() == expected[1:] and (chunk.targets[10:] == IGNORE).all()
    assert np.allclose(chunk.condition[0], [-0.9, 0.1, 1]) and np.allclose(chunk.condition[4], [0.9, 0.2, 1])
    assert (chunk.condition[8] == 0).all()  # an unlabelled section is "any emotion"


@pytest.mark.parametrize("mode", ["continuous_token", "discrete_token"])
def test_prefixes_open_every_section_and_are_never_predicted(data, mode):
    chunk = NoteChunks(data, mode=mode, context=20).chunk(0, 0)
    prefix = chunk.ids >= SIZE
    assert np.flatnonzero(prefix).tolist() == [1, 2, 6, 7, 12, 13]
    assert chunk.targets[0] == BAR_0 and chunk.targets[1] == IGNORE and chunk.targets[2] == BAR_0
    assert chunk.targets[5] == BAR_0  # the last id of a section predicts the next section's Bar
    assert (chunk.targets < SIZE).all()
    assert chunk.targets[15] == EOS
    if mode == "discrete_token":
        assert chunk.ids[12:14].tolist() == [SIZE + 5, SIZE + 11]  # unknown


def test_cut_chunks_still_know_the_next_id(data):
    chunk = NoteChunks(data, mode="none", context=8).chunk(1, 9)
    assert chunk.ids[0] == BOS and chunk.targets[-1] == data.ids[9 + 7]
    assert (chunk.targets != IGNORE).all()


def test_opened_chunks_predict_their_first_bar(data):
    chunk = NoteChunks(data, mode="none", context=8).chunk(0, 3, opened=True)
    assert chunk.ids[:3].tolist() == [PAD, BAR_0, NOTE_0 + 2] and chunk.targets[0] == BAR_0
    assert NoteChunks(data, mode="none", context=8).chunk(0, 0, opened=True).ids[0] == BOS


def test_draws_repeat_and_hide_the_emotion_now_and_then(data):
    chunks = NoteChunks(data, mode="continuous_concat", context=8, dropout=0.5)
    one, two = (chunks.batch(64, seed=3, step=5) for _ in range(2))
    assert (one.ids == two.ids).all() and (one.condition == two.condition).all()
    assert (one.ids != chunks.batch(64, seed=3, step=6).ids).any()
    from_one = one.condition[:, 0]
    hidden = (from_one[:, 2] == 0).mean()
    assert 0.2 < hidden < 0.9


def test_an_empty_side_says_so(data):
    with pytest.raises(InputError, match="no piece held out"):
        NoteChunks(data, mode="none", context=8, heldout=True)
    with pytest.raises(InputError, match=r"shares \(b\) .* sets a,"):
        NoteChunks(data, mode="none", context=8, pool_shares={"b": 1.0})
