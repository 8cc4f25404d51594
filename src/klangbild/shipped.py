"""What ships inside the package: where its weights are, how a graph is opened, and whether a licence allows a use."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from klangbild.errors import UsageError


def weights_folder() -> Path:
    """Where the weights that ship are."""
    return Path(str(resources.files("klangbild") / "weights"))


def open_session(model: Path | bytes, *, threads: int = 1) -> Any:
    """An onnxruntime session on the CPU. model: the graph's file or its bytes. threads: 0 means all cores.

    Raises whatever onnxruntime raises for a file that is no graph: the caller knows what the file is to the user.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # idle threads of a one-thread session would only burn another program's time
    options.add_session_config_entry("session.intra_op.allow_spinning", "0" if threads == 1 else "1")
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
    )


def refuse_if_noncommercial(name: str, licence: str, commercial: bool) -> None:
    """Raises UsageError when `commercial` and the licence says NC, or does not say anything."""
    if commercial and ("NC" in licence.upper().replace("-", " ").split() or "unstated" in licence.lower()):
        raise UsageError(
            f"--commercial: {name} is licensed {licence}, which forbids commercial use; choose another model"
        )
