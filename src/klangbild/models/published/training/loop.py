"""The loop that trains parts of the published sound systems, on a CPU, a GPU or several (accelerate).

Batches are drawn by step from a permutation that depends on the seed and the epoch alone, and noise from a generator that
depends on the seed and the step: a run that was stopped goes on as if it had not been. A checkpoint holds the trainable
part, its average, the optimiser and the step; nothing frozen is saved.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import GradientAccumulationPlugin
from torch import Tensor, nn
from torch.utils.data import DataLoader

from klangbild.errors import InputError, UsageError
from klangbild.models.published.training.config import LoopConfig
from klangbild.training.checkpoint import MovingAverage, averaged, load_checkpoint, save_checkpoint
from klangbild.whole_files import atomic_path

CHECKPOINT = "last.pt"
LOG = "log.csv"
Batch = dict[str, Any]


class Items(Protocol):
    """A data set: `items[i]` is a dictionary of tensors (stacked into a batch) and strings (listed)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Batch: ...


def batch_indices(
    n_items: int, batch: int, *, seed: int, start: int, rank: int = 0, world: int = 1
) -> Iterator[list[int]]:
    """Micro-batches from number `start` on, forever; each epoch is a new permutation, shared by all devices in turn."""
    per_epoch = max(1, n_items // (batch * world))
    if n_items < batch * world:
        raise InputError(
            f"{n_items} training items are fewer than one batch ({batch} on {world} devices); use a smaller batch"
        )
    number = start
    while True:
        epoch, position = divmod(number, per_epoch)
        order = np.random.default_rng([seed, epoch]).permutation(n_items)
        first = (position * world + rank) * batch
        yield order[first : first + batch].tolist()
        number += 1


def collate(items: list[Batch]) -> Batch:
    """Tensors are stacked, everything else is listed."""
    return {
        name: torch.stack([item[name] for item in items])
        if isinstance(value, Tensor)
        else [item[name] for item in items]
        for name, value in items[0].items()
    }


def run_loop(
    config: LoopConfig,
    *,
    trainable: nn.Module,
    items: Items,
    loss_of: Callable[[nn.Module, Batch, torch.Generator], Tensor],
    settings: Mapping[str, Any],
    validate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    make_clips: Callable[[nn.Module, int], None] | None = None,
    extra: Callable[[nn.Module], Mapping[str, float]] | None = None,
    save: Callable[[nn.Module, Path], None] | None = None,
    resume: bool = False,
    on_log: Callable[[Mapping[str, float]], None] | None = None,
) -> Path:
    """Train.

    Args:
        config: see above.
        trainable: only its parameters with `requires_grad` are trained, saved and averaged.
        items: the training data.
        loss_of: (trainable, perhaps wrapped; batch on the device; generator of this step's noise) -> the loss, a scalar.
        settings: stored in the checkpoint; a run can only go on with the same.
        validate: measured every `validate_every` steps, on the averaged weights where there is an average.
        make_clips: writes validation clips, given the step.
        extra: further columns of the log, such as gates.
        save: writes the trained part for use, into the run's folder, at the end and with every checkpoint.
        resume: go on from the run's checkpoint.
        on_log: receives every row of the log.

    Returns:
        The log's path.

    Raises:
        InputError: too few items, a checkpoint of other settings, or a loss that is not finite.
    """
    if config.steps < 1 or config.batch < 1 or config.accumulation < 1:
        raise UsageError("steps, batch and accumulation must be 1 or more")
    folder = Path(config.run)
    accelerator = Accelerator(
        cpu=config.cpu,
        mixed_precision=config.precision,
        gradient_accumulation_plugin=GradientAccumulationPlugin(config.accumulation, sync_with_dataloader=False),
    )
    weights = {name: weight for name, weight in trainable.named_parameters() if weight.requires_grad}
    optimizer = torch.optim.AdamW(
        weights.values(), lr=config.lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=config.weight_decay
    )
    average = MovingAverage(_Only(weights), decay=config.average) if config.average else None
    step = 0
    if resume:
        step = _restore(folder / CHECKPOINT, settings, weights, optimizer, average)
    elif accelerator.is_main_process:
        (folder / LOG).unlink(missing_ok=True)
    model, optimizer = accelerator.prepare(trainable, optimizer)
    if average is not None:
        average.weights = {name: value.to(accelerator.device) for name, value in average.weights.items()}
    loader = DataLoader(
        items,  # type: ignore[arg-type]
        batch_sampler=_From(
            batch_indices(
                len(items),
                config.batch,
                seed=config.seed,
                start=step * config.accumulation,
                rank=accelerator.process_index,
                world=accelerator.num_processes,
            )
        ),
        collate_fn=collate,
        num_workers=config.workers,
    )
    batches = iter(loader)
    losses: list[float] = []
    started = time.perf_counter()
    trainable.train()
    while step < config.steps:
        for group in optimizer.param_groups:
            group["lr"] = config.rate(step)
        for micro in range(config.accumulation):
            batch = _to(next(batches), accelerator.device)
            generator = torch.Generator().manual_seed(_mixed(config.seed, step, micro, accelerator.process_index))
            with accelerator.accumulate(model):
                loss = loss_of(model, batch, generator)
                if not torch.isfinite(loss):
                    raise InputError(f"the loss is not finite at step {step}; lower the rate or use precision 'no'")
                accelerator.backward(loss)
                if accelerator.sync_gradients and config.clip:
                    accelerator.clip_grad_norm_(weights.values(), config.clip)
                optimizer.step()
                optimizer.zero_grad()
            losses.append(float(loss.detach()))
        step += 1
        if average is not None:
            average.update(_Only(weights))
        due = {name: every and step % every == 0 for name, every in _intervals(config).items()}
        last = step == config.steps
        ends_well = last and not config.is_trial
        if (due["log"] or due["validate"] or last) and accelerator.is_main_process:
            row: dict[str, float] = {
                "step": step,
                "seconds": round(time.perf_counter() - started, 1),
                "rate": config.rate(step - 1),
                "loss": float(np.mean(losses)),
            }
            losses.clear()
            with _inside(weights, average):
                row |= dict(validate(trainable)) if validate and (due["validate"] or ends_well) else {}
                row |= dict(extra(trainable)) if extra else {}
            trainable.train()
            _append(folder / LOG, row)
            if on_log:
                on_log(row)
        if (due["checkpoint"] or last) and accelerator.is_main_process:
            _store(folder / CHECKPOINT, settings, weights, optimizer, average, step)
            with _inside(weights, average):
                if save:
                    save(trainable, folder)
        if (due["clips"] or ends_well) and make_clips and accelerator.is_main_process:
            with _inside(weights, average):
                make_clips(trainable, step)
            trainable.train()
        accelerator.wait_for_everyone()
    accelerator.free_memory()
    if config.is_trial and validate and accelerator.is_main_process:
        print(
            f"{config.steps} steps are a trial: it ends without validation and clips, which come from "
            f"{config.validate_every} steps (validate_every) on, or at every clips_every",
            file=sys.stderr,
        )
    return folder / LOG


def _intervals(config: LoopConfig) -> dict[str, int]:
    return {
        "log": config.log_every,
        "validate": config.validate_every,
        "checkpoint": config.checkpoint_every,
        "clips": config.clips_every,
    }


def _mixed(*parts: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


def _to(batch: Batch, device: torch.device) -> Batch:
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in batch.items()}


class _From:
    """An iterator as the batch sampler that a DataLoader takes."""

    def __init__(self, batches: Iterator[list[int]]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        return self.batches


class _Only(nn.Module):
    """The trained parameters alone, as a module, for `MovingAverage`."""

    def __init__(self, weights: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        self.by_name = weights

    def named_parameters(self, *_: Any, **__: Any) -> Iterator[tuple[str, nn.Parameter]]:
        return iter(self.by_name.items())


def _inside(weights: Mapping[str, nn.Parameter], average: MovingAverage | None) -> AbstractContextManager[None]:
    """Inside, the weights are the averaged ones, where there is an average."""
    return nullcontext() if average is None else averaged(_Only(weights), average)


def _store(path: Path, settings: Mapping[str, Any], weights, optimizer, average, step: int) -> None:
    state = {
        "step": step,
        "settings": dict(settings),
        "weights": {name: weight.detach().cpu() for name, weight in weights.items()},
        "optimizer": optimizer.state_dict(),
        "average": None if average is None else average.state_dict(),
    }
    save_checkpoint(path, state)


def _restore(path: Path, settings: Mapping[str, Any], weights, optimizer, average) -> int:
    """Load a checkpoint into the run; the step it stands at."""
    state = load_checkpoint(path)
    other = [name for name, value in settings.items() if state["settings"].get(name) != value]
    if other:
        raise InputError(
            f"{path}: was made with {other[0]}={state['settings'].get(other[0])!r}, this run has {settings[other[0]]!r}; "
            "use the same settings or another run folder"
        )
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(state["weights"][name])
    optimizer.load_state_dict(state["optimizer"])
    if average is not None:
        average.load_state_dict(state["average"])
    return int(state["step"])


def _append(path: Path, row: Mapping[str, float]) -> None:
    """Add a row. Columns that are new (a first validation) rewrite the header; the file stays small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [old for old in csv.DictReader(file) if int(old["step"]) < int(row["step"])]
    columns = list(dict.fromkeys(name for entry in (*rows, row) for name in entry))
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, dict(row)])
