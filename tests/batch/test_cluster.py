"""Many machines: a real Dask cluster of this machine's processes makes the same bytes, each once, and outlives its workers."""

import os
import signal

import pytest
from PIL import Image

from klangbild.batch import cluster
from klangbild.batch.jobs import Job
from klangbild.batch.journal import Journal
from klangbild.batch.workers import Task
from klangbild.errors import NotAvailableError
from klangbild.record.facts import versions

distributed = pytest.importorskip("distributed")
SHORT = ("--seconds", 1, "--seed", 4, "-f", "mid,json")


@pytest.fixture(scope="module")
def dask():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "pictures"
    place.mkdir()
    for number, colour in enumerate(("red", "blue", "green", "yellow")):
        Image.new("RGB", (48, 32), colour).save(place / f"{number}.png")
    (place / "z.png").write_bytes(b"no picture")
    return place


def notes_in(out):
    return {path.name: path.read_bytes() for path in out.rglob("*.mid")}


def test_a_cluster_makes_the_same_bytes_and_goes_on_where_it_ended(klangbild, folder, tmp_path, dask):
    address, out = dask.scheduler_address, tmp_path / "out"
    code, lines, err = klangbild("compose", folder, *SHORT, "-o", out, "--cluster", address)
    assert code == 3 and "4 of 5 pictures done, 1 failed" in err, err
    assert (
        f"{folder / 'z.png'}: " in err and "Traceback" not in err
    )  # told of the asker's file, not of the worker's copy
    assert klangbild("compose", folder, *SHORT, "-o", tmp_path / "here")[0] == 3
    assert notes_in(out) == notes_in(tmp_path / "here") and len(notes_in(out)) == 4
    assert sorted(lines.split()) == sorted(str(path) for path in out.iterdir() if "journal" not in path.name)
    entries = Journal.read(out).entries
    assert len(entries) == 5 and sum(entry.error is not None for entry in entries.values()) == 1
    (folder / "z.png").unlink()
    (out / "2-4.mid").unlink()
    code, lines, err = klangbild("compose", folder, *SHORT, "-o", out, "--cluster", address)
    assert code == 0 and "3 done before" in err and "2-4.mid" in lines and "1-4.mid" not in lines


def test_a_worker_that_is_killed_loses_nothing_and_nothing_is_made_twice(folder, tmp_path, dask):
    task = Task({"seconds": 1.0, "seed": 4}, ("mid",), tmp_path / "out")
    jobs = [Job(str(path), str(path), "{picture}-{seed}") for path in sorted(folder.glob("[0-9].png"))]
    with distributed.Client(dask.scheduler_address) as client:
        victim = next(iter(client.run(os.getpid).values()))
    outcomes = []
    for job, outcome in cluster.in_cluster(jobs, dask.scheduler_address, task):
        if not outcomes:
            os.kill(victim, signal.SIGKILL)
        outcomes.append((job.name, outcome.error))
    assert sorted(name for name, _ in outcomes) == sorted(job.name for job in jobs)
    assert not any(error for _, error in outcomes) and len(notes_in(tmp_path / "out")) == 4


def test_what_stands_there_and_is_another_piece_is_not_replaced(folder, tmp_path, dask):
    out = tmp_path / "out"
    out.mkdir()
    (out / "0-4.mid").write_bytes(b"mine")
    jobs = [Job("0.png", str(folder / "0.png"), "{picture}-{seed}")]
    ((_, outcome),) = cluster.in_cluster(jobs, dask.scheduler_address, Task({"seconds": 1.0, "seed": 4}, ("mid",), out))
    assert "is there already" in str(outcome.error) and (out / "0-4.mid").read_bytes() == b"mine"


def test_other_versions_and_an_address_where_nobody_is_are_told(klangbild, folder, tmp_path, monkeypatch):
    with pytest.raises(NotAvailableError, match="this worker has numpy"):
        cluster.make(Task({}, ("mid",), tmp_path), Job(None, None, "x"), None, {**versions(), "numpy": "0"})
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    monkeypatch.setattr(cluster, "_RETRY_S", 0.1)
    code, _, err = klangbild("compose", folder, *SHORT, "-o", tmp_path / "out", "--cluster", "tcp://127.0.0.1:9")
    assert code == 4 and "no scheduler answers" in err and "Traceback" not in err
    code, _, err = klangbild("compose", folder, *SHORT, "-o", tmp_path / "o", "--cluster", "tcp://x:1", "--workers", 2)
    assert code == 2 and "--cluster" in err


def test_a_scheduler_that_goes_while_a_job_is_given_out_loses_none(folder, tmp_path, dask, monkeypatch):
    jobs = [Job(str(path), str(path), "{picture}-{seed}") for path in sorted(folder.glob("[0-9].png"))]
    submit, calls = distributed.Client.submit, []

    def gone_once(self, *given, **more):
        calls.append(self)
        if len(calls) == 1:
            raise OSError("the scheduler has gone")
        return submit(self, *given, **more)

    monkeypatch.setattr(distributed.Client, "submit", gone_once)
    told: list[str] = []
    task = Task({"seconds": 1.0, "seed": 4}, ("mid",), tmp_path / "out")
    outcomes = list(cluster.in_cluster(jobs, dask.scheduler_address, task, tell=told.append))
    assert sorted(job.name for job, _ in outcomes) == sorted(job.name for job in jobs)
    assert len(notes_in(tmp_path / "out")) == 4 and len(told) == 1 and "does not answer" in told[0]
