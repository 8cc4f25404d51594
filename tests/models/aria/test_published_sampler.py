"""midi-emotion's choices, by hand: its strict nucleus, its two temperatures, its penalty for narrow choices, what never comes."""

import numpy as np

from klangbild.models.aria.published_sampler import MidiEmotionSampling, RepeatCounter, choices
from klangbild.models.aria.vocabulary import BASE_SIZE, SHIFT_0

CHANCES = np.array([0.4, 0.3, 0.2, 0.1])
NOTHING = np.array([], np.int64)


def handed(counter: RepeatCounter | None = None, *, previous: int = 0, banned=NOTHING, **knobs) -> np.ndarray:
    """Probabilities by id (4,)."""
    sampling = MidiEmotionSampling(**({"after_shift": 1.0, "otherwise": 1.0, "top_p": 0.0} | knobs))
    found, ids = choices(np.log(CHANCES)[None], np.array([previous]), counter or RepeatCounter(1), sampling, banned)
    out = np.zeros(4)
    out[ids[0]] = found[0]
    return out


def test_the_id_that_crosses_top_p_is_dropped_but_one_always_stays():
    np.testing.assert_allclose(handed(top_p=0.8), [4 / 7, 3 / 7, 0, 0])
    np.testing.assert_allclose(handed(top_p=0.3), [1, 0, 0, 0])
    np.testing.assert_allclose(handed(top_p=1.0), CHANCES)
    np.testing.assert_allclose(handed(top_k=2), [4 / 7, 3 / 7, 0, 0])


def test_what_follows_a_shift_has_its_own_temperature_and_cold_is_surer():
    for previous, cold in ((SHIFT_0, "after_shift"), (BASE_SIZE - 1, "after_shift"), (0, "otherwise")):
        np.testing.assert_allclose(handed(previous=previous, **{cold: 0.5}), CHANCES**2 / (CHANCES**2).sum())
        other = {"after_shift": "otherwise", "otherwise": "after_shift"}[cold]
        np.testing.assert_allclose(handed(previous=previous, **{other: 0.5}), CHANCES)


def test_where_the_choice_has_long_been_narrow_it_is_loosened():
    counter = RepeatCounter(1)
    for _ in range(3):
        counter.update(np.array([2]))
    np.testing.assert_allclose(handed(counter, repeat_penalty=0.5), CHANCES)  # three are not yet many
    for _ in range(4):
        counter.update(np.array([1]))
    warmth = 1 + 0.5 * np.log(8 / 4)
    expected = CHANCES ** (1 / warmth)
    np.testing.assert_allclose(handed(counter, repeat_penalty=0.5), expected / expected.sum())
    counter.update(np.array([3]))
    assert counter.counts.tolist() == [3]


def test_what_is_banned_never_comes():
    np.testing.assert_allclose(handed(banned=np.array([0])), [0, 1 / 2, 1 / 3, 1 / 6])
