"""EfficientNet-Lite: a tiny one written by hand, read safely, and exported as the encoder that runs."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from klangbild.emotion.training import export_efficientnet_torch as export  # noqa: E402
from klangbild.emotion.training.data.content_labels import WORDS, labels_of_class, labels_of_theme, labels_of_title  # noqa: E402
from klangbild.emotion.training.data.drawn_pictures import KINDS, drawn_pictures  # noqa: E402
from klangbild.emotion.training.efficientnet_lite_torch import STAGES, EfficientNetLite, load_efficientnet  # noqa: E402
from klangbild.emotion.training.fit_words import fit_words  # noqa: E402
from klangbild.errors import InputError, NotAvailableError  # noqa: E402
from klangbild.picture.encoder import PictureEncoder, turned  # noqa: E402
from klangbild.picture.load import load_picture  # noqa: E402


def tiny() -> EfficientNetLite:
    """Of lite0's depth, a few channels wide."""
    torch.manual_seed(3)
    shapes = {"_conv_stem.weight": (8, 3, 3, 3), "_conv_head.weight": (24, 12, 1, 1), "_fc.weight": (10, 24)}
    before = 8
    for number in range(sum(STAGES["lite0"])):
        inner = before if number == 0 else 2 * before
        if number:
            shapes[f"_blocks.{number}._expand_conv.weight"] = (inner, before, 1, 1)
        after = 8 if number < 9 else 12
        shapes[f"_blocks.{number}._depthwise_conv.weight"] = (inner, 1, 3, 3)
        shapes[f"_blocks.{number}._project_conv.weight"] = (after, inner, 1, 1)
        before = after
    return EfficientNetLite("lite0", shapes).eval()


@pytest.fixture(scope="module")
def network() -> EfficientNetLite:
    return tiny()


@pytest.mark.parametrize("six_bits_from", [10**9, 0])
def test_the_exported_encoder_sees_what_the_network_sees(network, tmp_path, monkeypatch, six_bits_from):
    monkeypatch.setattr(export, "SIX_BITS_FROM", six_bits_from)
    weight = np.random.default_rng(0).normal(0, 1, (24, 2))
    path = export.export_efficientnet(
        network, tmp_path / "e.onnx", word_weight=weight, word_bias=np.zeros(2), words=("a dog", "the sea"),
        said_from=np.array([0.7, 0.9]),
    )  # fmt: skip
    encoder = PictureEncoder(path)
    assert encoder.side == 260 and encoder.words == ("a dog", "the sea") and encoder.said_from.tolist() == [0.7, 0.9]
    rgb = turned(np.random.default_rng(1).integers(0, 256, (260, 260, 3)).astype(np.uint8)).copy()
    look = encoder.look([load_picture(rgb)])
    with torch.no_grad():
        maps = network.maps(torch.from_numpy(rgb).permute(2, 0, 1)[None].float())
    top, middle = maps[-1].numpy(), maps[export.MIDDLE_STAGE].numpy()
    parts = [np.sqrt(top.mean(axis=(2, 3))), top.std(axis=(2, 3)), middle.mean(axis=(2, 3)), middle.std(axis=(2, 3))]
    true = np.concatenate(parts, axis=1)
    assert look.embedding.shape == true.shape and sum(encoder.blocks) == true.shape[1]
    rough = 0.05 if six_bits_from else 0.25  # of the spread of what is seen
    assert np.abs(look.embedding - true).max() < rough * true.std() * 4
    assert np.allclose(
        look.words, look.embedding[:, :24] ** 2 @ weight.astype(np.float16).astype(np.float32), atol=1e-2
    )


def test_a_picture_and_its_mirror_image_look_the_same(network, tmp_path):
    path = export.export_efficientnet(
        network, tmp_path / "e.onnx", word_weight=np.zeros((24, 1)), word_bias=np.zeros(1), words=("-",)
    )
    encoder, rgb = PictureEncoder(path), np.random.default_rng(2).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    one, other = (encoder.look([load_picture(np.ascontiguousarray(p))]) for p in (rgb, rgb[:, ::-1]))
    assert np.array_equal(one.embedding, other.embedding) and np.array_equal(one.surface, other.surface)
    light = np.zeros((4, 7, 3), np.uint8)
    light[:, 4:] = 9
    assert np.array_equal(turned(light), light[:, ::-1]) and np.array_equal(turned(light[:, ::-1]), light[:, ::-1])


def test_six_bits_hold_what_was_put_in():
    numbers = np.arange(-31, 33, dtype=np.int8)[:60]
    bytes_ = export.packed(numbers).astype(int)
    whole = bytes_ @ [1, 256, 65536]
    back = (whole[:, None] // 64 ** np.arange(4)) % 64 - 32
    assert (back.ravel() == numbers).all()


def test_weights_are_read_safely(network, tmp_path):
    good = tmp_path / "good.pth"
    torch.save(network.state_dict(), good)
    rgb = torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        assert torch.equal(load_efficientnet("lite0", good)(rgb), network(rgb))
    with pytest.raises(NotAvailableError, match="install"):
        load_efficientnet("lite0", tmp_path / "gone.pth")
    for content in (b"no weights", b""):
        (tmp_path / "bad.pth").write_bytes(content)
        with pytest.raises(InputError, match="does not hold"):
            load_efficientnet("lite0", tmp_path / "bad.pth")


def test_words_are_learnt_and_kept_silent_where_they_cannot_be():
    rng = np.random.default_rng(4)
    top = rng.uniform(0, 1, (600, 12))
    labels = np.full((600, len(WORDS)), -1, np.int8)
    labels[:, 0] = top[:, 3] > 0.6  # plain to see
    labels[:, 1] = rng.random(600) < 0.2  # nothing to see it by
    readers = fit_words(top, labels, np.arange(600).astype(str))
    assert readers.from_[0] <= 1 < readers.from_[1]
    fresh = rng.uniform(0, 1, (400, 12))
    said = readers.probabilities(fresh)[:, 0] >= readers.from_[0]
    assert said.any() and (fresh[said, 3] > 0.6).mean() >= 0.9


def test_labels_of_content():
    def of(labels):
        return {word: int(value) for word, value in zip(WORDS, labels, strict=True)}

    dog, beach = of(labels_of_theme("Dog  ", "Animal")), of(labels_of_theme("Beach", "Scenery"))
    assert dog["a dog"] == 1 and dog["the sea"] == 0 and dog["people"] == 0
    assert beach["the sea"] == 1 and beach["a dog"] == 0 and beach["mountains"] != 1
    assert (
        of(labels_of_class(207, "golden_retriever"))["a dog"] == 1 and of(labels_of_class(472, "canoe"))["a boat"] == 1
    )
    title = of(labels_of_title("Portrait of a Woman by the sea"))
    assert title["people"] == title["the sea"] == 1 and title["a dog"] == -1


def test_drawn_pictures_are_drawn_again_alike():
    source = [np.random.default_rng(5).integers(0, 256, (60, 80, 3)).astype(np.uint8)]
    first, again = (list(drawn_pictures(source, len(KINDS))) for _ in range(2))
    assert [kind for kind, _ in first] == list(KINDS)
    assert all((a.rgb == b.rgb).all() for (_, a), (_, b) in zip(first, again, strict=True))


def test_the_commands(klangbild):
    for command in (["train", "picture"], ["train", "emotion"]):
        code, out, _ = klangbild(*command, "--help")
        assert code == 0 and " ".join(command) in out
