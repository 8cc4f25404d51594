"""The API says of a slip what the command line says: what to write, and who plays an instrument that was named."""

import time

import httpx
import pytest


@pytest.fixture(scope="module")
def rest(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("seconds", "1:30", "'1:30' is not a number; write 90"),
        ("tempo", "120bpm", "write 120"),
        ("top_k", "1,000", "'1,000' is not a whole number; write 1000"),
        ("instruments", "violim", "did you mean 'violin'?"),
        ("without", "gunshot", "is a sound effect"),
    ],
)
def test_a_slip_in_a_form_is_told_what_to_write(rest, field, value, says):
    answer = rest.post("/v1/compose", files={"text": (None, "calm"), field: (None, value)})
    assert answer.status_code == 422
    assert says in answer.json()["error"] and answer.json()["field"] == field


def test_an_instrument_is_played_by_its_family_and_told(rest):
    form = {"text": (None, "calm"), "seconds": (None, "2"), "seed": (None, "1"), "instruments": (None, "violin, Piano")}
    run = rest.post("/v1/compose", files=form).json()
    deadline = time.monotonic() + 60
    while (run := rest.get(run["links"]["self"]).json())["status"] in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert run["status"] == "done", run
    assert run["record"]["settings"]["instruments"] == ["strings", "piano"]
    assert "violin: played by strings" in run["record"]["told"]
