"""One run: rows when they are due, the rate on its way down, an end by steps or by a stop, a checkpoint at the end."""

from __future__ import annotations

import csv
import math

import pytest
import torch

from klangbild.errors import UsageError
from klangbild.training.checkpoint import MovingAverage, averaged, load_checkpoint
from klangbild.training.loop import (
    Schedule,
    checkpoint_of,
    half_cosine,
    share_of,
    share_of_call,
    train_until_over,
    warm,
)


class OneWeight:
    """Learns to be 3."""

    columns = ("step", "rate", "loss", "heldout")

    def __init__(self) -> None:
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.step, self.minutes = 0, 0.0

    def rate(self, fallen: float) -> float:
        return warm(self.step, 2) * half_cosine(fallen, lowest=0.0)

    def train_step(self, factor: float) -> float:
        loss = (self.weight - 3).square().mean()
        loss.backward()
        with torch.no_grad():
            self.weight -= 0.4 * factor * self.weight.grad
        self.weight.grad = None
        self.step += 1
        return float(loss.detach())

    def row(self, now):
        held = f"{(self.weight - 3).square().item():.4f}" if now.measuring else ""
        return (self.step, f"{now.factor:.3f}", f"{now.loss:.4f}", held)

    def state(self):
        return {"weight": self.weight.detach(), "step": self.step, "minutes": self.minutes}


