import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("onnx")

from klangbild.errors import InputError, NotAvailableError  # noqa: E402
from klangbild.models.aria.convert_torch import convert  # noqa: E402
from klangbild.models.aria.picture_encoder_torch import head, load_image_encoder, open_aria, pixels_of, read_pictures  # noqa: E402
from klangbild.picture.picture import Picture  # noqa: E402

SIZE = 28


def write_image_encoder(path, *, wrapped=True, heads=2):
    torch.manual_seed(0)
    config = transformers.CLIPConfig(
        vision_config={
            "hidden_size": 64 * heads, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": heads,
            "image_size": SIZE, "patch_size": 14,
        },
        text_config={
            "hidden_size": 64, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 50,
        },
        projection_dim=32,
    )  # fmt: skip
    clip, valence, arousal = transformers.CLIPModel(config).eval(), head(32).eval(), head(32).eval()
    parts = {"clip_model": clip, "valence_head": valence, "arousal_head": arousal}
    state = {f"{name}.{key}": t for name, part in parts.items() for key, t in part.state_dict().items()}
    torch.save({"model_state_dict": state, "epoch": 3, "best_val_loss": 0.5} if wrapped else state, path)

    def reference(pixels):
        with torch.no_grad():
            vision = clip.vision_model(pixel_values=pixels).pooler_output
            vector = clip.visual_projection(vision)
            return torch.cat([valence(vector), arousal(vector)], dim=-1).numpy()

    return reference, clip


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_encoder_reads_as_clip_with_two_heads(checkpoint, models_home, rng, wrapped):
    folder, _ = checkpoint()
    reference, clip = write_image_encoder(folder.parent / "image_encoder.pt", wrapped=wrapped)
    convert(folder.parent, name="mine")
    predictor = open_aria("mine")
    rgb = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    pixels = torch.from_numpy(pixels_of(rgb, SIZE))[None]
    theirs = reference(pixels)
    assert np.abs(read_pictures(predictor.encoder, [rgb]) - theirs).max() < 1e-6
    with torch.no_grad():  # the vector is the one that get_image_features gives
        features = clip.get_image_features(pixel_values=pixels)
        features = getattr(features, "pooler_output", features)
        ours = predictor.encoder.clip_model(pixel_values=pixels).image_embeds
    assert (features - ours).abs().max() < 1e-6
    prediction = predictor.predict([Picture(rgb, "x", "0" * 64)])[0]
    assert prediction.emotion.valence == pytest.approx(float(theirs[0, 0]), abs=1e-4)
    assert predictor.plane.asked(prediction.emotion).valence == pytest.approx(prediction.emotion.valence, abs=1e-6)
    assert read_pictures(predictor.encoder, []).shape == (0, 2)
    shown = json.loads((models_home / "mine" / "config.json").read_text())["image_encoder"]["clip"]
    assert shown["image_size"] == SIZE and shown["num_attention_heads"] == 2


@pytest.mark.parametrize("shape", [(40, 60, 3), (100, 30, 3), (28, 28, 3), (1, 500, 3)])
def test_pixels_are_those_of_clips_processor(rng, shape):
    processor = transformers.CLIPImageProcessorPil if hasattr(transformers, "CLIPImageProcessorPil") else None
    if processor is None:
        processor = transformers.CLIPImageProcessor
    try:
        processor = processor(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})
    except ImportError:
        pytest.skip("this transformers needs torchvision for its CLIP processor")
    rgb = rng.integers(0, 256, shape, dtype=np.uint8)
    theirs = np.asarray(
        processor(images=[rgb], return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
    )
    assert np.abs(pixels_of(rgb, SIZE) - theirs).max() < 1e-5


def test_other_checkpoints_are_refused(checkpoint, models_home):
    folder, _ = checkpoint()
    path = folder.parent / "image_encoder.pt"
    for content in ({"a": torch.zeros(1)}, [1], {"clip_model.visual_projection.weight": torch.zeros(2, 2)}):
        torch.save(content, path)
        with pytest.raises(InputError, match="image_encoder"):
            convert(folder.parent, name="mine")
    path.unlink()
    convert(folder.parent, name="mine")
    with pytest.raises(NotAvailableError, match="no image encoder"):
        load_image_encoder(models_home / "mine" / "image_encoder")
