"""Holds an answer against the OpenAPI document: its status is listed for that route, and its body has the listed shape."""

import json
import re
from urllib.parse import unquote

import jsonschema


class Truth:
    """document: the OpenAPI document as it is served."""

    def __init__(self, document: dict) -> None:
        self.document = document
        self._routes = [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path, item)
            for path, item in document["paths"].items()
        ]

    def route(self, path: str) -> tuple[str | None, dict]:
        """(template, methods) of an address."""
        path = unquote(path)  # as the server reads it: %2f is a slash
        return next(((t, item) for pattern, t, item in self._routes if pattern.fullmatch(path)), (None, {}))

    def check(self, method: str, path: str, status: int, headers, body: bytes) -> None:
        """Raises AssertionError: the answer is not what the document says."""
        told = f"{method} {path[:120]} -> {status} {body[:300]!r}"
        template, item = self.route(path)
        known = item.get(method.lower())
        if method == "HEAD":
            assert body == b"", told
            known = item.get("get")
            if status in map(int, (known or {"responses": ()})["responses"]):
                return
        if template is None or known is None:
            # what the document does not list: 404 without the address, 405 (and Allow) without the method
            assert status == (404 if template is None else 405), told
            if status == 405:
                methods = {m.upper() for m in item} | ({"HEAD"} if "get" in item else set())
                assert {m.strip() for m in headers["allow"].split(",")} == methods, told
            assert method == "HEAD" or self.is_a("Error", json.loads(body)), told
            return
        answer = known["responses"].get(str(status))
        assert answer is not None, f"not documented: {told}"
        kind = headers.get("content-type", "").split(";")[0]
        assert kind in answer["content"], told
        if kind == "application/json" and status != 206:
            self.validate(json.loads(body), answer["content"][kind]["schema"], told)

    def validate(self, value, schema: dict, told: str = "") -> None:
        whole = {**schema, "components": self.document["components"]}
        try:
            jsonschema.Draft202012Validator(whole).validate(value)
        except jsonschema.ValidationError as error:
            raise AssertionError(f"{told}\n{error.message} at {list(error.absolute_path)}") from None

    def is_a(self, name: str, value) -> bool:
        self.validate(value, {"$ref": f"#/components/schemas/{name}"}, name)
        return True