def rows(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_logs_measures_keeps_and_ends(tmp_path):
    trainer = OneWeight()
    target = checkpoint_of(tmp_path / "run", resume=False)
    train_until_over(trainer, target, Schedule(2, 4, 60.0), over=share_of(trainer, steps=7, minutes=None))
    log = rows(tmp_path / "run" / "log.csv")
    assert [row["step"] for row in log] == ["2", "4", "6", "7"]
    assert [bool(row["heldout"]) for row in log] == [False, True, False, True]
    assert float(log[-1]["heldout"]) < 1 < float(log[0]["loss"]) and float(log[-1]["rate"]) < float(log[0]["rate"])
    assert load_checkpoint(target)["step"] == 7
    with pytest.raises(UsageError, match="--resume"):
        checkpoint_of(tmp_path / "run", resume=False)
    train_until_over(trainer, checkpoint_of(tmp_path / "run", resume=True), Schedule(2, 4, 60.0),
                     over=share_of(trainer, steps=8, minutes=None))  # fmt: skip
    assert [row["step"] for row in rows(tmp_path / "run" / "log.csv")] == ["2", "4", "6", "7", "8"]


def test_the_first_row_comes_first_where_it_is_asked_for(tmp_path):
    trainer = OneWeight()
    train_until_over(
        trainer,
        tmp_path / "last.pt",
        Schedule(5, 5, 60.0, from_start=True),
        over=share_of(trainer, steps=5, minutes=None),
    )
    log = rows(tmp_path / "log.csv")
    assert [row["step"] for row in log] == ["0", "5"] and math.isnan(float(log[0]["loss"])) and log[0]["heldout"]


def test_a_stop_is_kept_but_not_measured_and_a_new_log_begins_anew(tmp_path):
    for new_log in (False, True):
        trainer = OneWeight()
        train_until_over(
            trainer,
            tmp_path / "last.pt",
            Schedule(50, 50, 60.0),
            over=lambda: 0.0,
            stopped=lambda one=trainer: one.step == 3,
            log=tmp_path / "other.csv",
            new_log=new_log,
        )
        log = rows(tmp_path / "other.csv")
        assert len(log) == 1 and log[0]["step"] == "3" and log[0]["heldout"] == "" and log[0]["rate"] == "1.000"
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 3


def test_minutes_go_before_steps_and_count_what_was_spent_before(tmp_path):
    trainer = OneWeight()
    trainer.minutes = 5.0
    assert share_of(trainer, steps=10, minutes=20.0)() == 0.25 and share_of(trainer, steps=10, minutes=None)() == 0
    train_until_over(trainer, tmp_path / "last.pt", Schedule(1, 1, 60.0), over=share_of(trainer, steps=1, minutes=5.0))
    assert trainer.step == 0 and load_checkpoint(tmp_path / "last.pt")["minutes"] >= 5.0


def test_a_call_counts_from_where_it_begins():
    trainer = OneWeight()
    trainer.step, trainer.minutes = 10, 5.0
    for_ever, both = share_of_call(trainer, minutes=None, steps=None), share_of_call(trainer, minutes=2.0, steps=4)
    trainer.step, trainer.minutes = 12, 5.5
    assert for_ever() == 0 and both() == 0.5
    assert share_of_call(trainer, minutes=None, steps=0)() == 1


def test_losses_may_stay_on_the_device_and_what_is_kept_is_told(tmp_path, capsys):
    class Lazy(OneWeight):
        def train_step(self, factor):
            return torch.tensor(super().train_step(factor))

    found, kept = [], []
    for trainer in (OneWeight(), Lazy()):
        target = tmp_path / type(trainer).__name__ / "last.pt"
        over = share_of(trainer, steps=3, minutes=None)
        train_until_over(
            trainer, target, Schedule(2, 50, 60.0), over=over, kept=lambda at=target: kept.append(at.is_file())
        )
        found.append(rows(target.with_name("log.csv")))
    assert found[0] == found[1] and kept == [True, True]
    assert "heldout" not in capsys.readouterr().err.splitlines()[0]  # what is not measured is not told


def test_a_log_goes_on_where_its_checkpoint_stands(tmp_path):
    """Rows that a kill left behind the checkpoint come again, half a row is gone, and new columns find their place."""
    trainer, target = OneWeight(), tmp_path / "last.pt"
    trainer.step = 4
    (tmp_path / "log.csv").write_text("step,loss,older\n2,0.5,a\n4,0.4,b\n6,0.3,c\n8,0")
    train_until_over(trainer, target, Schedule(2, 0), over=share_of(trainer, steps=6, minutes=None))
    log = rows(tmp_path / "log.csv")
    assert list(log[0]) == ["step", "rate", "loss", "heldout", "older"]
    assert [(row["step"], row["older"]) for row in log] == [("2", "a"), ("4", "b"), ("6", "")]
    assert log[0]["loss"] == "0.5" and log[2]["loss"] != "0.3" and log[0]["rate"] == "" != log[2]["rate"]


def test_a_look_at_held_out_data_is_a_row_and_none_is_a_row_at_the_end_only(tmp_path):
    for name, often, expected in (("a", Schedule(4, 3), "346"), ("b", Schedule(0, 0), "6")):
        trainer = OneWeight()
        over = share_of(trainer, steps=6, minutes=None)
        train_until_over(trainer, tmp_path / name / "last.pt", often, over=over)
        log = rows(tmp_path / name / "log.csv")
        assert "".join(row["step"] for row in log) == expected and log[-1]["heldout"]
    assert [bool(row["heldout"]) for row in rows(tmp_path / "a" / "log.csv")] == [True, False, True]


def test_checkpoints_by_steps_and_what_comes_after_a_step(tmp_path):
    trainer, target, kept, after = OneWeight(), tmp_path / "last.pt", [], []
    train_until_over(
        trainer, target, Schedule(50, 0, checkpoint_steps=2), over=share_of(trainer, steps=5, minutes=None),
        kept=lambda: kept.append(load_checkpoint(target)["step"]), after_step=lambda whole: after.append((trainer.step, whole)),
    )  # fmt: skip
    assert kept == [2, 4, 5] and after == [(1, False), (2, False), (3, False), (4, False), (5, True)]
    # ended by a signal is not whole; and one that has nothing left to do takes no step
    for stopped, expected in ((lambda: True, []), (lambda: trainer.step > 5, [(6, False)])):
        after.clear()
        over = share_of(trainer, steps=9, minutes=None)
        train_until_over(
            trainer, target, Schedule(50, 0), over=over, stopped=stopped,
            after_step=lambda whole: after.append((trainer.step, whole)),
        )  # fmt: skip
        assert after == expected


def test_of_several_processes_one_writes_and_all_end_together(tmp_path, capsys):
    trainer = OneWeight()
    ended = train_until_over(
        trainer, tmp_path / "run" / "last.pt", Schedule(1, 1), over=lambda: 0.0, writes=False,
        agreed=lambda own: not own and trainer.step == 2,
    )  # fmt: skip
    assert ended and trainer.step == 2 and not (tmp_path / "run").exists() and capsys.readouterr().err == ""


def test_averaged_weights_are_there_inside_only():
    model = torch.nn.Linear(2, 1)
    average = MovingAverage(model)
    with torch.no_grad():
        model.weight += 1
    own = model.weight.detach().clone()
    with averaged(model, average):
        assert torch.equal(model.weight, average.weights["weight"]) and not torch.equal(model.weight, own)
    assert torch.equal(model.weight, own)


def test_the_average_forgets_its_beginning_at_once_and_later_hardly_moves():
    model = torch.nn.Linear(1, 1, bias=False)
    average = MovingAverage(model, decay=0.99)

    def follow(value: float) -> float:
        with torch.no_grad():
            model.weight.fill_(value)
        average.update(model)
        return float(average.weights["weight"])

    start = float(average.weights["weight"])
    assert follow(3.0) == pytest.approx(3.0 + (start - 3.0) / 11)
    for _ in range(2000):
        follow(3.0)
    assert follow(4.0) == pytest.approx(3.0 + 0.01, abs=1e-4)
