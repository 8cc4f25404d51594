"""The small parts: projection, windows, ending, resampling, mel, weights of others, licences, ImageBind's door."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from klangbild.errors import InputError, KlangbildError, NotAvailableError, UsageError
from klangbild.models.published.art2mus.projection import ImageProjection
from klangbild.models.published.finish import finish
from klangbild.models.published.imagebind.audio import clip_starts_s, prepare_audio
from klangbild.models.published.imagebind.model import ImageBind, ImageBindEmbedder
from klangbild.models.published.imagebind.tower import PositionEmbedding, add_class_token
from klangbild.models.published.imagebind.vision import crop_image
from klangbild.models.published.licences import licence_of, show_licences
from klangbild.models.published.melfusion.synapse_unet import decoder_layers
from klangbild.models.published.melfusion.tango import TANGO_UNET
from klangbild.models.published.placement import choose_placement
from klangbild.models.published.resample import resample
from klangbild.models.published.training.target import prepare_waveform, target_mel
from klangbild.models.published.weight_files import read_state_dict, write_state_dict
from klangbild.models.published.windows import over_windows, window_starts
from klangbild.sound.audio import Audio


def test_published_sizes():
    with torch.device("meta"):
        sizes = {n: sum(p.numel() for p in ImageProjection(n_tokens=n).parameters()) for n in (1, 4)}
        towers = ImageBind(towers=("vision", "audio", "text"))
    assert sizes == {1: 2_754_816, 4: 6_296_064}
    counted = {name: sum(v.numel() for v in getattr(towers, name).state_dict().values()) for name in towers.towers}
    assert counted["vision"] == 632_829_440 and counted["audio"] - 1 == 86_235_648  # one buffer: its scale of 20


def test_tango_has_the_published_size():
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(**TANGO_UNET)
    assert round(sum(p.numel() for p in unet.parameters()) / 1e6) == 866
    assert len(decoder_layers(unet)) == 9  # the nine gates of the release


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_projections_come_back_as_they_went(tmp_path, suffix):
    projection = ImageProjection(n_tokens=4, image_dim=6, hidden_dim=5, token_dim=3)
    projection.save(tmp_path / f"p{suffix}")
    again = ImageProjection.from_file(tmp_path / f"p{suffix}", token_dim=3)
    x = torch.randn(2, 6)
    assert again.n_tokens == 4 and torch.equal(again(x), projection(x)) and again(x).shape == (2, 4, 3)
    with pytest.raises(InputError, match="no multiple"):
        ImageProjection.from_file(tmp_path / f"p{suffix}", token_dim=5)


def test_weights_of_others_run_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made-by-the-file"), "w"))

    torch.save({"projection1.weight": torch.zeros(1), "evil": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="refused"):
        read_state_dict(tmp_path / "evil.pt")
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InputError):
        read_state_dict(tmp_path / "old.pt")
    assert not (tmp_path / "made-by-the-file").exists()
    (tmp_path / "cut.safetensors").write_bytes(b"\x10")
    with pytest.raises(InputError, match="damaged"):
        read_state_dict(tmp_path / "cut.safetensors")
    with pytest.raises(NotAvailableError):
        read_state_dict(tmp_path / "nothing.pt")
    write_state_dict({"projection1.weight": torch.zeros(1)}, tmp_path / "few.pt")
    with pytest.raises(InputError, match="is missing"):
        ImageProjection.from_file(tmp_path / "few.pt")


def test_windows_cover_and_agree():
    assert window_starts(256, 256) == [0]
    starts = window_starts(1000, 256)
    assert starts[0] == 0 and starts[-1] == 1000 - 256 and max(np.diff(starts)) <= 192
    latents = torch.randn(2, 3, 100, 4)
    # a function that looks at single frames is the same seen through windows
    torch.testing.assert_close(over_windows(torch.sin, latents, window=40), torch.sin(latents))
    # no jump where windows meet, when windows disagree by a constant
    seen = iter(range(100))
    blended = over_windows(lambda part: torch.full_like(part, next(seen)), torch.zeros(1, 1, 100, 1), window=40)
    assert blended.diff(dim=2).abs().max() < 0.4


def test_the_end():
    audio = finish(np.ones(16000, np.float32) * 2, 16000, seconds=0.9)
    assert audio.samples.shape == (1, 14400) and audio.samples.max() == pytest.approx(0.89)
    assert abs(audio.samples[0, -1]) < 1e-6 and audio.samples[0, 12000] == pytest.approx(0.89)
    assert finish(np.zeros(10), 16000, seconds=1).samples.shape == (1, 16000)
    with pytest.raises(KlangbildError, match="not finite"):
        finish(np.array([np.nan]), 16000, seconds=1)


def test_resampling_keeps_a_tone():
    time = torch.arange(8000) / 8000
    out = resample(torch.sin(2 * torch.pi * 440 * time)[None], 8000, 16000)
    assert out.shape == (1, 16000)
    expected = torch.sin(2 * torch.pi * 440 * torch.arange(16000) / 16000)
    torch.testing.assert_close(out[0, 200:-200], expected[200:-200], atol=1e-3, rtol=0)
    assert resample(out, 16000, 16000) is out
    assert resample(torch.zeros(2, 101), 44100, 16000).shape == (2, 37)


def test_targets():
    samples = np.random.default_rng(0).standard_normal((2, 16000 * 3)).astype(np.float32)
    wave = prepare_waveform(samples, 16000, start_s=1.0, n_frames=100)
    assert wave.shape == (16000,) and wave.abs().max() == pytest.approx(0.5)
    assert target_mel(wave, n_frames=100).shape == (1, 100, 64)
    for bad, start in ((samples, 10.0), (np.zeros((1, 48000), np.float32), 0.0), (samples[:, :0], 0.0)):
        with pytest.raises(InputError, match="no sound after"):
            prepare_waveform(bad, 16000, start_s=start)


def test_imagebind_sees_and_hears(tiny_imagebind, picture):
    model = ImageBind(tiny_imagebind).eval()
    embedder = ImageBindEmbedder(model)
    seen = embedder.picture(picture)
    assert seen.shape == (24,) and np.linalg.norm(seen) == pytest.approx(1, abs=1e-5)
    audio = Audio(np.random.default_rng(0).standard_normal((2, 8000)).astype(np.float32), 8000)
    assert 0 < np.linalg.norm(embedder.music(audio)) <= 20.001
    assert [float(start) for start in clip_starts_s(8)] == [0, 2, 4]
    assert [float(start) for start in clip_starts_s(8, last_at_end=True)] == [0, 3, 6]
    assert clip_starts_s(1) == [0, 0, 0]
    assert crop_image(np.zeros((3, 900, 3), np.uint8)).shape == (224, 224, 3)
    with pytest.raises(InputError, match="25 ms"):
        prepare_audio(np.zeros(10), 16000)
    before = audio.samples.copy()
    prepare_audio(audio.samples, 16000)
    assert np.array_equal(audio.samples, before)  # the caller's sound is not touched


def test_imagebind_knows_where_a_patch_stands():
    positions = PositionEmbedding(4, 2)
    patches, class_token = torch.randn(1, 3, 2), torch.randn(1, 1, 2)
    tokens = add_class_token(patches, class_token, positions)
    expected = torch.cat([class_token, patches], dim=1) + positions.pos_embed
    torch.testing.assert_close(tokens, expected)
    assert (tokens[:, 1:] - patches).abs().min() > 0


def test_imagebind_refuses_other_checkpoints(tiny_imagebind, tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "x.pth")
    with pytest.raises(InputError, match="is missing"):
        ImageBind.from_file(tmp_path / "x.pth", tiny_imagebind)
    with pytest.raises(UsageError, match="depth"):
        ImageBind(tiny_imagebind, towers=("depth",))


def test_licences(tmp_path):
    assert licence_of("cvssp/audioldm2").commercial is False
    assert licence_of("mine", tmp_path).commercial is None
    for text, commercial in (("apache-2.0", True), ("cc-by-nc-sa-4.0", False), ("odd", None), ("openrail++", True)):
        (tmp_path / "README.md").write_text(f"---\ntags: [x]\nlicense: {text}\n---\n")
        assert licence_of("mine", tmp_path).commercial is commercial, text
    lines = []
    show_licences([licence_of("cvssp/audioldm2")], announce=lines.append)
    assert lines == ["cvssp/audioldm2: CC BY-NC-SA 4.0 (no commercial use)"]
    with pytest.raises(UsageError, match="commercial use refused"):
        show_licences([licence_of("google/flan-t5-large"), licence_of("mine")], commercial=True, announce=lines.append)


def test_placement():
    assert choose_placement("cpu").dtype == torch.float32
    assert choose_placement("cpu", "bfloat16").dtype == torch.bfloat16
    for device, precision, message in (("cpu", "float16", "float16"), ("tpu", None, "unknown device")):
        with pytest.raises(UsageError, match=message):
            choose_placement(device, precision)
    if not torch.cuda.is_available():
        with pytest.raises(NotAvailableError, match="no CUDA"):
            choose_placement("cuda")
