import numpy as np
import pytest

torch = pytest.importorskip("torch")

from published_checkpoints import CONDITIONINGS, write_checkpoint  # noqa: E402

from klangbild.errors import InputError, UsageError  # noqa: E402
from klangbild.models.aria.decode_clean import decode_clean  # noqa: E402
from klangbild.models.aria.emotion_tokens import bin_of, bin_of_strict, emotion_ids, quantile_edges  # noqa: E402
from klangbild.models.aria.network_torch import Cache, MidiEmotionNetwork, next_token_loss  # noqa: E402
from klangbild.models.aria.published_sampler import MidiEmotionSampling, RepeatCounter, choices, generate  # noqa: E402
from klangbild.models.aria.runtime_torch import TorchEventsModel  # noqa: E402
from klangbild.models.aria.sizes import MidiEmotionSizes  # noqa: E402
from klangbild.models.aria.vocabulary import EventsVocabulary, with_emotion_tokens  # noqa: E402


def model_of(tmp_path, conditioning, **kwargs):
    network = write_checkpoint(tmp_path / conditioning, conditioning)
    vocabulary = with_emotion_tokens() if conditioning == "discrete_token" else EventsVocabulary()
    return TorchEventsModel(network, vocabulary, **kwargs)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("window", ["exact", "fast"])
def test_the_cache_equals_full_recompute_before_and_after_the_window_slides(tmp_path, conditioning, window, rng):
    cached = model_of(tmp_path, conditioning, window=window, max_input_length=24)
    plain = TorchEventsModel(
        cached.network, cached.vocabulary, cached=False, window="exact", max_input_length=26 if window == "fast" else 24
    )
    ids, condition = rng.integers(2, 1007, (2, 60)), np.array([[0.3, -0.8], [-1.0, 1.0]])
    cached.start(2)
    plain.start(2)
    for t in range(60):
        ours = cached.step(ids[:, t : t + 1], condition)
        if window == "exact":
            theirs = plain.step(ids[:, t : t + 1], condition)
        else:  # a full recompute over the ids that are kept
            kept = cached._ids
            assert kept.shape[1] >= min(t + 1, cached.context - cached.context // 4)
            plain.start(2)
            theirs = plain.step(kept, condition)
        assert np.abs(ours - theirs).max() < 1e-4


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_lower_precision_stays_near(tmp_path, dtype, rng):
    model = model_of(tmp_path, "continuous_concat")
    ids, condition = rng.integers(2, 1007, (1, 30)), np.array([[0.3, -0.8]])
    exact = model.step(ids, condition)
    coarse = TorchEventsModel(model.network, model.vocabulary, dtype=dtype).step(ids, condition)
    assert np.abs(exact - coarse).max() < 0.1 * exact.std()


def test_a_moving_emotion_is_followed_or_held(tmp_path, rng):
    model = model_of(tmp_path, "continuous_token", emotion_step=0.1)
    ids = rng.integers(2, 1007, (1, 10))
    model.step(ids, np.array([[0.0, 0.0]]))
    model.step(ids[:, :1], np.array([[0.05, 0.0]]))
    assert model.n_read == 11  # held
    moved = model.step(ids[:, :1], np.array([[0.5, 0.0]]))
    assert model.n_read == 11 + 12  # read anew
    fresh = TorchEventsModel(model.network, model.vocabulary)
    everything = np.concatenate([ids, ids[:, :1], ids[:, :1]], axis=1)
    assert np.abs(moved - fresh.step(everything, np.array([[0.5, 0.0]]))).max() < 1e-5


def test_nan_is_an_error_and_unknown_is_neutral(tmp_path):
    model = model_of(tmp_path, "continuous_concat")
    with pytest.raises(InputError, match="NaN"):
        model.step(np.array([[1]]), np.array([[np.nan, 0.0]]))
    model.start(1)
    unknown = model.step(np.array([[1]]), np.array([[0.9, 0.9, 0.0]]))
    model.start(1)
    assert np.array_equal(unknown, model.step(np.array([[1]]), np.array([[0.0, 0.0, 1.0]])))
    with pytest.raises(UsageError):
        model_of(tmp_path, "none", max_input_length=5000)
    with pytest.raises(UsageError):
        model_of(tmp_path, "none", window="loose")


def test_the_table_of_positions_ends():
    sizes = MidiEmotionSizes("none", 1007, 1, 2, 16, 16, max_positions=32)
    network = MidiEmotionNetwork(sizes)
    with pytest.raises(InputError, match="32"):
        network(torch.ones(1, 33, dtype=torch.int64))
    cache = Cache(network, 1, capacity=8)
    network(torch.ones(1, 32, dtype=torch.int64), cache=cache)
    with pytest.raises(InputError, match="33"):
        network(torch.ones(1, 1, dtype=torch.int64), cache=cache)


def test_parameters_at_published_size():
    published = {"none": 145_271_279, "discrete_token": 145_286_649, "continuous_token": 145_274_351,
                 "continuous_concat": 145_078_511}  # fmt: skip
    for conditioning, count in published.items():
        vocabulary = 1017 if conditioning == "discrete_token" else 1007
        d_condition = 192 if conditioning == "continuous_concat" else -1
        with torch.device("meta"):
            network = MidiEmotionNetwork(MidiEmotionSizes(conditioning, vocabulary, d_condition=d_condition))
        assert sum(p.numel() for p in network.parameters()) == count
    with torch.device("meta"):
        judge = MidiEmotionNetwork(MidiEmotionSizes("none", 1008, n_layer=8, regression=True))
    assert sum(p.numel() for p in judge.parameters()) == 58_265_090


def test_the_judge_sees_both_ways():
    network = MidiEmotionNetwork(MidiEmotionSizes("none", 1008, 2, 2, 16, 16, regression=True)).eval()
    ids = torch.randint(2, 1007, (2, 12), generator=torch.Generator().manual_seed(0))
    ids[:, 0] = 1007
    answer = network(ids)
    assert answer.shape == (2, 2) and (answer.abs() < 1).all()
    changed = ids.clone()
    changed[:, -1] = 5
    assert (network(changed) - answer).abs().max() > 0


def test_loss_ignores_pad_and_prefix_rows():
    logits = torch.randn(1, 5, 7, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[3, 0, 2]])
    rows = logits[0, 2:].log_softmax(-1)
    assert next_token_loss(logits, targets).item() == pytest.approx(-(rows[0, 3] + rows[2, 2]).item() / 2, abs=1e-6)


