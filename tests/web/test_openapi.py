"""The OpenAPI document says what is so: every address, every answer in its shape, every type, and how people read it."""

import json
import re

import httpx
import pytest
from running import Server, awaited
from test_doors import finished, raw
from truth import Truth

from klangbild.errors import UsageError
from klangbild.settings import Settings
from klangbild.web.form_fields import form_fields, json_type, plain_sentence, read_settings


@pytest.fixture(scope="module")
def rest(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def truth(rest):
    return Truth(rest.get("/v1/openapi.json").json())


def asked(truth, rest, method, path, **about):
    """An answer that the document agrees with."""
    answer = rest.request(method, path, **about)
    truth.check(method, path.split("?")[0], answer.status_code, answer.headers, answer.content)
    return answer


def test_every_route_is_in_the_document_and_every_shape_stands_by_itself(server, truth):
    import jsonschema

    routes = {(path, method.lower()) for path, item in truth.document["paths"].items() for method in item}
    found = re.findall(r'@(?:api\.)?(get|post|delete|put|patch)\(\s*"(/[^"]*)"', __import__("inspect").getsource(api()))
    assert {(f"/v1{path}", method) for method, path in found} == routes
    for name, schema in truth.document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schema)):
            assert reference in truth.document["components"]["schemas"], (name, reference)
    for item in truth.document["paths"].values():
        for about in item.values():
            assert about["description"] and {"401", "403"} <= set(about["responses"])


def api():
    from klangbild.web import api

    return api


def test_every_answer_of_a_run_has_the_shape_it_is_said_to_have(truth, rest, paintings):
    seen = asked(truth, rest, "POST", "/v1/emotion", files={"picture": ("dusk.png", paintings[0].read_bytes())}).json()
    asked(truth, rest, "GET", "/v1/emotion", params={"text": "stormy", "picture": seen["picture"]["id"]})
    assert asked(truth, rest, "GET", "/v1/emotion").status_code == 422
    wish = {"picture_id": seen["picture"]["id"], "seconds": 2, "seed": 1, "alt": "dusk", "tempo": None}
    run = asked(truth, rest, "POST", "/v1/compose", json=wish).json()
    state = finished(rest, run)
    assert asked(truth, rest, "GET", run["links"]["self"]).json()["status"] == "done"
    asked(truth, rest, "GET", run["links"]["roll"])
    asked(truth, rest, "GET", run["links"]["events"])
    asked(truth, rest, "GET", state["picture"])
    asked(truth, rest, "GET", f"/v1/pictures/{state['picture_id']}")
    for kind, status in (
        ("bytes=0-3", 206),
        ("bytes=99999999-", 416),
        ("bytes=3-1", 200),
        ("lines=1", 200),
        ("bytes=0-1,3-4", 200),
    ):
        answer = asked(truth, rest, "GET", state["files"]["mid"], headers={"range": kind})
        assert answer.status_code == status and (status == 416 or answer.content[:4] == b"MThd")
    for kind in ("mid", "json", "png", "mp3"):
        asked(truth, rest, "GET", state["files"][kind])
    saved = asked(truth, rest, "POST", "/v1/settings", json=state["record"]).json()
    assert saved["seconds"] == 2 and saved["seed"] == 1
    for path in ("/v1/models", "/v1/settings", "/v1/health", "/v1/openapi.json", "/v1/docs"):
        assert asked(truth, rest, "GET", path).status_code == 200
    assert asked(truth, rest, "DELETE", run["links"]["self"] + "?keep=maybe").json()["field"] == "keep"
    assert asked(truth, rest, "DELETE", run["links"]["self"]).status_code == 200
    assert asked(truth, rest, "DELETE", run["links"]["self"]).status_code == 404


def test_every_get_answers_head_with_the_same_headers(truth, rest, paintings):
    seen = rest.post("/v1/emotion", files={"picture": ("dusk.png", paintings[0].read_bytes())}).json()
    state = finished(
        rest, rest.post("/v1/compose", json={"picture_id": seen["picture"]["id"], "seconds": 1, "seed": 1}).json()
    )
    fill = {"/v1/pictures/{key}": f"/v1/pictures/{seen['picture']['id']}", "/v1/emotion": "/v1/emotion?text=calm"}
    lane = rest.get(state["links"]["roll"]).json()["lanes"][0]["family"]
    fill["/v1/runs/{key}/lanes/{name}"] = "/v1/runs/{key}/lanes/" + f"{lane}.flac"
    for template, item in truth.document["paths"].items():
        if "get" not in item:
            continue
        path = fill.get(template, template).replace("{key}", state["id"]).replace("{name}", "dusk-1.mid")
        got, head = rest.get(path), rest.head(path)
        assert (head.status_code, head.content) == (200, b""), path
        for name in ("content-type", "content-length", "etag", "cache-control"):
            if name != "content-length" or "events" not in path:
                assert head.headers.get(name) == got.headers.get(name), (path, name)
    for path in ("/", "/static/page.js", "/examples/index.json", "/favicon.ico"):
        assert rest.head(path).status_code == rest.get(path).status_code < 300


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/compose", "POST"), ("PUT", "/v1/emotion", "GET, HEAD, POST"), ("POST", "/v1/runs/x", "GET, HEAD, DELETE"),
        ("DELETE", "/v1/health", "GET, HEAD"), ("OPTIONS", "/v1/settings", "GET, HEAD, POST"), ("POST", "/", "GET, HEAD"), ("POST", "/static/page.js", "GET, HEAD"),
    ],
)  # fmt: skip
def test_a_wrong_method_is_told_the_right_ones(truth, rest, method, path, allow):
    answer = rest.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert truth.is_a("Error", answer.json())


