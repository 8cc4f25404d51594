"""Reading pictures and words with the shipped models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from odd_pictures import odd_pictures

from klangbild.cli.main import main
from klangbild.emotion.heads import distance_of, far_of, load_heads
from klangbild.emotion.predict import WEIGHTS, open_predictor
from klangbild.emotion.read import read_emotion, read_emotions
from klangbild.emotion.reasons import SIGNS, holds_in_itself, read_toward, said_terms, sign_table
from klangbild.emotion.regions import emotion_of_regions
from klangbild.emotion.space import Emotion
from klangbild.emotion.training.data.drawn_pictures import drawn_pictures
from klangbild.errors import NotAvailableError, UsageError
from klangbild.picture.features import FEATURE_NAMES, picture_features
from klangbild.picture.load import load_picture

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "pictures"
TEXTURE = {"edge_density", "local_contrast", "detail_fine", "smooth_area", "diagonals", "horizontals", "line_variety"}


def scene(*, warm: bool = False, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :180] / 120
    sky = (
        np.stack([90 + 60 * y, 150 + 40 * y, 230 - 30 * y], 2)
        if not warm
        else np.stack([200 - 80 * y, 60 * y, 20 * x], 2)
    )
    return np.clip(sky + rng.normal(0, 25 if warm else 4, (120, 180, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def picture():
    return load_picture(scene())


def test_a_picture(picture):
    reading = read_emotion(picture, model="features")
    assert reading.source == "picture" and reading.weights == {"picture": 1.0, "text": 0.0}
    assert reading.kind in ("photo", "painting") and reading.reasons and reading.model == "features"
    assert 0.1 < reading.emotion.valence_spread < 1 and 0.1 < reading.emotion.arousal_spread < 1
    assert reading == read_emotion(picture, model="features")


def test_kind_is_obeyed(picture):
    painting, photo = (read_emotion(picture, model="features", kind=kind) for kind in ("painting", "photo"))
    assert (painting.kind, photo.kind) == ("painting", "photo") and painting.emotion != photo.emotion
    with pytest.raises(UsageError):
        read_emotion(picture, kind="sculpture")


@pytest.mark.parametrize("name", ["features", "klangbild"])
def test_a_photograph_is_read_by_the_photographs_head_and_a_painting_by_the_paintings(name):
    heads = load_heads(WEIGHTS / f"emotion-{name}.npz")
    middle = np.asarray(heads.mean)[None]  # of which every linear head says its center
    surface = np.asarray(heads.gate_mean)[None]
    photo, painting = (heads.read(middle, surface, kind=kind) for kind in ("photo", "painting"))
    assert photo.painting.tolist() == [0.0] and painting.painting.tolist() == [1.0]
    said = heads.both(heads.standardized(middle))[0]
    assert np.abs(said[0] - said[1]).max() > 0.01
    np.testing.assert_allclose(photo.value[0], said[0], atol=1e-6)
    np.testing.assert_allclose(painting.value[0], said[1], atol=1e-6)


def test_words_alone_and_mixed(picture):
    words = read_emotion(None, text="furious", model="features")
    assert words.source == "text" and words.kind == "words" and words.asked.valence < 0 < words.asked.arousal
    plain = read_emotion(picture, model="features")
    mixed = read_emotion(picture, text="furious", model="features")
    assert mixed.source == "mixed" and mixed.weights == {"picture": 0.4, "text": 0.6}
    for axis in ("valence", "arousal"):
        seen, said = getattr(plain.asked, axis), getattr(words.asked, axis)
        assert abs(said - seen) > 0.05 and getattr(mixed.asked, axis) == pytest.approx(
            0.4 * seen + 0.6 * said, abs=1e-5
        )
        little = read_emotion(picture, text="furious", model="features", text_weight=0.1)
        assert getattr(little.asked, axis) == pytest.approx(0.9 * seen + 0.1 * said, abs=1e-5)
    ignored = read_emotion(picture, text="blorp", model="features")
    assert ignored.asked == plain.asked and ignored.unknown == ("blorp",) and any("blorp" in r for r in ignored.reasons)
    assert read_emotion(load_picture(scene(), words="furious"), model="features").source == "mixed"


def test_what_cannot_be_read(picture):
    with pytest.raises(UsageError):
        read_emotion(None)
    with pytest.raises(UsageError, match="none of the words"):
        read_emotion(None, text="blorp")
    with pytest.raises(UsageError):
        read_emotion(picture, text="calm", text_weight=2)
    with pytest.raises(UsageError, match="features"):
        read_emotion(picture, model="nonesuch")
    with pytest.raises(NotAvailableError):
        load_heads(WEIGHTS / "nonesuch.npz")


def test_batch_equals_single(picture):
    pictures = [load_picture(scene(seed=s, warm=s % 2 == 1)) for s in range(3)]
    together = read_emotions(pictures, model="klangbild")
    for one, reading in zip(pictures, together, strict=True):
        alone = read_emotion(one, model="klangbild")
        assert alone.emotion.valence == pytest.approx(reading.emotion.valence, abs=2e-3)


def test_reasons_go_the_way_that_was_read():
    """Serene at +.8 was explained by "pull the mood down" alone: what pulls against the reading did not help it. Neither may a reason
    go against the place on the raters' scale, which is what is shown beside it."""
    pictures = [load_picture(scene(seed=s, warm=s % 2 == 1)) for s in range(4)]
    pictures += [load_picture(str(file)) for file in sorted(EXAMPLES.glob("*.jpg"))]
    pictures += [load_picture(rgb) for rgb in odd_pictures().values()]
    pictures += [picture for _, picture in drawn_pictures([p.rgb for p in pictures[:6]], 28)]
    said = {"valence": 0, "arousal": 0}
    for model in ("klangbild", "features"):
        for reading in read_emotions(pictures, model=model):
            for reason in reading.reasons:
                for axis, up, down in (
                    ("valence", ("lifts the mood", "lift the mood"), ("the mood down",)),
                    ("arousal", ("raises the energy", "raise the energy"), ("calms it", "calm it")),
                ):
                    if not reason.endswith((*up, *down)):
                        continue
                    said[axis] += 1
                    way = 1 if reason.endswith(up) else -1
                    assert way * getattr(reading.asked, axis) > 0, (reason, reading.asked)
                    assert way * getattr(reading.emotion, axis) > -0.08, (reason, reading.emotion)
    assert min(said.values()) >= 10, said


