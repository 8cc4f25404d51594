"""Chunks and batches: what follows what, where the emotion stands, and the same draw for the same step."""

import numpy as np
import pytest

from klangbild.errors import InputError
from klangbild.models.bars.data.batches import EMOTION_JITTER, NoteBatches, condition_width
from klangbild.models.bars.data.chunks import IGNORE, NoteChunks
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import BAR_0, BOS, EOS, NOTE_0, PAD, SIZE
from klangbild.models.bars.section_attributes import GROUPS


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


@pytest.mark.parametrize("mode", ["continuous_concat", "continuous_token", "discrete_token", "none"])
def test_rows_of_a_batch_are_chunks(data, mode):
    batches = NoteBatches(data, mode=mode, context=16)
    bars = np.flatnonzero(data.ids == BAR_0)
    piece = data.section_piece[np.searchsorted(data.section_start, bars, side="right") - 1]
    where = batches._bars  # the same bars, in the stream with prefix ids
    for known in (True, False):
        for opened in (True, False):
            every = np.full(len(bars), True)
            shown = np.zeros((len(bars), len(GROUPS)), bool)
            batch = batches.gather(piece, where, known=every & known, opened=every & opened, shown=shown)
            for row, (number, start) in enumerate(zip(piece.tolist(), bars.tolist(), strict=True)):
                chunk = batches.source.chunk(number, start, known=known, opened=opened)
                counts = chunk.targets != IGNORE
                assert (batch.ids[row] == chunk.ids).all() and (batch.targets[row] == chunk.targets).all()
                assert np.allclose(batch.condition[row][counts], chunk.condition[counts])


def test_what_is_drawn_are_chunks_in_their_shares(data):
    batches = NoteBatches(data, mode="none", context=16, section_start_share=0.0, opened_share=0.25)
    possible = {}
    for piece, opened in ((0, False), (0, True), (1, False)):
        whole = batches.source.piece_ids(piece)
        for start in np.flatnonzero(data.ids[whole] == BAR_0) + whole.start:
            chunk = batches.source.chunk(piece, int(start), opened=opened)
            possible[chunk.ids.tobytes()] = (piece, int(start), chunk.targets)
    batch = batches.batch(400, seed=2, step=9)
    drawn = [possible[ids.tobytes()] for ids in batch.ids]
    assert all((found[2] == targets).all() for found, targets in zip(drawn, batch.targets, strict=True))
    assert {found[:2] for found in drawn} == {(0, 0), (0, 3), (0, 5), (0, 7), (1, 9)}
    assert 0.7 < np.mean([found[0] for found in drawn]) < 0.84  # by length: 30 of 39 ids
    inside = [ids[0] == PAD for ids, found in zip(batch.ids, drawn, strict=True) if found[1] in (3, 5, 7)]
    assert 0.1 < np.mean(inside) < 0.4


def test_batches_repeat_and_hide_the_emotion_now_and_then(data):
    batches = NoteBatches(data, mode="continuous_concat", context=8, dropout=0.5)
    one, two = (batches.batch(64, seed=3, step=5) for _ in range(2))
    assert (one.ids == two.ids).all() and (one.condition == two.condition).all()
    assert (one.ids != batches.batch(64, seed=3, step=6).ids).any()
    from_one = one.condition[:, 0]
    hidden = (from_one[:, 2] == 0).mean()
    assert 0.2 < hidden < 0.9
    off = np.abs(from_one[from_one[:, 2] == 1][:, None, 0] - data.valence[None]).min(axis=1)
    assert 0 < off.max() < 5 * EMOTION_JITTER  # told with noise


def test_batches_tell_attributes_and_hide_them_by_group(data):
    batches = NoteBatches(data, mode="none", context=8, described=True, attributes_dropout=0.3, group_dropout=0.2)
    told = batches.batch(200, seed=1, step=1).condition[:, 0]
    assert told.shape[-1] == condition_width(True)
    known = told[:, -len(GROUPS) :]
    assert 0.2 < (known == 0).all(axis=1).mean() < 0.4 and 0.4 < known.mean() < 0.7
    assert (told[known[:, 0] == 0][:, 3 : 3 + 11] == 0).all()


def test_an_empty_side_says_so(data):
    with pytest.raises(InputError, match="no piece held out"):
        NoteChunks(data, mode="none", context=8, heldout=True)
    with pytest.raises(InputError, match=r"shares \(b\) .* sets a,"):
        NoteBatches(data, mode="none", context=8, pool_shares={"b": 1.0})
