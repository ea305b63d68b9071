"""A strict stand-in for an OpenAI-compatible endpoint on real HTTP.

It takes exactly the request that is documented (method, path, key, body, the schema of the answer) and complains of
anything else, and of any word of `secrets` that it is sent. It answers by `label` (what the text between the marks is
about), or does the wrong thing when told: `endpoint.mode = "garbage"`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from tests.fakes.twilio_http import Reply, Request, TinyServer

MODEL, KEY = "gpt-test-mini", "sk-test-0123456789abcdef"
NAMES = ["fault", "billing", "rfid", "info", "install", "complaint", "other"]
MODES = (
    "ok",
    "slow",
    "500",
    "401",
    "429",
    "garbage",
    "off_schema",
    "extra",
    "huge",
    "echo",
    "drop",
    "half",
    "redirect",
)
_MARKED = re.compile(r"<message ([0-9a-f]{16})>\n(.*)\n</message \1>", re.DOTALL)


class FakeOpenAI:
    """An endpoint with one model and one key. `asked` holds every text that was shown to it, oldest first."""

    def __init__(self, *, model: str = MODEL, key: str = KEY) -> None:
        self.model, self.key = model, key
        self.mode = "ok"
        self.label: Callable[[str], str] = lambda _text: "other"
        self.second: str | None = None
        self.reason = "It says so."
        self.secrets: list[str] = []
        self.asked: list[str] = []
        self.calls = 0
        self.most_at_once = 0
        self.complaints: list[str] = []
        self.hold: asyncio.Event | None = None
        self._now = 0
        self._server = TinyServer(self._answer)

    async def __aenter__(self) -> FakeOpenAI:
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._server.port}/v1"

    @property
    def settings(self) -> dict[str, str]:
        """What an installation sets to ask it."""
        return {
            "SECOND_OPINION_URL": self.url, "SECOND_OPINION_MODEL": self.model, "SECOND_OPINION_KEY": self.key,
            "SECOND_OPINION_TIMEOUT_S": "1",
        }  # fmt: skip

    async def _answer(self, request: Request) -> Reply:
        self.calls += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            if self.hold is not None:
                await self.hold.wait()
            problem = self._problem(request)
            if problem:
                self.complaints.append(problem)
                return Reply(400, json.dumps({"error": {"message": problem}}).encode())
            return await self._reply(self.asked[-1])
        finally:
            self._now -= 1

    def _problem(self, request: Request) -> str:
        """What is wrong with a request; empty where nothing is."""
        if (request.method, request.path, request.query) != ("POST", "/v1/chat/completions", ""):
            return f"asked {request.method} {request.path}?{request.query}"
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return "the key is not mine"
        if request.headers.get("content-type") != "application/json":
            return f"content type {request.headers.get('content-type')}"
        sent = request.body.decode("utf-8")
        if found := [word for word in self.secrets if word.lower() in sent.lower()]:
            return f"personal data left the house: {found}"
        try:
            return self._wrong_body(json.loads(sent))
        except (ValueError, LookupError, TypeError) as error:
            return f"body: {error!r}"

    def _wrong_body(self, body: dict[str, Any]) -> str:
        if set(body) != {"model", "temperature", "messages", "response_format"}:
            return f"fields {sorted(body)}"
        if body["model"] != self.model or body["temperature"] != 0 or isinstance(body["temperature"], bool):
            return "model or temperature"
        if [set(one) for one in body["messages"]] != [{"role", "content"}] * 2:
            return "messages"
        if [one["role"] for one in body["messages"]] != ["system", "user"]:
            return "roles"
        if wrong := _wrong_format(body["response_format"]):
            return wrong
        marked = _MARKED.fullmatch(body["messages"][1]["content"])
        if marked is None:
            return "the message does not stand between its marks"
        self.asked.append(marked[2])
        return ""

    async def _reply(self, text: str) -> Reply:
        good = {"category": self.label(text), "second_category": self.second, "reason": self.reason}
        match self.mode:
            case "slow":
                await asyncio.sleep(30)
            case "500":
                return Reply(500, b'{"error": {"message": "overloaded"}}')
            case "401":
                return Reply(401, b'{"error": {"message": "bad key"}}')
            case "429":
                return Reply(429, b'{"error": {"message": "slow down"}}', headers={"Retry-After": "40"})
            case "garbage":
                return Reply(200, b"<html>gateway</html>", content_type="text/html")
            case "off_schema":
                return _completion({**good, "category": "weather"})
            case "extra":
                return _completion({**good, "urgency": "low"})
            case "huge":
                return _completion({**good, "reason": "x" * 2_000_000})
            case "echo":  # a text that commands: the model does what it says instead of labelling it
                return _completion(text)
            case "drop":
                return Reply(drop=True)
            case "half":
                return Reply(200, _completion(good).body, half=True)
            case "redirect":
                return Reply(307, b"", headers={"Location": f"{self.url}/elsewhere"})
        return _completion(good)


def _wrong_format(given: dict[str, Any]) -> str:
    """The answer's schema, as strict mode wants it."""
    if set(given) != {"type", "json_schema"} or given["type"] != "json_schema":
        return "response_format"
    named = given["json_schema"]
    if set(named) != {"name", "strict", "schema"} or named["strict"] is not True:
        return "json_schema"
    schema = named["schema"]
    if set(schema) != {"type", "additionalProperties", "required", "properties"}:
        return "schema keywords"
    properties = schema["properties"]
    if schema["additionalProperties"] is not False or sorted(schema["required"]) != sorted(properties):
        return "strict mode wants every property, and no other"
    if properties["category"] != {"type": "string", "enum": NAMES}:
        return "category"
    if properties["second_category"] != {"type": ["string", "null"], "enum": [*NAMES, None]}:
        return "second_category"
    return "" if set(properties["reason"]) <= {"type", "description"} else "reason"


def _completion(said: Any) -> Reply:
    content = said if isinstance(said, str) else json.dumps(said)
    body = {
        "id": "chatcmpl-1", "object": "chat.completion", "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip
    return Reply(200, json.dumps(body).encode())
