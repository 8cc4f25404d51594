"""From one conditioning mode to another: without an emotion it is the same model."""

import pytest
import torch

from klangbild.models.bars.network_torch import NetworkSizes, NotesNetwork
from klangbild.models.bars.training.weights_torch import in_other_mode

SIZES = {"vocabulary": 50, "width": 16, "layers": 2, "heads": 2, "hidden": 32, "condition_width": 4}


@pytest.mark.parametrize("mode", ["none", "discrete_token", "continuous_token"])
def test_the_same_music_when_no_emotion_is_known(mode):
    generator = torch.Generator().manual_seed(3)
    source = NotesNetwork(NetworkSizes(**SIZES), generator=generator)
    with torch.no_grad():
        for parameter in source.parameters():
            parameter.normal_(std=0.3, generator=generator)
    target = NotesNetwork(NetworkSizes(**SIZES, mode=mode), generator=generator)
    left = target.load_state_dict(in_other_mode(source.state_dict(), target.sizes), strict=False)
    assert set(left.missing_keys) <= {"condition.weight", "condition.bias"} and not left.unexpected_keys
    ids = torch.randint(0, 50, (2, 9), generator=generator)
    unknown = torch.zeros(2, 9, 3)
    assert torch.allclose(target(ids, unknown), source(ids, unknown), atol=1e-5)
