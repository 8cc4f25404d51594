"""Traits say which way: pictures made for the purpose lie where a person would put them, and a line goes as it was drawn."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from klangbild.picture.load import load_picture
from klangbild.picture.traits import fit_population, measure_traits, place_traits, traits_of, voice_of
from klangbild.picture.voice import SKYLINE_POINTS, TRAITS, Voice


def picture(draw=None, ground=(150, 150, 150), size=(240, 180)):
    image = Image.new("RGB", size, ground)
    if draw:
        draw(ImageDraw.Draw(image))
    return load_picture(np.asarray(image))


def ball(y, color=(250, 250, 240), ground=(90, 90, 100)):
    return picture(lambda d: d.ellipse((100, y - 25, 150, y + 25), fill=color), ground)


def noise(scale, seed=1):
    small = np.random.default_rng(seed).integers(0, 256, (180 // scale, 240 // scale, 3), dtype=np.uint8)
    return load_picture(np.asarray(Image.fromarray(small).resize((240, 180), Image.Resampling.BICUBIC)))


def test_what_hangs_high_is_higher():
    assert traits_of(ball(40)).height > traits_of(ball(140)).height
    assert traits_of(picture(ground=(230, 230, 230))).height > traits_of(picture(ground=(20, 20, 20))).height


def test_fine_is_finer_and_smooth_is_smoother():
    fine, coarse = traits_of(noise(2)), traits_of(noise(30))
    assert fine.fineness > coarse.fineness + 0.5 and coarse.smoothness > fine.smoothness


def test_many_things_are_more():
    def squares(d, n):
        for i in range(n):
            x, y = 10 + 60 * (i % 4), 10 + 60 * (i // 4)
            d.rectangle((x, y, x + 40, y + 40), fill=tuple(int(c) for c in np.roll((230, 60, 40), i % 3)))

    many, few = (measure_traits(picture(lambda d, n=n: squares(d, n)))[0] for n in (12, 2))
    at = 2 * TRAITS.index("things")
    assert many[at] > few[at] + 1 and many[at + 1] > few[at + 1]
    assert place_traits(many)[TRAITS.index("things")] > place_traits(few)[TRAITS.index("things")]


def test_a_mirror_image_is_symmetrical():
    rgb = np.random.default_rng(2).integers(0, 256, (90, 60, 3), dtype=np.uint8)
    mirrored = load_picture(np.concatenate([rgb, rgb[:, ::-1]], axis=1))
    other = load_picture(
        np.concatenate([rgb, np.random.default_rng(3).integers(0, 256, rgb.shape, dtype=np.uint8)], axis=1)
    )
    assert traits_of(mirrored).symmetry > traits_of(other).symmetry


def test_warm_colors_are_warm():
    assert (
        traits_of(picture(ground=(220, 120, 40))).warmth > 0.5 > -0.5 > traits_of(picture(ground=(40, 90, 200))).warmth
    )


@pytest.mark.parametrize(("left", "right"), [(150, 30), (30, 150)])
def test_the_skyline_goes_as_it_was_drawn(left, right):
    seen = traits_of(
        picture(
            lambda d: d.polygon([(0, left), (240, right), (240, 180), (0, 180)], fill=(20, 30, 20)), (220, 230, 250)
        )
    )
    line = np.array(seen.skyline)
    assert len(line) == SKYLINE_POINTS and np.sign(line[-1] - line[0]) == np.sign(left - right)
    assert abs(line).max() == pytest.approx(1.0, abs=0.02)


def test_nothing_to_see_has_no_skyline():
    assert set(traits_of(picture()).skyline) == {0.0}
    assert set(traits_of(load_picture(np.zeros((1, 1, 3), np.uint8))).skyline) == {0.0}


def test_places_are_ranks_among_pictures():
    raw = np.random.default_rng(0).normal(size=(200, 12))
    kept = fit_population(raw)
    assert len(kept["knots"]) == 12 and len(kept["means"]) == len(TRAITS)
    places = place_traits(np.full(12, 1e9)), place_traits(np.full(12, -1e9))
    assert np.all(places[0] == 1.0) and np.all(places[1] == -1.0)


def test_a_voice_travels_as_json_and_keys_by_the_picture():
    one, other = voice_of(ball(40)), voice_of(ball(140))
    assert Voice.from_dict(one.as_dict()) == one and one.key != other.key and one.keyed(7) != other.keyed(7)
    again = load_picture(np.asarray(Image.fromarray(ball(40).rgb)))
    assert voice_of(again) == one
    for broken in ({"height": 2.0}, {"skyline": [0.0]}, {"key": -1}, {"key": 1.5}):
        with pytest.raises((ValueError, KeyError, TypeError)):
            Voice.from_dict({**one.as_dict(), **broken})