def test_bins():
    assert [bin_of_strict(v) for v in (-1.0, -0.6, 0.2, 1.0)] == [0, 1, 2, 4]
    assert bin_of_strict(-1.5) == 4  # theirs: from the end
    with pytest.raises(IndexError):
        bin_of_strict(1.1)
    assert bin_of(-1.5) == 0 and bin_of(1.5) == 4 and bin_of(np.float32(0.6)) == 3
    edges = quantile_edges(np.array([0.0, 1, 2, 3, 4, 5, np.nan]))
    assert len(edges) == 6 and bin_of(5.0, edges) == 4
    vocabulary = EventsVocabulary(("<A0>", "<V0>", "<V2>"))
    assert [vocabulary.symbols[i] for i in emotion_ids(vocabulary, np.array([[0.9, -1.0]]))[0]] == ["<V2>", "<A0>"]


def test_their_sampler_by_hand():
    sampling = MidiEmotionSampling(after_shift=2.0, otherwise=1.0, top_p=0.7, repeat_penalty=0.5)
    logits = np.log(np.array([[0.5, 0.3, 0.15, 0.05], [0.9, 0.05, 0.03, 0.02]]))
    counter = RepeatCounter(2)
    probabilities, ids = choices(logits, np.array([5, 5]), counter, sampling, np.array([3]))
    # without id 3: .526 .316 .158; the id that crosses .7 goes too, and the first always stays
    assert (probabilities > 0).sum(axis=1).tolist() == [1, 1] and ids[:, 0].tolist() == [0, 0]
    hot, _ = choices(
        logits, np.array([900, 900]), counter, MidiEmotionSampling(after_shift=2.0, top_p=0.0), np.array([3])
    )
    assert hot[0] == pytest.approx(np.sqrt([0.5, 0.3, 0.15, 0]) / np.sqrt([0.5, 0.3, 0.15]).sum())
    for _ in range(7):
        counter.update(np.array([1, 3]))
    assert counter.counts.tolist() == [7, 0]
    assert counter.penalties(0.5) == pytest.approx([1 + 0.5 * np.log(2), 1.0])


@pytest.mark.parametrize("needed", [1, 3, 5])
def test_their_loop_counts_and_always_ends_with_the_instruments(tmp_path, needed, rng):
    model = model_of(tmp_path, "discrete_token")
    sampling = MidiEmotionSampling(gen_len=40, min_instruments=needed, top_k=3)
    ids = generate(model, model.vocabulary, np.array([[0.9, 0.9], [-0.9, -0.9]]), sampling=sampling, rng=rng)
    assert ids.shape == (2, 40) and (ids[:, 0] == 1).all() and not np.isin(ids[:, 1:], model.vocabulary.special).any()
    for row in ids:
        notes, _ = decode_clean(row)  # heard, not only named by an OFF
        assert len({note.instrument for note in notes}) >= needed


@pytest.mark.parametrize("bad", [{"top_p": 1.5}, {"after_shift": 0.0}, {"gen_len": 0}, {"min_instruments": 6}])
def test_bad_knobs(bad):
    with pytest.raises(UsageError):
        MidiEmotionSampling(**bad)
