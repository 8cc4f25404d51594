"""`klangbild train export sound-magnitudes`: the vocoder's net as an ONNX file with its card, measured on held-out clips."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from klangbild.atomic import atomic_write
from klangbild.data.vocoder_clips import VocoderClips
from klangbild.diffusion.small_latent import HOP, N_BINS, N_FFT, N_MELS, RATE, MelLatent, log_mel, magnitudes, mel_bank
from klangbild.diffusion.small_magnitudes_torch import CENTER, LOWEST, SPREAD, MagnitudeNet, MagnitudeSizes
from klangbild.diffusion.small_vocoder import MagnitudeModel, griffin_lim
from klangbild.train.checkpoint import load_checkpoint
from klangbild.train.onnx_graph import GraphBuilder, stored
from klangbild.train.sound_magnitudes import DB, MagnitudesConfig, Spectra, heldout_db

FLOOR_DB = -80.0
RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))
_EPSILON = 1e-5


def build_graph(net: MagnitudeNet) -> onnx.ModelProto:
    """The net as a float32 graph; see `small_vocoder.MagnitudeModel` for input and output."""
    w = {name: p.detach().numpy() for name, p in net.state_dict().items()}
    g = GraphBuilder()
    kernel = net.sizes.kernel
    around = {"kernel_shape": [kernel], "pads": [kernel // 2, kernel // 2]}

    def linear(x: str, name: str) -> str:
        x = g("MatMul", x, g.constant(w[f"{name}.weight"].T, f"{name}.weight"))
        return g("Add", x, g.constant(w[f"{name}.bias"])) if f"{name}.bias" in w else x

    def norm(x: str, name: str) -> str:
        scale, bias = (g.constant(w[f"{name}.{part}"]) for part in ("weight", "bias"))
        return g("LayerNormalization", x, scale, bias, axis=-1, epsilon=_EPSILON)

    scaled = g("Div", g("Sub", "log_mel", g.constant(np.float32(CENTER))), g.constant(np.float32(SPREAD)))
    names = g.constant(w["enter.weight"], "enter.weight"), g.constant(w["enter.bias"])
    x = g("Transpose", g("Conv", g("Transpose", scaled, perm=[0, 2, 1]), *names, **around), perm=[0, 2, 1])
    half, one, root = (g.constant(np.float32(v)) for v in (0.5, 1.0, np.sqrt(0.5)))
    for i in range(net.sizes.blocks):
        name = f"blocks.{i}"
        weights = g.constant(w[f"{name}.along.weight"], f"{name}.along.weight"), g.constant(w[f"{name}.along.bias"])
        y = g("Conv", g("Transpose", x, perm=[0, 2, 1]), *weights, group=net.sizes.width, **around)
        y = linear(norm(g("Transpose", y, perm=[0, 2, 1]), f"{name}.norm"), f"{name}.wide")
        # GELU, exact
        bent = g("Mul", g("Mul", y, half), g("Add", g("Erf", g("Mul", y, root)), one))
        y = linear(bent, f"{name}.narrow")
        x = g("Add", x, g("Mul", y, g.constant(w[f"{name}.scale"])))
    total = g("Add", linear(norm(x, "norm"), "leave"), linear("log_mel", "between"))
    g("Max", total, g.constant(np.float32(LOWEST)), name="log_magnitudes")
    return g.model(
        "sound_magnitudes", {"log_mel": ["n", "frames", N_MELS]}, {"log_magnitudes": ["n", "frames", N_BINS]}
    )


def load_net(checkpoint: Path) -> tuple[MagnitudeNet, MelLatent, dict[str, Any]]:
    """(the net with its averaged weights, the latent it was trained with, the checkpoint)."""
    state = load_checkpoint(checkpoint)
    net = MagnitudeNet(MagnitudeSizes(**state["sizes"]))
    net.load_state_dict({**state["model"], **state["average"]["weights"]})
    latent = MelLatent(*(state["latent"][name].numpy() for name in ("mean", "axes", "spread")))
    return net.eval(), latent, state


def stft_error_db(sound: np.ndarray, wanted: np.ndarray) -> float:
    """Mean absolute difference of log-spectra in dB over three resolutions, with a floor of -80 dB under the loudest point."""
    errors = []
    n = min(len(sound), len(wanted))
    for size, hop in RESOLUTIONS:
        window = np.hanning(size)
        sides = []
        for one in (sound[:n], wanted[:n]):
            frames = np.lib.stride_tricks.sliding_window_view(one, size)[::hop]
            sides.append(np.abs(np.fft.rfft(frames * window)))
        top = sides[1].max()
        mine, theirs = (np.maximum(20 * np.log10(np.maximum(s / top, 1e-9)), FLOOR_DB) for s in sides)
        errors.append(np.abs(mine - theirs).mean())
    return float(np.mean(errors))


def pseudo_inverse(mel: np.ndarray) -> np.ndarray:
    """What one would do without a net: least squares from mel to bins, nothing below 0."""
    return np.maximum(np.exp(mel) @ np.linalg.pinv(mel_bank()).T, 0).astype(np.float32)


def after_griffin_lim(
    sounds: np.ndarray, latent: MelLatent, model: MagnitudeModel, *, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Error in dB (`stft_error_db`, mean and standard deviation over the clips) of sound made again from held-out sound."""
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "true magnitudes": lambda m: m,
        "net": lambda m: model.magnitudes(log_mel(m)),
        "net, through the latent": lambda m: model.magnitudes(latent.decode(latent.encode(log_mel(m)))),
        "pseudo-inverse": lambda m: pseudo_inverse(log_mel(m)),
        "pseudo-inverse, through the latent": lambda m: pseudo_inverse(latent.decode(latent.encode(log_mel(m)))),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for sound in sounds:
        magnitude = magnitudes(sound)
        for name, way in ways.items():
            again = griffin_lim(way(magnitude), np.random.default_rng(seed))
            found[name].append(stft_error_db(again, sound))
    return {n: {"mean": round(float(np.mean(v)), 2), "sd": round(float(np.std(v)), 2)} for n, v in found.items()}


