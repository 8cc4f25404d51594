"""What `klangbild.contract` promises, as checks that any engine and any notes model must pass."""

import inspect
import json

import numpy as np
import pytest

from klangbild.contract import Engine, EngineOutput, NoteLanguage, NoteModel
from klangbild.errors import Stopped
from klangbild.music.midi import to_midi_bytes

CONDITION = np.array([[0.6, -0.4, 1.0]], np.float32)


def check_members(thing, protocol):
    """All members, and functions that can be called as the protocol's are."""
    for name in getattr(protocol, "__annotations__", {}):
        assert hasattr(thing, name), f"{type(thing).__name__} lacks {name}"
    for name, promised in vars(protocol).items():
        if name.startswith("_"):
            continue
        assert hasattr(thing, name), f"{type(thing).__name__} lacks {name}"
        if inspect.isfunction(promised):  # the others are values
            wanted = list(inspect.signature(promised).parameters.values())[1:]
            given = list(inspect.signature(getattr(thing, name)).parameters.values())
            assert [(p.name, p.kind) for p in given[: len(wanted)]] == [(p.name, p.kind) for p in wanted], (thing, name)
            assert all(p.default is not p.empty for p in given[len(wanted) :]), (thing, name)


def check_engine(engine, request, *, writes_notes: bool):
    """`request` asks for two candidates where the engine can choose between them, so that one can be kept of a stopped run."""
    check_members(engine, Engine)
    assert engine.name == request.settings.engine
    done: list[tuple[float, float]] = []
    first = engine.play(request, on_progress=lambda *now: done.append(now), on_bar=None)
    assert isinstance(first, EngineOutput) and not first.stopped
    assert (first.piece is not None, first.stems is None) == (writes_notes, writes_notes)
    assert (
        {"name", "sha256", "licence"} == set(first.model)
        and len(first.model["sha256"]) == 64
        and first.model["licence"]
    )
    json.dumps([first.model, first.facts])
    assert done and all(0 <= a <= total for a, total in done) and done == sorted(done) and done[-1][0] == done[-1][1]
    again = engine.play(request, on_progress=None, on_bar=None)
    assert content(again) == content(first) and (again.facts, again.model) == (first.facts, first.model)
    for calls in (1, len(done) // 2 + 1):
        check_stop(engine, request, calls=calls)


def check_stop(engine, request, *, calls: int):
    """Stopped at that call of on_progress: what exists is kept and said to be cut short, or there is nothing."""
    heard: list[float] = []

    def stop(now: float, _total: float) -> bool:
        heard.append(now)
        return len(heard) < calls

    try:
        output = engine.play(request, on_progress=stop, on_bar=None)
    except Stopped:
        assert len(heard) == calls
        return
    assert output.stopped and len(heard) == calls
    assert output.stems or output.piece.n_notes


def content(output: EngineOutput):
    """What is heard, as bytes."""
    if output.piece is not None:
        return to_midi_bytes(output.piece, record=None)
    return [(name, audio.rate, audio.samples.tobytes()) for name, audio in output.stems]


def check_note_model(model, language, *, rounding: float = 2e-3):
    """Start forgets; several ids at once are as one by one; rows do not hear each other; the emotion is heard.

    rounding: by how much logits may differ that are reckoned in another order; int8 rounds ids read together by their largest.
    """
    check_members(model, NoteModel)
    check_members(language, NoteLanguage)
    ids = np.concatenate([[language.bos], np.random.default_rng(3).integers(2, language.size, 11)])[None].astype(
        np.int64
    )
    together = read(model, ids, CONDITION)
    assert together.dtype == np.float32 and together.shape[0] == 1 and together.shape[1] >= language.size
    assert model.fill == ids.shape[1] <= model.context
    model.start(1)
    assert model.fill == 0
    for place in range(ids.shape[1]):
        alone = model.step(ids[:, place : place + 1], CONDITION[:, None])
    assert alone == pytest.approx(together, abs=rounding) and model.fill == ids.shape[1]
    assert np.array_equal(read(model, ids, CONDITION), together)  # nothing is left of what was read before
    other = np.array([[-0.9, 0.9, 1.0]], np.float32)
    both = read(model, np.repeat(ids, 2, axis=0), np.concatenate([CONDITION, other]))
    assert both[:1] == pytest.approx(together, abs=rounding)
    answers = []
    for condition in (CONDITION, other):
        prefix = model.prefix(condition)
        assert prefix.shape[0] == 1 and np.issubdtype(prefix.dtype, np.integer)
        answers.append(read(model, np.concatenate([ids[:, :1], prefix, ids[:, 1:]], axis=1), condition))
    assert (np.abs(answers[0] - answers[1]).max() > 1e-3) == (model.conditioning != "none")
    model.start(1)


def read(model, ids, condition):
    """Logits after all the ids, read at once from the start."""
    model.start(len(ids))
    return model.step(ids, np.repeat(condition[:, None], ids.shape[1], axis=1))
