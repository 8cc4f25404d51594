"""Home: the key that is written is the key that a listener hears, and a piece ends in it.

Music in "C major" may dwell on G until G is what one hears. So after each bar the durations of all pitch classes so far are held against
the key profiles as a listener does (Krumhansl 1990), and what the written tonic lacks of being the best of all becomes a pull on
pitch classes, away from the key that is heard in its place. Where the music has another home at last all the same, it is let: the
closing chords are those of the key that is heard, which is then the piece's own.

The other way to lose a listener is never to leave home. A bar with the pitch classes of the bar before is a still one; the more of them
stand in a row, the more those that have sounded too much for the key lose to those that have not.
"""

from __future__ import annotations

import numpy as np

from klangbild.music.key import MAJOR_PROFILE, MINOR_PROFILE, USUAL_SHARES, key_fits
from klangbild.music.piece import Key

PULL, PULL_WISHED = 3.0, 8.0
"""Log-odds for one unit of fit that the written tonic lacks, at a pitch class where the two keys' profiles differ by 1;
and where somebody wished for its mode, so that the piece may close in no other."""
AHEAD = 0.05
"""By how much the written tonic's fit should lie above that of any other."""
MOST = 0.25
"""What may be lacking at most, as far as the pull is concerned."""
UNREST = 2.5
"""Log-odds for each still bar, at a pitch class that sounds a whole bar's share more than is usual in the key."""
STILL, MOST_STILL = 0.8, 6
"""Share of a bar that its pitch classes have in common with the bar before from which on it is still; how many count at most."""
_FEW_STEPS = 200.0
_PROFILES = (MAJOR_PROFILE, MINOR_PROFILE)


def home_bias(histogram: np.ndarray, key: Key, *, wished: bool = False) -> np.ndarray:
    """Steps that each pitch class has sounded for (12,), and the written key -> log-odds (12,) for the pitch classes of what follows."""
    fits, total = key_fits(histogram), float(histogram.sum())
    others = fits.copy()
    others[:, key.tonic] = -np.inf
    lack = AHEAD + float(others.max()) - float(fits[:, key.tonic].max())
    if total == 0.0 or lack <= 0.0:
        return np.zeros(12)
    row, tonic = divmod(int(others.argmax()), 12)
    direction = np.roll(_PROFILES[key.mode == "minor"], key.tonic) - np.roll(_PROFILES[row], tonic)
    return (PULL_WISHED if wished else PULL) * min(lack, MOST) * direction * total / (total + _FEW_STEPS)


def heard_key(histogram: np.ndarray, written: Key, *, keeps_mode: bool) -> Key:
    """The key that is heard in a histogram (12,), of all 24, or of those of the written mode; of equals the written one."""
    fits = key_fits(histogram)
    if keeps_mode:
        fits[int(written.mode == "major")] = -np.inf  # the other mode
    fits[int(written.mode == "minor"), written.tonic] += 1e-6
    row, tonic = divmod(int(fits.argmax()), 12)
    return Key(tonic, ("major", "minor")[row])


class Unrest:
    """How long the harmony has stood still, bar by bar."""

    def __init__(self) -> None:
        self._before = self._sum = np.zeros(12)
        self.still = 0

    def end_bar(self, histogram: np.ndarray, key: Key) -> np.ndarray:
        """Steps that each pitch class has sounded for in the piece so far (12,), its key -> log-odds (12,) for the next bar."""
        bar, self._sum = histogram - self._sum, histogram.copy()
        if not bar.any():
            return np.zeros(12)
        share = bar / bar.sum()
        self.still = min(self.still + 1, MOST_STILL) if np.minimum(share, self._before).sum() >= STILL else 0
        self._before = share
        return -UNREST * self.still * (share - np.roll(USUAL_SHARES[key.mode], key.tonic))
