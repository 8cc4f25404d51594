from __future__ import annotations

import pytest
from band_pieces import band_piece

from klangbild.sound.fonts import find_soundfont
from klangbild.sound.mix import Mix, mix
from klangbild.sound.synth import synthesize_stems


@pytest.fixture(scope="session")
def font(tmp_path_factory):
    return find_soundfont()


@pytest.fixture(scope="session")
def band_stems(font):
    return synthesize_stems(band_piece(), soundfont=font)


@pytest.fixture(scope="session")
def band_mix(band_stems) -> Mix:
    return mix(band_stems)