def test_nothing_is_a_reason_for_what_was_read_as_neither_and_no_sentence_says_one_thing_twice():
    assert read_toward(Emotion(0.3, 0.2), Emotion(0.05, 0.5)) == (0.0, 0.5)
    assert read_toward(Emotion(0.3, 0.02), Emotion(-0.4, -0.5)) == (0.0, -0.5)
    pictures = [load_picture(str(file)) for file in sorted(EXAMPLES.glob("*.jpg"))]
    reasons = [reason for reading in read_emotions(pictures) for reason in reading.reasons]
    assert sum(" and the " in reason for reason in reasons) >= 8
    for both in (
        ("reds", "warm colors"),
        ("detail", "edges"),
        ("dark upper", "low light"),
        ("muted", "range of color"),
    ):
        assert not any(all(word in reason for word in both) for reason in reasons), (both, reasons)


def test_what_is_named_is_there_not_only_more_of_it_than_elsewhere():
    """A drawing on light paper was said to have "a dark upper part": most paintings have a lighter one."""
    even = picture_features(load_picture(np.full((90, 120, 3), (200, 180, 140), np.uint8)))
    dark_above = np.full((90, 120, 3), 200, np.uint8)
    dark_above[:45] = 40
    features = picture_features(load_picture(dark_above))
    assert not holds_in_itself("top_light", even, high=False) and holds_in_itself("top_light", features, high=False)
    assert not holds_in_itself("brightness", even, high=False) and not holds_in_itself("warmth", even, high=False)
    assert holds_in_itself("warmth", even, high=True) and not holds_in_itself("red", features, high=True)


def test_where_all_signs_pull_the_other_way_none_is_a_reason():
    heads = open_predictor("features").heads
    features = picture_features(load_picture(scene()))
    for axis, toward in ((0, (0.5, 0.0)), (0, (-0.5, 0.0)), (1, (0.0, 0.5)), (1, (0.0, -0.5))):
        groups = said_terms(heads, features, painting=1.0, toward=toward)
        every = [term for group in said_terms(heads, features, painting=1.0) for term in group if term.axis == axis]
        assert all(term.axis == axis and term.pull * toward[axis] > 0 for group in groups for term in group)
        assert every
    # of two ways that could be read, signs that lean one way explain that one alone
    for axis in (0, 1):
        ways = [
            bool(said_terms(heads, features, painting=1.0, toward=tuple(way * (axis == i) for i in (0, 1))))
            for way in (-0.5, 0.5)
        ]
        assert ways.count(True) <= 1


def test_what_it_was_taken_for_is_said_and_kept(picture):
    guessed, told = read_emotion(picture), read_emotion(picture, kind="painting")
    assert guessed.kind_facts["taken_for"] == guessed.kind and 0.5 <= guessed.kind_facts["sure"] <= 1
    assert told.kind_facts == {"taken_for": "painting", "sure": 1.0}
    assert any("--kind" in reason for reason in guessed.reasons)
    assert not any("--kind" in reason for reason in told.reasons)
    assert read_emotion(None, text="calm").kind_facts is None


