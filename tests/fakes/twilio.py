"""A strict stand-in for Twilio's WhatsApp API on real HTTP.

It refuses what Twilio refuses (and parameters that Twilio would quietly pass over), keeps messages for listing,
signs and sends webhooks and status callbacks, and does the wrong thing when told:

    async with FakeTwilio() as twilio:
        twilio.connect("https://bot.example.org", deliver_to="http://127.0.0.1:8080")
        twilio.inject(lost_response())
        await twilio.incoming("charger 100003 shows a red light", from_="+94771234567")
        assert twilio.sent[-1].body == "…"
        assert not twilio.complaints
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import httpx

from bot.channels.whatsapp.settings import WhatsAppSettings
from tests.fakes.twilio_faults import Fault
from tests.fakes.twilio_http import Reply, Request, TinyServer

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "0fae1d2c3b4a59687766554433221100"
NUMBER = "whatsapp:+94110000000"
WINDOW = timedelta(hours=24)

_USER = re.compile(r"whatsapp:(\+[1-9]\d{6,14}|[A-Z]{2}\.[A-Za-z0-9]{1,128})")
_CONTENT_SID = re.compile(r"HX[0-9a-f]{32}")
_KNOWN = frozenset(
    {"To", "From", "Body", "ContentSid", "ContentVariables", "StatusCallback", "ValidityPeriod", "MediaUrl"}
)


@dataclass
class FakeMessage:
    """A message as Twilio keeps it."""

    sid: str
    direction: str
    from_: str
    to: str
    body: str
    made_at: datetime
    status: str = "queued"
    error_code: int | None = None
    form: dict[str, str] = field(default_factory=dict)
    content: dict[str, Any] | None = None
    media: list[tuple[str, str, bytes]] = field(default_factory=list)

    @property
    def outbox_id(self) -> int | None:
        """Our row, from the StatusCallback address."""
        given = parse_qs(urlsplit(self.form.get("StatusCallback", "")).query).get("o")
        return int(given[0]) if given else None

    @property
    def buttons(self) -> dict[str, str]:
        """What can be pressed: title → id."""
        if self.content is None:
            return {}
        [kind] = self.content.values()
        rows = kind.get("actions") or kind.get("items") or []
        return {row.get("title") or row.get("item"): row["id"] for row in rows}


class Bad(Exception):  # noqa: N818
    """What Twilio answers to a request it does not take."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class FakeTwilio:
    """Twilio, as far as this project talks with it.

    `auto` are the statuses reported by callback after each accepted message, in that order (repeat or shuffle them
    to be nasty). `enforce_window`: free text to somebody who has not written within 24 h fails later with 63016.
    `now` gives Twilio's time. `complaints` lists everything that was asked in a wrong way.
    """

    def __init__(
        self, *, account_sid: str = ACCOUNT_SID, auth_token: str = AUTH_TOKEN, number: str = NUMBER,
        api_key: str = "", api_secret: str = "", auto: Sequence[str] = (), enforce_window: bool = True,
        now: Callable[[], datetime] | None = None,
    ) -> None:  # fmt: skip
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.number = number
        self.auto = tuple(auto)
        self.enforce_window = enforce_window
        self.now = now or (lambda: datetime.now(UTC))
        self.messages: list[FakeMessage] = []
        self.contents: dict[str, dict[str, Any]] = {}
        self.templates: dict[str, str] = {}
        self.template_buttons: dict[str, dict[str, str]] = {}
        self.typed: list[str] = []
        self.complaints: list[str] = []
        self.answers: list[int] = []
        self.lost_callbacks: list[tuple[FakeMessage, str, int | None]] = []
        self.media_redirect: str | None = None
        self._passwords = {(account_sid, auth_token)} | ({(api_key, api_secret)} if api_key else set())
        self._faults: list[Fault] = []
        self._opened: dict[str, datetime] = {}
        self._public_url = self._deliver_to = ""
        self._api = TinyServer(self._answer)
        self._cdn = TinyServer(self._answer_cdn)
        self._http: httpx.AsyncClient | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._arrived = asyncio.Event()

    # Life ------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> FakeTwilio:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin to listen."""
        await self._api.start()
        await self._cdn.start()

    async def stop(self) -> None:
        """Cut every line; callbacks that are on their way are dropped."""
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()
        await self._api.close()
        await self._cdn.close()

    async def go_away(self) -> None:
        """Refuse connections from now on, until `come_back`."""
        await self._api.close()

    async def come_back(self) -> None:
        """Listen again, where it was."""
        port = self._api.port
        self._api = TinyServer(self._answer)
        await self._api.start(port)

    @property
    def api_url(self) -> str:
        """For TWILIO_API_URL."""
        return f"http://127.0.0.1:{self._api.port}"

    def settings(self, public_url: str, **changes: Any) -> WhatsAppSettings:
        """What our product needs to know to work with this Twilio."""
        given = WhatsAppSettings(
            self.account_sid, self.auth_token, self.number, public_url, api_url=self.api_url
        )  # fmt: skip
        return replace(given, **changes)

    def connect(
        self, public_url: str, *, deliver_to: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Where our product is: the address that is signed, and where it is really reached (or its ASGI app)."""
        self._public_url = public_url.rstrip("/")
        self._deliver_to = (deliver_to or public_url).rstrip("/")
        self._http = httpx.AsyncClient(transport=transport, trust_env=False, timeout=15)

    # What a test asks ------------------------------------------------------------------------------------------

    @property
    def sent(self) -> list[FakeMessage]:
        """Every message that Twilio took from us, in order."""
        return [message for message in self.messages if message.direction == "outbound-api"]

    def to(self, user: str) -> list[FakeMessage]:
        """What was sent to one person (`+94…`)."""
        return [message for message in self.sent if message.to == _whatsapp(user)]

    def inject(self, fault: Fault, times: int = 1) -> None:
        """The next POSTs go wrong in this way, one fault each."""
        self._faults += [fault] * times

    def approve(self, body: str) -> str:
        """An approved template with {{1}} in it; gives its ContentSid."""
        sid = "HX" + secrets.token_hex(16)
        self.templates[sid] = body
        return sid

    def open_window(self, user: str) -> None:
        """As if that person had written just now."""
        self._opened[_whatsapp(user)] = self.now()

    def sign(self, url: str, form: dict[str, str] | Sequence[tuple[str, str]], token: str | None = None) -> str:
        """X-Twilio-Signature over an address and a form."""
        pairs = sorted(form.items() if isinstance(form, dict) else form)
        text = url + "".join(name + value for name, value in pairs)
        digest = hmac.new((token or self.auth_token).encode(), text.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()

    async def settle(self) -> None:
        """Until every callback that is on its way has arrived."""
        while self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    async def wait_for(self, count: int, seconds: float = 10.0) -> list[FakeMessage]:
        """Until so many messages were taken; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while len(self.sent) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.sent

    # Webhooks --------------------------------------------------------------------------------------------------

    def written(
        self, text: str = "", *, from_: str, media: Sequence[tuple[bytes, str]] = (), **fields: str
    ) -> FakeMessage:
        """Somebody writes; nobody is told yet. `fields` are added to the webhook's form."""
        sid = ("MM" if media else "SM") + secrets.token_hex(16)
        user = _whatsapp(from_)
        message = FakeMessage(sid, "inbound", user, self.number, text, self.now(), "received")
        message.media = [("ME" + secrets.token_hex(16), kind, content) for content, kind in media]
        name = user.removeprefix("whatsapp:")
        message.form = {
            "SmsMessageSid": sid, "NumMedia": str(len(media)), "ProfileName": "Amal", "MessageType": "text",
            "SmsSid": sid, "WaId": name.lstrip("+"), "SmsStatus": "received", "Body": text, "To": self.number,
            "NumSegments": "1", "ReferralNumMedia": "0", "MessageSid": sid, "AccountSid": self.account_sid,
            "From": user, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        for n, (media_sid, kind, _) in enumerate(message.media):
            message.form[f"MediaUrl{n}"] = f"{self.api_url}{self._path}/Messages/{sid}/Media/{media_sid}"
            message.form[f"MediaContentType{n}"] = kind
        message.form |= fields
        self.messages.append(message)
        self._opened[user] = self.now()
        return message

    async def incoming(
        self, text: str = "", *, from_: str, media: Sequence[tuple[bytes, str]] = (), **fields: str
    ) -> httpx.Response:
        """Somebody writes, and our webhook is called."""
        return await self.deliver(self.written(text, from_=from_, media=media, **fields))

    async def press(self, message: FakeMessage, label: str) -> httpx.Response:
        """The person presses a button, or chooses a row, of a message of ours."""
        assert message.content is not None
        choice = message.buttons[label]
        if "twilio/list-picker" in message.content:
            fields = {"MessageType": "interactive", "ListId": choice, "ListTitle": label}
        else:
            fields = {"MessageType": "button", "ButtonText": label, "ButtonPayload": choice}
        fields["OriginalRepliedMessageSid"] = message.sid
        return await self.deliver(self.written(label, from_=message.to, media=(), **fields))

    async def deliver(self, message: FakeMessage) -> httpx.Response:
        """Call our webhook for a message, perhaps again."""
        return await self.call(f"{self._public_url}/webhooks/twilio/whatsapp", message.form)

    async def callback(
        self, message: FakeMessage, status: str, error_code: int | None = None, *, order: str = "MessageSid"
    ) -> httpx.Response:
        """Report a status of a message that we sent, at the address that we gave."""
        message.status, message.error_code = status, error_code
        form = {
            order: message.sid, "SmsSid": message.sid, "SmsStatus": status, "MessageStatus": status,
            "To": message.to, "From": message.from_, "AccountSid": self.account_sid, "ApiVersion": "2010-04-01",
            "ChannelPrefix": "whatsapp", "ChannelInstallSid": "XE" + "0" * 32,
        }  # fmt: skip
        if error_code is not None:
            form |= {"ErrorCode": str(error_code), "ChannelStatusMessage": "not delivered"}
        return await self.call(message.form["StatusCallback"], form)

    async def call(self, url: str, form: dict[str, str], *, signature: str | None = None) -> httpx.Response:
        """POST a signed form. The fragment of an address is neither signed nor sent."""
        assert self._http is not None, "connect() first"
        url = url.partition("#")[0]
        headers = {
            "X-Twilio-Signature": signature if signature is not None else self.sign(url, form),
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
        }
        target = self._deliver_to + url.removeprefix(self._public_url)
        return await self._http.post(target, content=urlencode(form).encode(), headers=headers)

    # The API ---------------------------------------------------------------------------------------------------

    @property
    def _path(self) -> str:
        return f"/2010-04-01/Accounts/{self.account_sid}"

    async def _answer(self, request: Request) -> Reply:
        try:
            self._check_password(request)
            reply = await self._route(request)
        except Bad as bad:
            self.complaints.append(f"{request.method} {request.path}: {bad.code} {bad}")
            reply = _error(bad.status, bad.code, str(bad))
        self.answers.append(0 if reply.drop else reply.status)
        return reply

    async def _route(self, request: Request) -> Reply:
        match request.method, request.path.removeprefix(self._path):
            case "POST", "/Messages.json":
                return await self._post_message(request)
            case "GET", "/Messages.json":
                return self._list(request)
            case "POST", "/v2/Indicators/Typing.json":
                return self._types(request)
            case "POST", "/v1/Content":
                return self._make_content(request)
            case "GET", path if match := re.fullmatch(r"/Messages/(\w+)/Media\.json", path):
                return self._list_media(match[1])
            case "GET", path if match := re.fullmatch(r"/Messages/(\w+)/Media/(\w+)", path):
                return self._media(match[1], match[2])
        raise Bad(404, 20404, f"The requested resource {request.path} was not found")

    def _check_password(self, request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        user, _, password = base64.b64decode(given or "").decode().partition(":")
        if kind != "Basic" or (user, password) not in self._passwords:
            raise Bad(401, 20003, "Authenticate")

    def _take_fault(self, at: str) -> Fault | None:
        for n, fault in enumerate(self._faults):
            if fault.at == at:
                return self._faults.pop(n)
        return None

    async def _post_message(self, request: Request) -> Reply:
        form = _form(request)
        fault = self._take_fault("Messages.json")
        self._check_form(form)
        if fault is not None and not fault.accept:
            return await self._misbehave(fault, None)
        media = await self._fetch(form.get("MediaUrl"))
        message = self._take(form)
        message.media = media
        statuses: list[tuple[str, int | None]] = [(status, None) for status in self.auto]
        if fault is not None and fault.fails_with is not None:
            statuses = [("undelivered", fault.fails_with)]
        elif self._outside_window(message):
            statuses = [("undelivered", 63016)]
        if fault is not None and fault.callbacks_first:
            await self._report(message, statuses)
        else:
            self._later(message, statuses)
        return self._taken(message) if fault is None else await self._misbehave(fault, message)

    async def _misbehave(self, fault: Fault, message: FakeMessage | None) -> Reply:
        if fault.hang_s:
            await asyncio.sleep(fault.hang_s)
        if fault.status is not None:
            html = Reply(fault.status, b"<html>Bad Gateway</html>", "text/html", fault.headers)
            return (
                replace(_error(fault.status, fault.code or 0, "injected"), headers=fault.headers)
                if fault.json
                else html
            )
        reply = self._taken(message) if message is not None else Reply()
        return replace(reply, drop=fault.drop, half=fault.half)

    def _take(self, form: dict[str, str]) -> FakeMessage:
        content, body = None, form.get("Body", "")
        if sid := form.get("ContentSid"):
            variables = json.loads(form.get("ContentVariables", "{}"))
            if sid in self.templates:
                body = _fill(self.templates[sid], variables)
                if sid in self.template_buttons:
                    content = {"twilio/quick-reply": {"body": body, "actions": self._buttons_of(sid, variables)}}
                    self._check_content(content)
            else:
                content = _fill(self.contents[sid]["types"], variables)
                self._check_content(content)
                body = next(iter(content.values()))["body"]
        message = FakeMessage(
            "SM" + secrets.token_hex(16), "outbound-api", form["From"], form["To"], body, self.now(), form=form,
            content=content,
        )  # fmt: skip
        self.messages.append(message)
        self._arrived.set()
        return message

    def _buttons_of(self, sid: str, variables: dict[str, str]) -> list[dict[str, str]]:
        """The quick replies of an approved template: its own titles, ids that may be variables."""
        return [{"title": title, "id": _fill(key, variables)} for title, key in self.template_buttons[sid].items()]

    async def _fetch(self, url: str | None) -> list[tuple[str, str, bytes]]:
        """Get the file that a message names, as Twilio does before it hands it on."""
        if url is None:
            return []
        if self._http is None or not url.startswith(self._public_url + "/"):
            raise Bad(400, 21620, f"Invalid media URL: {url}")
        answer = await self._http.get(self._deliver_to + url.removeprefix(self._public_url))
        if answer.status_code != 200:
            raise Bad(400, 63019, f"Media failed to download: {answer.status_code}")
        return [(url, answer.headers["content-type"], answer.content)]

    def _outside_window(self, message: FakeMessage) -> bool:
        if not self.enforce_window or message.form.get("ContentSid") in self.templates:
            return False
        opened = self._opened.get(message.to)
        return opened is None or self.now() - opened > WINDOW

    def _later(self, message: FakeMessage, statuses: list[tuple[str, int | None]]) -> None:
        if statuses and self._http is not None:
            task = asyncio.create_task(self._report(message, statuses))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _report(self, message: FakeMessage, statuses: list[tuple[str, int | None]]) -> None:
        for status, code in statuses:
            try:
                await self.callback(message, status, code)
            except httpx.TransportError:  # nobody is there, and Twilio does not try for ever
                self.lost_callbacks.append((message, status, code))

    # Strictness ------------------------------------------------------------------------------------------------

    def _check_form(self, form: dict[str, str]) -> None:
        if unknown := set(form) - _KNOWN:
            raise Bad(400, 20001, f"unknown parameters {sorted(unknown)}")
        if not _USER.fullmatch(form.get("To", "")):
            raise Bad(400, 21211, f"Invalid 'To' Phone Number: {form.get('To')}")
        if form.get("From") != self.number:
            raise Bad(400, 63007, f"no WhatsApp sender {form.get('From')}")
        if ("Body" in form) == ("ContentSid" in form) and "MediaUrl" not in form:
            raise Bad(400, 21619, "either a body or a ContentSid is required")
        if "Body" in form and not form["Body"].strip():
            raise Bad(400, 21602, "Message body is required")
        if _units(form.get("Body", "")) > 1600:
            raise Bad(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        self._check_content_fields(form)
        self._check_callback(form.get("StatusCallback", ""))
        validity = form.get("ValidityPeriod", "1")
        if not validity.isdecimal() or not 1 <= int(validity) <= 36_000:
            raise Bad(400, 21621, "ValidityPeriod must be 1 to 36000")

    def _check_content_fields(self, form: dict[str, str]) -> None:
        sid = form.get("ContentSid")
        if sid is None:
            return
        if not _CONTENT_SID.fullmatch(sid) or (sid not in self.contents and sid not in self.templates):
            raise Bad(400, 21655, f"The ContentSid {sid} is invalid")
        try:
            variables = json.loads(form.get("ContentVariables", "{}"))
        except ValueError:
            raise Bad(400, 21656, "The ContentVariables parameter is invalid") from None
        if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
            raise Bad(400, 21656, "The ContentVariables parameter is invalid")
        if sid in self.templates:
            if any(re.search(r"[\n\t]| {4}", value) for value in variables.values()):
                raise Bad(400, 63028, "a template variable has a line break, a tab or four spaces")
            if _units(_fill(self.templates[sid], variables)) > 1024:
                raise Bad(400, 63021, "the template is too long")

    @staticmethod
    def _check_content(content: dict[str, Any]) -> None:
        [(kind, what)] = content.items()
        rows = what.get("actions") or what.get("items")
        title, limit, most = ("title", 20, 3) if kind == "twilio/quick-reply" else ("item", 24, 10)
        wrong = (
            _units(what["body"]) > 1024 or not 1 <= len(rows) <= most or len({row["id"] for row in rows}) != len(rows)
            or any(not row[title] or _units(row[title]) > limit or not 0 < len(row["id"]) <= 200 for row in rows)
            or (kind == "twilio/list-picker" and not 0 < _units(what["button"]) <= 20)
        )  # fmt: skip
        if wrong:
            raise Bad(400, 63021, f"{kind} does not fit WhatsApp: {what}")

    def _check_callback(self, url: str) -> None:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname)
        if not whole or parts.path.endswith("//") or not re.fullmatch(r"(o=\d+)?", parts.query):
            raise Bad(400, 21609, f"Invalid 'StatusCallback' URL: {url}")
        if self._public_url and not url.startswith(self._public_url + "/"):
            raise Bad(400, 21609, f"StatusCallback leads elsewhere: {url}")

    # Lists, contents, media ------------------------------------------------------------------------------------

    def _list(self, request: Request) -> Reply:
        query = dict(parse_qsl(request.query))
        if unknown := set(query) - {"To", "From", "DateSent>", "DateSent<", "PageSize", "Page"}:
            raise Bad(400, 20001, f"unknown parameters {sorted(unknown)}")
        since = query.get("DateSent>", "")
        if since and not re.fullmatch(r"\d{4}-\d\d-\d\d", since):
            raise Bad(400, 20001, "DateSent must be YYYY-MM-DD")
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        found = [
            message
            for message in reversed(self.messages)
            if query.get("To", message.to) == message.to
            and query.get("From", message.from_) == message.from_
            and message.made_at.astimezone(UTC).date().isoformat() >= since
        ]
        shown = found[page * size : (page + 1) * size]
        more = len(found) > (page + 1) * size
        following = f"{self._path}/Messages.json?{urlencode(query | {'Page': str(page + 1)})}" if more else None
        return _json(200, {"messages": [self._resource(each) for each in shown], "page": page, "page_size": size,
                           "next_page_uri": following})  # fmt: skip

    def _resource(self, message: FakeMessage) -> dict[str, Any]:
        at = format_datetime(message.made_at.astimezone(UTC))
        base = f"{self._path}/Messages/{message.sid}"
        return {
            "sid": message.sid, "account_sid": self.account_sid, "api_version": "2010-04-01", "body": message.body,
            "date_created": at, "date_sent": at, "date_updated": at, "direction": message.direction,
            "error_code": message.error_code, "error_message": None, "from": message.from_, "to": message.to,
            "messaging_service_sid": None, "num_media": str(len(message.media)), "num_segments": "1", "price": None,
            "price_unit": None, "status": message.status, "uri": f"{base}.json",
            "subresource_uris": {"media": f"{base}/Media.json"},
        }  # fmt: skip

    def _taken(self, message: FakeMessage) -> Reply:
        return _json(201, self._resource(message) | {"status": "queued", "error_code": None, "date_sent": None})

    def _make_content(self, request: Request) -> Reply:
        if (fault := self._take_fault("Content")) is not None:
            return _error(fault.status or 500, fault.code or 20500, "injected")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise Bad(415, 20001, "Content is made of JSON")
        given = json.loads(request.body)
        if set(given) != {"friendly_name", "language", "variables", "types"} or not given["friendly_name"]:
            raise Bad(400, 20001, f"wrong fields {sorted(given)}")
        [kind] = given["types"]
        if kind not in ("twilio/quick-reply", "twilio/list-picker"):
            raise Bad(400, 20001, f"unknown type {kind}")
        used = set(re.findall(r"\{\{(\d+)\}\}", json.dumps(given["types"])))
        if used != set(given["variables"]):
            raise Bad(400, 20001, "every variable needs a sample, and the other way round")
        sid = "HX" + secrets.token_hex(16)
        self.contents[sid] = given
        return _json(201, given | {"sid": sid, "account_sid": self.account_sid})

    def _types(self, request: Request) -> Reply:
        form = _form(request)
        if set(form) != {"channel", "messageId"} or form["channel"] != "whatsapp":
            raise Bad(400, 20001, f"wrong fields {sorted(form)}")
        if not any(each.sid == form["messageId"] and each.direction == "inbound" for each in self.messages):
            raise Bad(404, 20404, "no such message")
        self.typed.append(form["messageId"])
        return _json(200, {"success": True})

    def _list_media(self, sid: str) -> Reply:
        [message] = [each for each in self.messages if each.sid == sid]
        items = [{"sid": media_sid, "parent_sid": sid, "content_type": kind} for media_sid, kind, _ in message.media]
        return _json(200, {"media_list": items})

    def _media(self, sid: str, media_sid: str) -> Reply:
        known = [m for each in self.messages if each.sid == sid for m in each.media if m[0] == media_sid]
        if not known:
            raise Bad(404, 20404, "no such media")
        location = self.media_redirect or f"http://127.0.0.1:{self._cdn.port}/{sid}/{quote(media_sid)}"
        return Reply(307, b"", headers={"Location": location})

    async def _answer_cdn(self, request: Request) -> Reply:
        if "authorization" in request.headers:
            self.complaints.append("the password was sent to the CDN")
        for message in self.messages:
            for media_sid, kind, content in message.media:
                if request.path == f"/{message.sid}/{media_sid}":
                    return Reply(200, content, kind)
        return Reply(404, b"gone", "text/plain")


def _whatsapp(user: str) -> str:
    return user if user.startswith("whatsapp:") else f"whatsapp:{user}"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise Bad(415, 20001, "messages are posted as a form")
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    if len(dict(pairs)) != len(pairs):
        raise Bad(400, 20001, "a parameter is given twice")
    return dict(pairs)


def _fill(what: Any, variables: dict[str, str]) -> Any:
    """Put values in the place of {{n}} throughout."""
    if isinstance(what, str):
        return re.sub(r"\{\{(\d+)\}\}", lambda found: variables.get(found[1], found[0]), what)
    if isinstance(what, dict):
        return {key: _fill(value, variables) for key, value in what.items()}
    return [_fill(value, variables) for value in what]


def _json(status: int, body: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(body).encode())


def _error(status: int, code: int, message: str) -> Reply:
    return _json(
        status,
        {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        },
    )
