"""Tiny prepared piano rolls: two kinds of bars, one a mode, so that there is something to learn."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from klangbild.models.roll.data.prepared import CLIP_BEATS, FACT_TYPES, RollData
from klangbild.models.roll.grid import roll_notes
from klangbild.models.roll.latent_torch import RollAutoencoder, RollSizes
from klangbild.music.families import FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.training.int8_weights import save_int8


def pattern(mode: int, beats: int = CLIP_BEATS) -> Piece:
    """A bar of drums, bass and piano, over and over."""
    onsets = np.arange(beats, dtype=float)
    bass = np.where(onsets.astype(int) // 4 % 2, 43, 36) if mode else np.where(onsets.astype(int) // 4 % 2, 40, 33)
    third = 64 if mode else 60
    drums = make_notes(onsets, np.full(beats, 0.25), np.where(onsets % 2, 38, 36), np.full(beats, 100))
    piano = make_notes(onsets[::2], np.full(beats // 2, 2.0), np.full(beats // 2, third), np.full(beats // 2, 60))
    tracks = (Track("drums", 0, drums), Track("bass", 32, make_notes(onsets, np.ones(beats), bass, np.full(beats, 80))))
    return Piece((*tracks, Track("piano", 0, piano)), length_beats=float(beats))


def tiny_rolls(path: Path, *, clips: int = 12) -> RollData:
    """One clip a stretch; the last four are held out."""
    mode = np.arange(clips) % 2
    rolls = [roll_notes(pattern(int(m))) for m in mode]
    band = sum(1 << FAMILY_INDEX[name] for name in ("drums", "bass", "piano"))
    facts = {
        "valence": np.where(mode, 0.7, -0.7), "arousal": np.linspace(-0.9, 0.9, clips), "tempo": np.where(mode, 140, 70),
        "mode": mode, "tonic": np.where(mode, 0, 9), "meter": np.full(clips, 44), "families": np.full(clips, band),
        "rate": np.full(clips, 3.0), "pool": np.zeros(clips),
    }  # fmt: skip
    data = RollData(
        *(np.concatenate([getattr(r, n) for r in rolls]).astype(k)
          for n, k in (("step", "u2"), ("lane", "u2"), ("length", "u1"))),
        np.concatenate([np.rint(r.loud * 127) for r in rolls]).astype("u1"),
        run_start=np.cumsum([0, *(len(r) for r in rolls)]).astype(np.int64),
        run_beats=np.full(clips, CLIP_BEATS, np.int32),
        clip_run=np.arange(clips, dtype=np.int32),
        clip_beat=np.zeros(clips, np.int32),
        clip_piece=np.arange(clips, dtype=np.int32),
        clip_heldout=np.arange(clips) >= clips - 4,
        about={"pools": ["pop909"], "licences": {"pop909": ["MIT"]}, "families": list(FAMILY_NAMES)},
        **{name: np.asarray(facts[name]).astype(kind) for name, kind in FACT_TYPES.items()},
    )  # fmt: skip
    data.save(path)
    return data


def tiny_roll_clips(folder: Path) -> tuple[str, str]:
    """Rolls, and an autoencoder of random weights that makes latents of them: (roll.npz, roll-latent.safetensors) in `folder`."""
    tiny_rolls(folder / "roll.npz")
    sizes = RollSizes(8, 8)
    model = RollAutoencoder(sizes, seed=1)
    weights = folder / "roll-latent.safetensors"
    save_int8(model.state_dict(), weights, {"sizes": asdict(sizes)})
    return str(folder / "roll.npz"), str(weights)