WRONG = {
    "number": ["abc", True, [5], {"a": 1}, "", "5", []],
    "integer": ["abc", True, [5], {"a": 1}, "", "5", 1.5, []],
    "boolean": ["true", 1, 0, [True], {"a": 1}, "", "maybe", []],
    "string": [5, True, [5], ["a"], {"a": 1}, 1.5, []],
    "array": [5, True, [5], {"a": 1}, [["piano"]], [None], 1.5],
}


def test_a_value_of_another_type_is_refused_for_every_setting(truth, rest):
    for number, field in enumerate(form_fields()):
        wrong = [value for value in WRONG[json_type(field)] if (field.name, value) != ("loudness", "")]
        if field.kind == "file":
            wrong.remove([])
        for value in wrong:
            with pytest.raises(UsageError) as told:
                Settings(**read_settings({field.name: value}, typed=True))
            assert plain_sentence(told.value)[1] == field.name, (field.name, value)
        value = wrong[number % len(wrong)]
        answer = asked(truth, rest, "POST", "/v1/compose", json={"text": "calm", field.name: value})
        assert (answer.status_code, answer.json()["field"]) == (422, field.name), (value, answer.text)
    for name in ("alt", "picture_id", "picture_url"):
        for value in (5, True, ["a"], {"a": 1}):
            assert asked(truth, rest, "POST", "/v1/compose", json={"text": "calm", name: value}).status_code == 422
    # text of a form must read as the type
    for name, value in (
        ("commercial", "maybe"),
        ("seconds", "1_0"),
        ("seconds", "nan"),
        ("bars", "1.5"),
        ("seed", "٣"),
    ):
        answer = asked(truth, rest, "POST", "/v1/compose", data={"text": "calm", name: value})
        assert answer.status_code == 422 and answer.json()["field"] == name, answer.text