def test_what_is_to_be_seen_is_said_only_where_it_is_sure():
    from klangbild.picture.content import MOST_SAID, seen_in
    from klangbild.picture.encoder import open_encoder, shipped_encoder

    encoder = open_encoder(shipped_encoder())
    assert len(encoder.words) == len(encoder.said_from) >= 12 and encoder.said_from.min() >= 0.6
    for name, rgb in odd_pictures().items():
        found = seen_in(load_picture(rgb))
        assert len(found) <= MOST_SAID and all(p >= 0.6 for _, p in found), name
    for color in ("white", "black", "red", "gray"):
        assert seen_in(load_picture(odd_pictures()[color])) == (), color


def test_photographs_are_never_explained_by_texture():
    for index, sign in enumerate(SIGNS):
        assert sign.feature in FEATURE_NAMES
        if sign.feature in TEXTURE:
            assert sign_table(0, 0)[index] == 0 and sign_table(0, 1)[index] == 0


def test_what_nobody_rated_gets_a_middle_and_a_wider_interval():
    odd = odd_pictures()
    predictor = open_predictor("klangbild")
    widest = predictor.heads.half_width[1]  # of a painting like those that were rated
    for name, prediction in zip(odd, predictor.predict([load_picture(rgb) for rgb in odd.values()]), strict=True):
        emotion = prediction.emotion
        assert prediction.distance > 1, name
        assert emotion.valence_spread > widest[0] and emotion.arousal_spread > widest[1], name
        if name != "blurred noise":  # soft clouds of color are near to calm abstract painting, and read as such
            assert abs(emotion.valence) < 0.4 and abs(emotion.arousal) < (0.9 if name == "gray noise" else 0.5), name
        if name in ("white", "black", "red", "blue", "gray", "checkerboard"):
            assert abs(emotion.valence) < 0.25 and abs(emotion.arousal) < 0.3, name
            assert emotion.valence_spread > 1.5 * widest[0] and emotion.arousal_spread > 1.4 * widest[1], name


def test_distance_is_one_for_most_of_what_was_trained_on():
    rng = np.random.default_rng(0)
    inputs = rng.normal(3, 2, (4000, len(FEATURE_NAMES) + 30))
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    distance = distance_of(inputs, mean, scale, far_of(inputs, mean, scale))
    assert 0.88 < (distance <= 1).mean() < 0.95
    assert (distance_of(mean[None] + 5 * scale, mean, scale, far_of(inputs, mean, scale)) > 10).all()


def test_regions(picture):
    halves = scene()
    halves[:, 90:] = scene(warm=True)[:, 90:]
    found = emotion_of_regions(load_picture(halves), model="features", stops=4)
    assert len(found.regions) == 4 and found.valence.shape == found.arousal.shape == found.salience.shape
    assert found.salience.min() >= 0 and found.salience.max() == 1
    assert found.regions[0].salience >= max(r.salience for r in found.regions)
    assert len({r.center for r in found.regions}) == 4


# ---- the command -----------------------------------------------------------------------------------------------------


def run(capsys, *arguments: str) -> tuple[int, list[str], str]:
    code = main(["emotion", *arguments])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err


def save(path, rgb) -> str:
    from PIL import Image

    Image.fromarray(rgb).save(path)
    return str(path)


def test_json_lines_in_order_with_failures(tmp_path, capsys):
    one, two = save(tmp_path / "a.png", scene()), save(tmp_path / "b.png", scene(warm=True))
    bad = tmp_path / "bad.png"
    bad.write_text("not a picture")
    code, lines, err = run(capsys, one, str(bad), two, "--json", "--emotion-model", "features")
    records = [json.loads(line) for line in lines]
    assert code == 3 and [r["picture"] for r in records] == [one, str(bad), two]
    assert set(records[0]["emotion"]) == {"valence", "arousal", "valence_spread", "arousal_spread", "name"}
    assert "error" in records[1] and "bad.png" in err and records[2]["reasons"]
    assert run(capsys, str(bad))[0] == 1


def test_map_text_and_usage(tmp_path, capsys):
    picture = save(tmp_path / "a.png", scene())
    code, lines, _ = run(capsys, picture, "--map", str(tmp_path / "map.png"), "--emotion-model", "features")
    assert code == 0 and (tmp_path / "map.png").stat().st_size > 5000 and any("map.png" in line for line in lines)
    code, lines, _ = run(capsys, "--text", "stormy, heroic", "--json")
    assert code == 0 and json.loads(lines[0])["source"] == "text"
    for wrong in (["--map", "x.jpg", picture], [picture, "--kind", "statue"], [], [picture, "--text-weight", "7"]):
        assert run(capsys, *wrong)[0] == 2
    assert run(capsys, str(tmp_path / "gone.png"))[0] == 1
