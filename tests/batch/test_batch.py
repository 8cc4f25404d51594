"""Many pictures: the same bytes by any number of processes, nothing made twice, nothing lost, and going on where it ended."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from klangbild.batch.jobs import plan_jobs
from klangbild.batch.journal import FILE, Journal
from klangbild.batch.workers import Task, in_workers, number_of_workers
from klangbild.errors import InputError, UsageError

SHORT = ("--seconds", 1, "--seed", 4, "-f", "mid,json")


@pytest.fixture
def folder(tmp_path):
    """Five pictures: two called alike, two with the same bytes, one broken."""
    place = tmp_path / "pictures"
    (place / "deeper").mkdir(parents=True)
    for name, colour in (("a.png", "red"), ("b.png", "blue"), ("deeper/a.png", "green")):
        Image.new("RGB", (48, 32), colour).save(place / name)
    (place / "twin.png").write_bytes((place / "b.png").read_bytes())
    (place / "z.png").write_bytes(b"no picture")
    return place


def notes_in(out):
    return {path.name: path.read_bytes() for path in out.rglob("*.mid")}


def test_any_number_of_workers_gives_the_same_files(klangbild, folder, tmp_path):
    seen = {}
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        code, lines, err = klangbild("compose", folder, "-r", *SHORT, "-o", out, "--workers", workers, "--json")
        assert code == 3, err  # one is no picture
        seen[workers] = notes_in(out)
        told = [json.loads(line) for line in lines.splitlines()]
        assert sum("error" in line for line in told) == 1 and len(told) == 4
        assert "twin.png is b.png" in err and "3 of 4 pictures done, 1 failed" in err
    assert seen[1] == seen[2] and set(seen[1]) == {"a-4.mid", "b-4.mid", "a-4-2.mid"}


def test_what_is_done_is_left_out_and_what_failed_is_tried_once_more(klangbild, folder, tmp_path):
    out = tmp_path / "out"
    assert klangbild("compose", folder, *SHORT, "-o", out)[0] == 3
    before = {path: path.stat().st_mtime_ns for path in out.iterdir() if path.name != FILE}
    Image.new("RGB", (48, 32), "yellow").save(folder / "z.png")
    # without a seed: the journal has it
    code, lines, err = klangbild("compose", folder, "--seconds", 1, "-f", "mid,json", "-o", out)
    assert code == 0 and "z-4.mid" in lines and "a-4.mid" not in lines, err
    assert "3 done before are left out" in err and "1 of 1 pictures done" in err
    assert {path: path.stat().st_mtime_ns for path in before} == before
    # a picture that is another now, and a piece that is gone, are made again
    Image.new("RGB", (48, 32), "black").save(folder / "a.png")
    (out / "b-4.mid").unlink()
    code, lines, err = klangbild("compose", folder, "--seconds", 1, "-f", "mid,json", "-o", out)
    assert code == 0 and "b-4.mid" in lines and "a-4-2.mid" in lines, (
        lines,
        err,
    )  # nothing of the other picture is lost


def test_other_settings_are_refused_by_name(klangbild, folder, tmp_path):
    out = tmp_path / "out"
    klangbild("compose", folder, *SHORT, "-o", out)
    code, _, err = klangbild("compose", folder, *SHORT, "-o", out, "--tempo", 90)
    assert code == 2 and "was composed with tempo unset (now 90)" in err and err.count("Error") == 1
    code, _, err = klangbild("compose", folder, "--seconds", 1, "--seed", 5, "-f", "mid,json", "-o", out)
    assert code == 2 and "seed 4 (now 5)" in err
    code, lines, _ = klangbild("compose", folder, "--seconds", 1, "--seed", 5, "-f", "mid", "-o", out, "--no-resume")
    assert code == 3 and "a-5.mid" in lines
    (out / FILE).write_text("not ours\n")
    code, _, err = klangbild("compose", folder, *SHORT, "-o", out)
    assert code == 1 and "is not a journal of this klangbild" in err
    for wrong in ("0", "many", "-3"):
        code, _, err = klangbild("compose", folder, "-o", out, f"--workers={wrong}")
        assert code == 2 and "give a whole number from 1 to 256, or auto" in err


def test_a_torn_line_is_no_line(tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    journal = Journal(tmp_path, {"seed": 1})
    journal.start()
    journal.add(str(picture))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"picture": "b.p')
    again = Journal.read(tmp_path)
    assert again.is_done(str(picture)) and list(again.entries) == [str(picture)]
    again.start()
    again.add(str(tmp_path / "c.png"), error="no")
    third = Journal.read(tmp_path)
    assert set(third.entries) == {str(picture), str(tmp_path / "c.png")}
    odd = os.fsdecode(b"\xff\xfe.png")
    third.add(odd)
    assert odd in Journal.read(tmp_path).entries
    with pytest.raises(UsageError, match=r"seed 1 \(now 2\)"):
        third.refuse_others({"seed": 2})


def test_names_do_not_hang_on_who_is_done_first(folder, tmp_path):
    paths = [str(folder / "a.png"), str(folder / "b.png"), str(folder / "deeper" / "a.png"), str(folder / "twin.png")]
    journal = Journal(tmp_path, {})
    journal.start()
    plan = plan_jobs([(path, path) for path in paths], "{picture}", journal)
    assert [job.filename for job in plan.jobs] == ["{picture}", "{picture}", "{picture}-2"]
    assert plan.same == ((paths[3], paths[1]),)
    journal.add(paths[0])
    later = plan_jobs([(path, path) for path in paths], "{picture}", journal)
    assert [job.filename for job in later.jobs] == ["{picture}", "{picture}-2"] and later.done == 1


def test_how_many_workers():
    assert number_of_workers(8, 3) == 3 and number_of_workers(2, 100) == 2 and number_of_workers("auto", 1) == 1
    assert 1 <= number_of_workers("auto", 1000) <= (os.cpu_count() or 1)


def test_a_worker_that_is_killed_costs_a_second_try(folder, tmp_path):
    """As by a lack of memory: every picture is made exactly once, nothing is lost."""
    from concurrent.futures import process

    paths = [str(folder / name) for name in ("a.png", "b.png", "deeper/a.png")]
    journal = Journal(tmp_path, {})
    jobs = plan_jobs([(path, path) for path in paths], "{picture}-{seed}", journal).jobs
    task = Task({"seconds": 1.0, "seed": 4}, ("mid",), tmp_path / "out")
    outcomes, done = in_workers(jobs, 1, task), []
    pools = []
    start = process.ProcessPoolExecutor.submit

    def watched(self, *arguments):
        if self not in pools:
            pools.append(self)
        return start(self, *arguments)

    process.ProcessPoolExecutor.submit = watched
    try:
        for job, outcome in outcomes:
            assert outcome.error is None
            done.append(job.name)
            if len(done) == 1:
                os.kill(next(iter(pools[0]._processes)), signal.SIGKILL)
    finally:
        process.ProcessPoolExecutor.submit = start
    assert sorted(done) == sorted(paths) and len(pools) == 2


def test_ctrl_c_ends_the_workers_within_two_seconds_and_the_same_command_goes_on(folder, tmp_path):
    for i in range(6):
        Image.new("RGB", (48, 32), (40 * i, 90, 10)).save(folder / f"more{i}.png")
    (folder / "z.png").unlink()
    out = tmp_path / "out"
    command = [sys.executable, "-m", "klangbild", "compose", str(folder), "-r", "--seconds", "20", "--seed", "4", "-f"]
    command += ["mid", "-o", str(out), "--workers", "2"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert run.stdout.readline().strip().endswith(".mid")
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all of them
    asked = time.monotonic()
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130 and time.monotonic() - asked < 2.5, err
    assert "The same command goes on with them" in err and "Traceback" not in err
    made = notes_in(out)
    again = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    assert len(notes_in(out)) == 9 and notes_in(out).items() >= made.items()
    assert not [path for path in out.iterdir() if path.suffix not in (".mid", ".jsonl")]


def test_a_journal_of_an_unreadable_kind_is_told(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        Journal.read(tmp_path)