@pytest.mark.parametrize(
    "body",
    [
        b'{"instruments": 5, "text": "calm"}', rb'{"text": "\ud800"}', b'["x"]', b"[" * 200_000, b'{"a":' * 100_000, b'{"text": "calm", "seconds": NaN}',
        b'{"text": "calm", "seconds": -Infinity}', b'{"text": "calm", "seconds": 1e999}', b'{"text": "calm", "seed": 1' + b"0" * 400 + b"}",
        b'{"text": "calm", "seed": ' + b"9" * 5000 + b"}", b'{"text": "calm", "text": "stormy"}', rb'{"text": "calm\u0000"}', rb'{"\ud800": 1}', b"", b"\xff",
    ],
)  # fmt: skip
def test_broken_json_is_refused_in_the_documented_shape(truth, rest, body):
    for path in ("/v1/compose", "/v1/emotion", "/v1/settings"):
        answer = asked(truth, rest, "POST", path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422 or path == "/v1/settings", answer.text


def test_broken_forms_are_refused_in_the_documented_shape(truth, rest, paintings):
    picture = paintings[0].read_bytes()
    part = b'--x\r\ncontent-disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    for kind, body in (
        ("multipart/form-data", b"--x"), ("multipart/form-data; boundary=x", b"--y\r\n"), ("multipart/form-data; boundary=x", part % (b"text", b"", b"calm")),
        ("multipart/form-data; boundary=x", part % (b"seed", b"", b"1") * 2 + b"--x--\r\n"), ("multipart/form-data; boundary=x", part % (b"text", b"", b"\x00\xff") + b"--x--\r\n"),
        ("multipart/form-data; boundary=x", part % (b"picture", b'; filename="a.png"', picture) * 2 + b"--x--\r\n"), ("multipart/form-data; boundary=x", part % (b"text", b"", b"a") * 200),
        ("application/x-www-form-urlencoded", b"seed=1&seed=2&text=calm"), ("application/x-www-form-urlencoded", b"text=%ff"), ("application/x-www-form-urlencoded", b"a=1&" * 200),
        ("text/plain", b"calm"), ("image/png", picture), ("", b"text=calm"),
    ):  # fmt: skip
        answer = asked(truth, rest, "POST", "/v1/compose", content=body, headers={"content-type": kind})
        assert answer.status_code == 422, (kind, body[:80], answer.text)
    answer = asked(truth, rest, "POST", "/v1/compose", data={"text": "x" * 2_000_000})
    assert answer.status_code == 413
    answer = asked(
        truth, rest, "POST", "/v1/settings", content=b" " * 2_000_000, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    # several boxes of one name add up
    answer = asked(truth, rest, "POST", "/v1/compose", data={"text": "calm", "instruments": ["piano", "pinao"]})
    assert "did you mean 'piano'" in answer.json()["error"]


def test_more_than_it_said_or_did_not_say_is_too_much(truth, rest, monkeypatch):
    """Without Content-Length the bytes themselves are counted."""
    monkeypatch.setattr("klangbild.web.middleware.MAX_BODY_BYTES", 500_000)

    def parts():
        yield b'--x\r\ncontent-disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
        for _ in range(10):
            yield b"x" * 100_000

    answer = asked(
        truth, rest, "POST", "/v1/compose", content=parts(), headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 413 and "100 MB" in answer.json()["error"]


def test_a_length_that_is_no_number_reaches_nobody(rest):
    for length in ("-1", "abc", "1e3", "0x10"):
        status, _ = raw(rest, "/v1/compose", "POST", {"content-type": "application/json", "content-length": length})
        assert status == 400, length
    assert rest.get("/v1/health").status_code == 200


def test_every_kind_of_refusal_has_its_status_and_names_no_folder(truth):

    from klangbild import errors
    from klangbild.web.answers import NotThere, refusals
    from klangbild.web.bodies import TooMuch
    from klangbild.web.queue import Full, Unmade

    answer = refusals(lambda path: ["GET"])
    path = "/home/anna maria/secret models/x.onnx"
    for error, status in (
        (errors.NotAvailableError(f"{path}: is missing; see https://a.example/b/c"), 409),
        (errors.InputError("/tmp/klangbild-ab/pictures/AAAAAAAAAAAAAAAAAAAAAA/picture/my lake.png: is text"), 422),
        (errors.UsageError("--tempo 9 is out of range; see GET /v1/settings"), 422),
        (errors.OutputError("/var/tmp/x/y.wav: the disk is full"), 503),
        (NotThere("there is no such run"), 404), (TooMuch(), 413), (Full("60 others are in line already"), 503),
        (Unmade("this file could not be made"), 503), (RuntimeError("/etc/x broke"), 500),
    ):  # fmt: skip
        made = awaited(answer(None, error))
        assert made.status_code == status
        said = json.loads(made.body)
        assert truth.is_a("Error", said)
        assert not re.search(r"/(home|tmp|var|etc)\b|picture/|AAAA|secret models/", said["error"]), said
        if status == 503:
            assert made.headers["retry-after"]
    said = json.loads(awaited(answer(None, errors.InputError("/a/b/my.png: is text"))).body)
    assert said == {"error": "my.png: is text", "field": "picture"}


def test_the_password_and_the_full_line_have_the_documented_shape(paintings):
    small = Server(auth=("anna", "secret"), max_waiting=0, warm=False)
    try:
        with httpx.Client(base_url=small.url, auth=("anna", "secret"), timeout=60) as rest:
            truth = Truth(rest.get("/v1/openapi.json").json())
            for path in ("/v1/health", "/v1/openapi.json", "/v1/docs"):
                answer = asked(truth, rest, "GET", path, auth=("anna", "wrong"))
                assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Basic ")
            answer = asked(truth, rest, "POST", "/v1/compose", json={"text": "calm"})
            assert answer.status_code == 503 and answer.headers["retry-after"]
            answer = asked(
                truth, rest, "POST", "/v1/compose", json={"text": "calm"}, headers={"origin": "http://a.example"}
            )
            assert answer.status_code == 403
    finally:
        small.close()


def test_people_can_read_it_without_scripts_or_anything_from_elsewhere(truth, rest):
    page = rest.get("/v1/docs")
    assert page.headers["content-type"].startswith("text/html")
    text = page.text
    assert "<script" not in text and " style=" not in text and "http://" not in text and "https://" not in text
    for address in re.findall(r'(?:href|src)="([^"#]+)"', text):
        assert rest.get(address).status_code == 200, address
    for template, item in truth.document["paths"].items():
        assert template in text
        for about in item.values():
            assert set(about["responses"]) <= set(re.findall(r"<td>(\d{3})</td>", text))
    for field in form_fields():
        assert f"<code>{field.name}</code>" in text, field.name
    # a visitor gives names, never a folder of the server
    assert "or a folder" not in text + rest.get("/v1/settings").text + rest.get("/").text
    assert 'href="/v1/docs"' in rest.get("/").text
