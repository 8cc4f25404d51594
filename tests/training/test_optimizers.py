"""Muon's steps are orthogonal, and its state carries over."""

import copy

import torch

from klangbild.training.optimizers import MuonAdamW, orthogonalise


def test_newton_schulz_makes_singular_values_near_one():
    generator = torch.Generator().manual_seed(0)
    for shape in ((3, 32, 32), (2, 64, 16), (2, 16, 64)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape, generator=generator)).float())
        assert values.min() > 0.4 and values.max() < 1.4


def test_both_parts_learn_and_their_state_carries_over():
    generator = torch.Generator().manual_seed(1)
    inputs, wanted = torch.randn(64, 8, generator=generator), torch.randn(64, 4, generator=generator)

    def setup():
        model = torch.nn.Sequential(torch.nn.Linear(8, 16, bias=False), torch.nn.ReLU(), torch.nn.Linear(16, 4))
        fixed = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn(p.shape, generator=fixed) * 0.2)
        return model, MuonAdamW(model, [model[0].weight], muon_lr=0.05, adamw_lr=0.01)

    def go(model, optimizer, steps):
        for _ in range(steps):
            loss = (model(inputs) - wanted).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    model, optimizer = setup()
    first = go(model, optimizer, 1)
    go(model, optimizer, 9)
    half, state = {k: v.clone() for k, v in model.state_dict().items()}, copy.deepcopy(optimizer.state_dict())
    other, other_optimizer = setup()
    other.load_state_dict(half)
    other_optimizer.load_state_dict(state)
    assert go(model, optimizer, 20) == go(other, other_optimizer, 20) < 0.8 * first
