"""The three forms of the synapse: closed is words only, open hears the picture, each by its own formula."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from klangbild.errors import UsageError
from klangbild.models.published.melfusion.synapse import FORMS, Gate, ImageFeatures, Synapse, attend, pool

WIDTH, WORDS, HEADS = 12, 10, 3


@pytest.fixture
def setting():
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(shape, generator=generator)

    to_k, to_v = nn.Linear(WORDS, WIDTH, bias=False), nn.Linear(WORDS, WIDTH, bias=False)
    features = ImageFeatures(states=draw(2, 20, WIDTH), keys=draw(2, 20, WIDTH), values=draw(2, 20, WIDTH))
    return draw(2, 5, WIDTH), draw(2, 7, WORDS), features, {"to_k": to_k, "to_v": to_v, "n_heads": HEADS}


@pytest.mark.parametrize("form", FORMS)
def test_closed_is_words_only_and_open_is_not(setting, form):
    queries, context, features, options = setting
    synapse = Synapse(form, width=WIDTH, image_width=WIDTH)
    words = synapse(queries, context, None, **options)
    assert torch.equal(synapse(queries, context, features, **options), words)
    synapse.gate.set(0.1)
    heard = synapse(queries, context, features, **options)
    assert not torch.allclose(heard, words)
    synapse.strength = 0.0
    assert torch.equal(synapse(queries, context, features, **options), words)
    synapse.strength = 1.0
    present = ImageFeatures(features.states, features.keys, features.values, torch.tensor([0.0, 1.0]))
    mixed = synapse(queries, context, present, **options)
    torch.testing.assert_close(mixed[0], words[0])
    torch.testing.assert_close(mixed[1], heard[1])


@pytest.mark.parametrize("form", FORMS)
def test_a_closed_gate_still_learns(setting, form):
    queries, context, features, options = setting
    synapse = Synapse(form, width=WIDTH, image_width=WIDTH)
    synapse(queries, context, features, **options).pow(2).sum().backward()
    assert synapse.gate.alpha.grad.abs() > 0


def test_paper_form_at_one_hears_the_picture_alone(setting):
    queries, context, features, options = setting
    synapse = Synapse("paper", width=WIDTH, image_width=WIDTH)
    synapse.gate.set(1.0)
    keys, values = pool(features.keys, 7, WIDTH), pool(features.values, 7, WIDTH)
    expected = attend(queries, keys, values, n_heads=HEADS)
    torch.testing.assert_close(synapse(queries, context, features, **options), expected)


def test_other_widths_get_maps(setting):
    queries, context, features, options = setting
    wide = ImageFeatures(keys=features.keys.repeat(1, 1, 2), values=features.values.repeat(1, 1, 2))
    synapse = Synapse("paper", width=WIDTH, image_width=2 * WIDTH)
    synapse.gate.set(0.5)
    assert synapse(queries, context, wide, **options).shape == queries.shape
    with pytest.raises(UsageError, match="widths"):
        Synapse("gated")


def test_masked_words_do_not_mask_the_picture_in_the_gated_form(setting):
    queries, context, features, options = setting
    synapse = Synapse("gated", width=WIDTH, image_width=WIDTH)
    synapse.gate.set(0.5)
    bias = torch.zeros(2, 1, 7)
    bias[:, :, 3:] = -10000.0
    masked = synapse(queries, context, features, mask_bias=bias, **options)
    cut = synapse(queries, context[:, :3], features, **options)
    torch.testing.assert_close(masked, cut)


@pytest.mark.parametrize("form", FORMS)
def test_gates_are_set_as_they_are_read(form):
    gate = Gate(form)
    assert gate.value == 0
    gate.set(-0.15)
    assert gate.value == pytest.approx(-0.15, abs=1e-6)
    if form != "paper":
        with pytest.raises(UsageError, match="out of range"):
            gate.set(1.0)
    with pytest.raises(UsageError, match="unknown synapse form"):
        Gate("other")


def test_features_of_another_form_are_refused(setting):
    queries, context, features, options = setting
    synapse = Synapse("paper", width=WIDTH, image_width=WIDTH)
    synapse.gate.set(0.5)
    with pytest.raises(UsageError, match="another synapse form"):
        synapse(queries, context, ImageFeatures(states=features.states), **options)