def export_magnitudes(config: MagnitudesConfig, *, out_dir: Path, weights_dir: Path | None = None) -> Path:
    """Write `out_dir/sound-magnitudes.onnx` and its card (and float16 weights to train on from into `weights_dir`)."""
    run = Path(config.run)
    net, latent, state = load_net(run / "last.pt")
    blob = stored(build_graph(net), "int8").SerializeToString(deterministic=True)
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / "sound-magnitudes.onnx"
    atomic_write(path, blob)
    clips = VocoderClips.load(run / "clips.npz")
    sounds = clips.side(heldout=True)
    spectra = Spectra(sounds, latent)
    model = MagnitudeModel(path)
    direct = [np.abs(np.log(np.maximum(model.magnitudes(m.astype(np.float32)), np.exp(LOWEST))) - t.astype(np.float32)).mean()
              for m, t in zip(spectra.mel, spectra.target, strict=True)]  # fmt: skip
    card = {
        "name": "sound-magnitudes",
        "kind": "vocoder of the small sound model: 80 log-mel bands to 513 magnitudes; phases by fast Griffin-Lim",
        "sizes": state["sizes"],
        "weights": sum(p.numel() for p in net.parameters()),
        "stored_as": "int8 with a scale a column, computed in float32",
        "sound": {"rate": RATE, "n_fft": N_FFT, "hop": HOP, "n_mels": N_MELS},
        "licence": "CC BY-NC-SA 4.0",
        "data": f"{int((~clips.heldout).sum())} clips of 10.24 s rendered by our player from prepared notes "
        "(data/README.md has the sets); held out: pieces that the notes model holds out",
        "training": {
            "steps": state["step"],
            "minutes": round(state["minutes"], 1),
            "seed": state["config"]["seed"],
            "command": f"klangbild train sound-magnitudes --steps {state['step']}; "
            "klangbild train export sound-magnitudes",
        },
        "held_out": {
            "clips": len(sounds),
            "log_magnitude_error_db": {
                "float32": round(heldout_db(net, spectra, through_latent=False), 2),
                "as shipped": round(DB * float(np.mean(direct)), 2),
                "float32, through the latent": round(heldout_db(net, spectra, through_latent=True), 2),
            },
            "log_stft_error_db_after_griffin_lim": after_griffin_lim(sounds, latent, model),
        },
        "limits": "has heard one SoundFont, dry and in mono; other sound comes out blurred",
        "sha256": hashlib.sha256(blob).hexdigest(),
    }
    atomic_write(out_dir / "sound-magnitudes.json", (json.dumps(card, indent=1) + "\n").encode())
    if weights_dir:
        from safetensors.torch import save

        weights_dir.mkdir(parents=True, exist_ok=True)
        half = {n: t.half().contiguous() for n, t in net.state_dict().items()}
        kept = save(half, metadata={"sizes": json.dumps(state["sizes"])})
        atomic_write(weights_dir / "sound-magnitudes.safetensors", kept)
    return path
