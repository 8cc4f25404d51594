import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("transformers")

from test_aria_image_encoder import write_image_encoder

from klangbild.errors import UsageError
from klangbild.models.aria.convert_torch import convert
from klangbild.web.form_fields import read_settings


def test_the_page_offers_an_added_model_in_both_precisions_and_its_eye(checkpoint, models_home):
    folder, _ = checkpoint("discrete_token")
    convert(folder.parent, name="music-only")
    write_image_encoder(folder.parent / "image_encoder.pt")
    convert(folder.parent, name="aria")
    for wish in ({"model": "aria:int8"}, {"model": "music-only"}, {"emotion_model": "aria"}):
        assert read_settings(wish) == wish
    for wish in ({"model": "aria:int4"}, {"emotion_model": "music-only"}, {"model": "/etc"}):
        with pytest.raises(UsageError, match="not installed"):
            read_settings(wish)
