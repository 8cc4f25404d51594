"""The runtime gives torch's numbers, in every mode, whole prompts and step by step, and keeps its rows in order."""

import hashlib
import json

import numpy as np
import pytest

from klangbild.errors import InputError, NotAvailableError
from klangbild.models.bars.conditioning import MODES, bins, prefix_ids
from klangbild.models.bars.key_value_cache import PLACES
from klangbild.models.bars.runtime import NotesRuntime, load

torch = pytest.importorskip("torch")


def tiny(mode: str, *, places: bool = True):
    """A network with all its weights away from zero, and its runtime in float32."""
    from klangbild.models.bars.network_torch import NetworkSizes, NotesNetwork
    from klangbild.models.bars.training.graph import build_graph

    sizes = NetworkSizes(160, mode, width=32, layers=2, heads=2, hidden=64, condition_width=8, places=places)
    generator = torch.Generator().manual_seed(4)
    network = NotesNetwork(sizes, generator=generator)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    graph = build_graph(sizes, {k: v.numpy() for k, v in network.state_dict().items()})
    card = {"name": "tiny", "sizes": sizes.as_dict(), "context": 128, "mode": mode}
    return network, graph.SerializeToString(), card


def reference(network, ids, condition):
    with torch.no_grad():
        rows = torch.from_numpy(condition)[:, None].expand(*ids.shape, 3)
        return network(torch.from_numpy(ids), rows).numpy()


@pytest.mark.parametrize("places", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_logits_equal_torch(mode, places):
    network, model, card = tiny(mode, places=places)
    rng = np.random.default_rng(0)
    time = PLACES + 20  # past one growth of the memory
    ids = rng.integers(0, network.embedding.num_embeddings, (2, time))
    condition = np.array([[0.3, -0.8, 1.0], [0.0, 0.0, 0.0]], np.float32)
    expected = reference(network, ids, condition)
    runtime = NotesRuntime(model, card)
    runtime.start(2)
    assert np.abs(runtime.step(ids, condition) - expected[:, -1]).max() < 1e-4
    assert runtime.fill == time
    runtime.forget()
    assert runtime.fill == 0
    for t in range(time):
        assert np.abs(runtime.step(ids[:, t : t + 1], condition) - expected[:, t]).max() < 1e-4
    runtime.start(2)
    runtime.step(ids[:, :30], condition)  # a prompt, then a piece of several ids
    assert np.abs(runtime.step(ids[:, 30:45], condition) - expected[:, 44]).max() < 1e-4


def test_rows_can_be_selected():
    network, model, card = tiny("continuous_concat")
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 60, (3, 20))
    condition = np.array([[1, 0, 1], [-1, 0, 1], [0, 1, 1]], np.float32)
    runtime = NotesRuntime(model, card)
    runtime.start(3)
    runtime.step(ids, condition)
    order = np.array([2, 0, 0, 1])
    runtime.select_rows(order)
    assert runtime.rows == 4
    new = rng.integers(0, 60, (4, 1))
    expected = reference(network, np.concatenate([ids[order], new], axis=1), condition[order])
    assert np.abs(runtime.step(new, condition[order]) - expected[:, -1]).max() < 1e-4


def test_what_lies_in_the_memory_of_an_earlier_piece_counts_for_nothing():
    _, model, card = tiny("continuous_concat")
    rng = np.random.default_rng(3)
    condition = np.array([[0.3, -0.8, 1.0]], np.float32)
    used, fresh = NotesRuntime(model, card), NotesRuntime(model, card)
    used.step(rng.integers(0, 60, (1, 3 * PLACES)), condition)
    used.forget()
    for token in rng.integers(0, 60, PLACES + 20):
        ids = np.array([[token]])
        assert np.array_equal(used.step(ids, condition), fresh.step(ids, condition))


def test_emotion_may_change_on_the_way():
    network, model, card = tiny("continuous_concat")
    ids = np.random.default_rng(2).integers(0, 60, (1, 12))
    conditions = np.repeat(np.array([[[0.9, 0, 1]], [[-0.9, 0, 1]]], np.float32), 6, axis=1).reshape(1, 12, 3)
    with torch.no_grad():
        expected = network(torch.from_numpy(ids), torch.from_numpy(conditions)).numpy()[:, -1]
    runtime = NotesRuntime(model, card)
    runtime.step(ids[:, :6], conditions[:, 0])
    assert np.abs(runtime.step(ids[:, 6:], conditions[:, -1]) - expected).max() < 1e-4
    runtime.forget()
    assert np.abs(runtime.step(ids, conditions) - expected).max() < 1e-4


def test_prefixes():
    assert bins([-1.0, -0.3, 0.0, 0.99, 1.0]).tolist() == [0, 1, 2, 4, 4]
    condition = np.array([[-1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    assert prefix_ids("discrete_token", 100, condition).tolist() == [[100, 110], [105, 111]]
    assert prefix_ids("continuous_token", 100, condition).tolist() == [[100, 101], [100, 101]]
    assert prefix_ids("continuous_concat", 100, condition).shape == (2, 0)


def test_wrong_calls_are_told():
    _, model, card = tiny("none")
    runtime = NotesRuntime(model, card)
    with pytest.raises(ValueError, match="1 rows"):
        runtime.step(np.zeros((2, 1), np.int64), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="at least one id"):
        runtime.step(np.zeros((1, 0), np.int64), np.zeros((1, 3)))


def test_files_are_checked(tmp_path):
    _, model, card = tiny("none")
    path = tmp_path / "m.onnx"
    with pytest.raises(NotAvailableError, match=r"m\.onnx"):
        load(path)
    path.write_bytes(model)
    with pytest.raises(NotAvailableError, match=r"m\.json"):
        load(path)
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(InputError, match="card"):
        load(path)
    card["sha256"] = hashlib.sha256(model).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(card))
    assert load(path).conditioning == "none"
    path.write_bytes(model + b"x")
    with pytest.raises(InputError, match="sha256"):
        load(path)
