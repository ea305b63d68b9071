"""A strict stand-in for Telegram's Bot API on real HTTP: python-telegram-bot and aiogram run against it unmodified.

It refuses what Telegram refuses (and parameters that Telegram would quietly pass over), keeps chats as people see
them, hands out updates by long polling or webhook, and does the wrong thing when told:

    async with FakeTelegram() as telegram:
        bot = telegram.bot("7001:…", "ChargehandBot")
        amal = telegram.user("Amal")
        chat = telegram.private(amal, bot)
        telegram.says(amal, "charger 100003 shows a red light", chat)
        telegram.inject(lost_response())
        assert chat.from_bots[-1].text == "…"
        assert not telegram.complaints
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import httpx

from tests.fakes.telegram_chats import (
    ANONYMOUS,
    TELEGRAM,
    FakeBot,
    FakeChat,
    FakeMessage,
    FakeUser,
    Status,
    commands_in,
    member_json,
)
from tests.fakes.telegram_faults import SENDING, Fault
from tests.fakes.telegram_http import Bad, Upload, ok, parameters, refusal
from tests.fakes.telegram_methods import Methods
from tests.fakes.telegram_rules import QUIET
from tests.fakes.twilio_http import Reply, Request, TinyServer

__all__ = ["FakeBot", "FakeChat", "FakeMessage", "FakeTelegram", "FakeUser", "Press"]

RETRY_S = 0.05
"""Real seconds until a webhook that was not taken is called again."""
LOOK_S = 0.05


@dataclass(eq=False)
class Press:
    """A pressed button. `answer` is what the bot told the person who pressed, None until it did."""

    id: str
    user: FakeUser
    message: FakeMessage
    data: str
    bot: FakeBot
    at: datetime
    answer: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """What the person was told."""
        return str((self.answer or {}).get("text", ""))

    @property
    def alert(self) -> bool:
        """Whether it had to be closed by hand."""
        return bool((self.answer or {}).get("show_alert"))


class FakeTelegram:
    """Telegram, as far as this project talks with it.

    `enforce_rates`: 429 for more than 20 a minute in a group, more than one a second (after a burst of three) in a
    private chat. `now` gives Telegram's time. `complaints` lists everything that was asked in a wrong way, `calls`
    every call with its bot and method.
    """

    def __init__(self, *, now: Callable[[], datetime] | None = None, enforce_rates: bool = False) -> None:
        self.now = now or (lambda: datetime.now(UTC))
        self.enforce_rates = enforce_rates
        self.complaints: list[str] = []
        self.calls: list[tuple[str, str]] = []
        self.pressed: list[Press] = []
        self.bots: dict[str, FakeBot] = {}
        self.users: dict[int, FakeUser] = {}
        self.files: dict[str, tuple[str, bytes, int]] = {}
        self.webhook_calls: list[tuple[int, int]] = []
        self._chats: dict[tuple[int, int], FakeChat] = {}
        self._faults: list[Fault] = []
        self._next_user = 5_000_000_000
        self._deliver_to = self._public_url = ""
        self._api = TinyServer(self._answer)
        self._methods = Methods(self)
        self._http: httpx.AsyncClient | None = None
        self._couriers: dict[str, asyncio.Task[None]] = {}

    # Life ------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> FakeTelegram:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin to listen."""
        await self._api.start()

    async def stop(self) -> None:
        """Cut every line; webhooks that are on their way are dropped."""
        for task in self._couriers.values():
            task.cancel()
        await asyncio.gather(*self._couriers.values(), return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()
        await self._api.close()

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
        """For TELEGRAM_API_URL."""
        return f"http://127.0.0.1:{self._api.port}"

    def connect(
        self, public_url: str, *, deliver_to: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Where webhooks that lead to `public_url` are really delivered."""
        self._public_url = public_url.rstrip("/")
        self._deliver_to = (deliver_to or public_url).rstrip("/")
        self._http = httpx.AsyncClient(transport=transport, trust_env=False, timeout=15)

    # The world -------------------------------------------------------------------------------------------------

    def bot(self, token: str, username: str, *, privacy: bool = True) -> FakeBot:
        """A bot that BotFather made."""
        number = int(token.partition(":")[0])
        bot = FakeBot(number, username, username, bot=True, token=token, privacy=privacy)
        self.bots[token] = bot
        self.users[number] = bot
        return bot

    def user(self, name: str, *, username: str = "", language: str = "en", phone: str = "") -> FakeUser:
        """A person."""
        self._next_user += 1
        user = FakeUser(self._next_user, name, username, language, phone)
        self.users[user.id] = user
        return user

    def private(self, user: FakeUser, bot: FakeBot) -> FakeChat:
        """The chat of a person with a bot; it can be written to by the bot once the person wrote there."""
        return self._chats.setdefault(
            (bot.id, user.id),
            FakeChat(user.id, "private", owner=bot, members={user.id: (user, "member"), bot.id: (bot, "member")}),
        )

    def group(
        self, title: str, *members: FakeUser, admins: tuple[FakeUser, ...] = (), forum: bool = False,
        supergroup: bool = True,
    ) -> FakeChat:  # fmt: skip
        """A group with people (and bots) in it; the first admin owns it."""
        number = -1_001_000_000_000 - len(self._chats) if supergroup else -40_000 - len(self._chats)
        chat = FakeChat(number, "supergroup" if supergroup else "group", title, forum=forum)
        for user in members:
            chat.members[user.id] = (user, "member")
        for n, user in enumerate(admins):
            chat.members[user.id] = (user, "administrator" if n else "creator")
        self._chats[(0, number)] = chat
        return chat

    def topic(self, chat: FakeChat, name: str) -> int:
        """A new topic of a forum; gives its number."""
        number = chat.number(None)
        chat.topics[number] = name
        return number

    def chat(self, bot: FakeBot, chat_id: int) -> FakeChat | None:
        """A chat as a bot finds it."""
        return self._chats.get((bot.id, chat_id)) or self._chats.get((0, chat_id))

    def inject(self, fault: Fault, times: int = 1) -> None:
        """The next calls that the fault is meant for go wrong in this way, one fault each."""
        self._faults += [fault] * times

    # What people do ----------------------------------------------------------------------------------------------

    def says(
        self, user: FakeUser, text: str, chat: FakeChat, *, reply_to: FakeMessage | None = None,
        topic: int | None = None, anonymous: bool = False, forwarded_from: FakeUser | None = None,
    ) -> FakeMessage:  # fmt: skip
        """Write. `anonymous`: as the group; `forwarded_from`: what somebody else once wrote."""
        more: dict[str, Any] = {}
        sender = user
        if anonymous:
            sender = FakeUser(ANONYMOUS, "Group", "GroupAnonymousBot", bot=True)
            more["sender_chat"] = chat.json()
        if forwarded_from is not None:
            origin = {"type": "user", "sender_user": forwarded_from.json(), "date": int(self.now().timestamp()) - 60}
            more["forward_origin"] = origin
        return self._put(sender, chat, text, reply_to=reply_to, topic=topic, entities=commands_in(text), more=more)

    def starts(self, user: FakeUser, bot: FakeBot, payload: str = "") -> FakeMessage:
        """Press Start, perhaps by a deep link with a payload."""
        return self.says(user, f"/start {payload}".strip(), self.private(user, bot))

    def sends(
        self, user: FakeUser, kind: str, content: bytes, chat: FakeChat, *, caption: str = "",
        content_type: str = "", file_name: str = "", topic: int | None = None, reply_to: FakeMessage | None = None,
    ) -> FakeMessage:  # fmt: skip
        """Send a photo, voice, video, video_note, audio, document or sticker."""
        file: dict[str, Any] = self.keep_file(content, kind)
        match kind:
            case "photo":
                small = self.keep_file(content[:64], kind) | {"width": 90, "height": 67}
                shown: Any = [small, file | {"width": 1280, "height": 960}]
            case "voice" | "audio":
                shown = file | {"duration": 4, "mime_type": content_type or "audio/ogg"}
            case "video":
                shown = file | {"duration": 4, "width": 640, "height": 480, "mime_type": content_type or "video/mp4"}
            case "video_note":
                shown = file | {"duration": 4, "length": 240}
            case "sticker":
                more = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
                shown = file | more
            case _:
                shown = file | {"file_name": file_name, "mime_type": content_type or "application/pdf"}
        return self._put(user, chat, caption, kind=kind, topic=topic, reply_to=reply_to, more={kind: shown})

    def shares(self, user: FakeUser, latitude: float, longitude: float, chat: FakeChat) -> FakeMessage:
        """Send where one is."""
        place = {"latitude": latitude, "longitude": longitude}
        return self._put(user, chat, "", kind="location", more={"location": place})

    def shares_contact(self, user: FakeUser, chat: FakeChat, *, of: FakeUser | None = None) -> FakeMessage:
        """Send a contact card: one's own, as the button does, or somebody else's."""
        other = of or user
        card = {"phone_number": other.phone.lstrip("+"), "first_name": other.name, "user_id": other.id}
        return self._put(user, chat, "", kind="contact", more={"contact": card})

    def edits(self, message: FakeMessage, text: str) -> None:
        """Change a message that was sent."""
        message.edits.append(message.text)
        message.text, message.entities, message.edited_at = text, commands_in(text), self.now()
        self._tell(message.chat, "edited_message", message.json(), message)

    def presses(self, user: FakeUser, message: FakeMessage, label: str) -> Press:
        """Press a button of a message."""
        return self.forges(user, message, message.buttons[label])

    def forges(self, user: FakeUser, message: FakeMessage, data: str) -> Press:
        """Press a button that a changed client made up, with any data."""
        [bot] = [bot for bot in message.chat.bots if bot is message.sender]
        press = Press(str(secrets.randbits(62)), user, message, data, bot, self.now())
        self.pressed.append(press)
        shown = {
            "id": press.id, "from": user.json(), "chat_instance": str(hash(message.chat.id)), "data": data,
            "message": message.json(),
        }  # fmt: skip
        self._hand(bot, "callback_query", shown)
        return press

    def joins(self, user: FakeUser, chat: FakeChat, status: Status = "member") -> None:
        """Come into a group, or become something else there."""
        self._becomes(user, chat, status)
        if status == "member":
            self._put(user, chat, "", kind="service", more={"new_chat_members": [user.json()]})

    def leaves(self, user: FakeUser, chat: FakeChat, status: Status = "left") -> None:
        """Go, or be put out."""
        self._becomes(user, chat, status)

    def blocks(self, user: FakeUser, bot: FakeBot) -> None:
        """Want nothing of a bot any more."""
        chat = self.private(user, bot)
        chat.blocked = True
        self._membership(chat, bot, user, "member", "kicked")

    def unblocks(self, user: FakeUser, bot: FakeBot) -> None:
        """Want to hear of it again."""
        chat = self.private(user, bot)
        chat.blocked = False
        self._membership(chat, bot, user, "kicked", "member")

    def upgrade(self, chat: FakeChat, by: FakeUser) -> FakeChat:
        """A group becomes a supergroup, with another number."""
        new = self.group(chat.title, supergroup=True)
        new.members = dict(chat.members)
        chat.moved_to = new
        self._put(by, chat, "", kind="service", more={"migrate_to_chat_id": new.id})
        self._put(by, new, "", kind="service", more={"migrate_from_chat_id": chat.id})
        return new

    def posts_by_channel(self, chat: FakeChat, text: str) -> FakeMessage:
        """A post of the channel that is linked with a group appears there."""
        sender = FakeUser(TELEGRAM, "Telegram")
        channel = {"id": -1_009_999_999_999, "type": "channel", "title": "News"}
        return self._put(sender, chat, text, more={"sender_chat": channel, "is_automatic_forward": True})

    def keep_file(self, content: bytes, kind: str) -> dict[str, Any]:
        """A file on Telegram's servers, as messages name it."""
        file_id = "BQAC" + secrets.token_urlsafe(24)
        ending = {"photo": "jpg", "voice": "oga", "video": "mp4", "video_note": "mp4"}.get(kind, "bin")
        self.files[file_id] = (f"{kind}s/file_{len(self.files)}.{ending}", content, len(content))
        return {"file_id": file_id, "file_unique_id": secrets.token_hex(6), "file_size": len(content)}

    def _put(
        self, sender: FakeUser, chat: FakeChat, text: str, *, kind: str = "text", topic: int | None = None,
        reply_to: FakeMessage | None = None, entities: list[dict[str, Any]] | None = None,
        more: dict[str, Any] | None = None,
    ) -> FakeMessage:  # fmt: skip
        message = FakeMessage(
            chat.number(chat.owner), chat, sender, text, self.now(), kind, entities=entities or [],
            reply_to=reply_to.id if reply_to else None, topic=topic, json_more=more or {},
        )  # fmt: skip
        chat.messages.append(message)
        self._tell(chat, "message", message.json(), message)
        return message

    def _becomes(self, user: FakeUser, chat: FakeChat, status: Status) -> None:
        old = chat.status(user.id)
        chat.members[user.id] = (user, status)
        for bot in {*chat.bots, user}:
            if isinstance(bot, FakeBot):
                self._membership(chat, bot, user, old, status)

    def _membership(self, chat: FakeChat, bot: FakeBot, user: FakeUser, old: str, new: str) -> None:
        """Tell a bot what became of itself (a private chat's bot, too), or of somebody where it is an admin."""
        about = bot if chat.kind == "private" else user
        shown = {
            "chat": chat.json(), "from": user.json(), "date": int(self.now().timestamp()),
            "old_chat_member": member_json(about, old), "new_chat_member": member_json(about, new),
        }  # fmt: skip
        if about is bot:
            self._hand(bot, "my_chat_member", shown)
        elif chat.status(bot.id) in ("administrator", "creator"):
            self._hand(bot, "chat_member", shown)

    # Updates ---------------------------------------------------------------------------------------------------

    def _tell(self, chat: FakeChat, kind: str, shown: dict[str, Any], message: FakeMessage) -> None:
        for bot in chat.bots:
            if bot is not message.sender and self._hears(bot, chat, message):
                self._hand(bot, kind, shown)

    @staticmethod
    def _hears(bot: FakeBot, chat: FakeChat, message: FakeMessage) -> bool:
        """Privacy mode: of what is said in a group, a bot hears only what is meant for it."""
        if chat.kind == "private":
            return not chat.blocked
        if not bot.privacy or chat.status(bot.id) in ("administrator", "creator") or message.kind == "service":
            return True
        if isinstance(message.sender, FakeBot):
            return False
        replied = chat.find(message.reply_to) if message.reply_to else None
        word = message.text.partition(" ")[0]
        for_other = "@" in word and word.partition("@")[2].lower() != bot.username.lower()
        command = word.startswith("/") and not for_other
        return command or f"@{bot.username}" in message.text or (replied is not None and replied.sender is bot)

    def _hand(self, bot: FakeBot, kind: str, shown: dict[str, Any]) -> None:
        if kind not in bot.allowed if bot.allowed else kind in QUIET:
            return
        update = {"update_id": bot.next_update, kind: shown}
        bot.next_update += 1
        # A message may change while its update waits: what is handed out is what it was.
        self.again(bot, json.loads(json.dumps(update)))
        if bot.duplicate:
            self.again(bot, bot.queue[-1])

    def again(self, bot: FakeBot, update: dict[str, Any]) -> None:
        """Hand out an update, perhaps one more time."""
        bot.queue.append(update)
        bot.news.set()
        self.hurry(bot)

    def hurry(self, bot: FakeBot) -> None:
        """Have what waits for a webhook delivered."""
        if bot.webhook and (bot.token not in self._couriers or self._couriers[bot.token].done()):
            self._couriers[bot.token] = asyncio.create_task(self._deliver(bot))

    async def _deliver(self, bot: FakeBot) -> None:
        """Call a webhook with one update after another; one that is not taken is repeated."""
        while bot.queue and bot.webhook:
            update = bot.queue[-1 if bot.reverse else 0]
            status = await self.call(bot, update)
            if 200 <= status < 300:
                bot.webhook_error = ""
                bot.queue.remove(update)
            else:
                bot.webhook_error = f"Wrong response from the webhook: {status}"
                await asyncio.sleep(RETRY_S)

    async def call(self, bot: FakeBot, update: dict[str, Any], *, secret: str | None = None) -> int:
        """POST an update to a bot's webhook; gives the status, 0 where nobody answered."""
        assert self._http is not None, "connect() first"
        headers = {"X-Telegram-Bot-Api-Secret-Token": bot.secret if secret is None else secret}
        target = self._deliver_to + bot.webhook.removeprefix(self._public_url)
        try:
            answer = await self._http.post(target, json=update, headers={k: v for k, v in headers.items() if v})
            status = answer.status_code
        except httpx.HTTPError:
            status = 0
        self.webhook_calls.append((update["update_id"], status))
        return status

    async def settle(self) -> None:
        """Until every update was taken: confirmed by a poll, or by the webhook."""
        while any(bot.queue and not bot.revoked for bot in self.bots.values()):
            await asyncio.sleep(LOOK_S)

    # The API ---------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Reply:
        method = "?"
        try:
            if request.path.startswith("/file/bot"):
                return self._file(request.path)
            bot, method = self._who(request.path)
            fields, files = parameters(request)
            return await self._call(bot, method, fields, files, request)
        except Bad as bad:
            if bad.ours:
                self.complaints.append(f"{method}: {bad.description}")
            return refusal(bad)

    def _who(self, path: str) -> tuple[FakeBot, str]:
        token, _, method = path.removeprefix("/bot").partition("/")
        names = {name.lower(): name for name in self._methods.table}
        if not path.startswith("/bot") or ":" not in token:
            raise Bad(404, "Not Found", ours=True)
        bot = self.bots.get(token)
        if bot is None or bot.revoked:
            raise Bad(401, "Unauthorized")
        if method.lower() not in names:
            raise Bad(404, "Not Found: method not found", ours=True)
        return bot, names[method.lower()]

    async def _call(
        self, bot: FakeBot, method: str, fields: dict[str, str], files: dict[str, Upload], request: Request
    ) -> Reply:
        self.calls.append((bot.username, method))
        fault = self._take_fault(method)
        if fault is not None and not fault.accept:
            return await self._misbehave(fault, ok(True))
        if method == "getUpdates":
            reply = ok(await self._updates(bot, fields, request))
        else:
            reply = ok(self._methods.do(bot, method, fields, files))
        return reply if fault is None else await self._misbehave(fault, reply)

    def _take_fault(self, method: str) -> Fault | None:
        for n, fault in enumerate(self._faults):
            if method.startswith(fault.at) and (method != "sendChatAction" or fault.at != SENDING):
                return self._faults.pop(n)
        return None

    @staticmethod
    async def _misbehave(fault: Fault, reply: Reply) -> Reply:
        if fault.hang_s:
            await asyncio.sleep(fault.hang_s)
        if fault.status is None:
            return Reply(200, reply.body, drop=fault.drop, half=fault.half)
        if fault.html:
            return Reply(fault.status, b"<html><h1>Bad Gateway</h1></html>", "text/html")
        return refusal(Bad(fault.status, fault.description, **fault.parameters))

    async def _updates(self, bot: FakeBot, fields: dict[str, str], request: Request) -> list[dict[str, Any]]:
        """Long polling: an offset confirms what is before it; a newer poll puts an end to an older one."""
        offset, limit, wait_s = self._methods.poll(bot, fields)
        if bot.webhook:
            raise Bad(
                409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete "
                "the webhook first",
            )  # fmt: skip
        bot.polls += 1
        mine = bot.polls
        if offset < 0:
            del bot.queue[:offset]
        else:
            bot.queue[:] = [update for update in bot.queue if update["update_id"] >= offset]
        until = asyncio.get_running_loop().time() + wait_s
        while not bot.queue and asyncio.get_running_loop().time() < until and not request.gone():
            bot.news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await bot.news.wait()
            if bot.polls != mine and not request.gone():
                raise Bad(
                    409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance "
                    "is running",
                )  # fmt: skip
            if bot.revoked:
                raise Bad(401, "Unauthorized")
        batch = bot.queue[:limit]
        return batch[::-1] if bot.reverse else batch

    def _file(self, path: str) -> Reply:
        token, _, name = unquote(path).removeprefix("/file/bot").partition("/")
        if token not in self.bots:
            raise Bad(401, "Unauthorized")
        for path_of, content, _size in self.files.values():
            if path_of == name:
                return Reply(200, content, "application/octet-stream")
        raise Bad(404, "Not Found")

    # Pace ------------------------------------------------------------------------------------------------------

    def count(self, chat: FakeChat) -> None:
        """A bot sends or edits in a chat; too much of it is refused where rates are enforced."""
        now = self.now()
        if self.enforce_rates:
            window, most = (60.0, 20) if chat.kind != "private" else (3.0, 3)
            recent = [at for at in chat.busy if (now - at).total_seconds() < window]
            if len(recent) >= most:
                wait = int(window - (now - recent[-most]).total_seconds()) + 1
                raise Bad(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        chat.busy.append(now)
