"""Who and what is on the fake Telegram: users, bots, chats with members, messages as a chat sees them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

ANONYMOUS = 1087968824
"""Telegram's GroupAnonymousBot: in whose name admins write who do not want to be seen."""
TELEGRAM = 777000
"""In whose name a linked channel's posts appear in its group."""


@dataclass(eq=False)
class FakeUser:
    """A person."""

    id: int
    name: str
    username: str = ""
    language: str = "en"
    phone: str = ""
    bot: bool = False

    def json(self) -> dict[str, Any]:
        """As an update names them."""
        shown: dict[str, Any] = {"id": self.id, "is_bot": self.bot, "first_name": self.name}
        if self.username:
            shown["username"] = self.username
        return shown if self.bot else shown | {"language_code": self.language}


@dataclass(eq=False)
class FakeBot(FakeUser):
    """One of our bots: its token, what waits for it, its webhook, its command menus.

    `duplicate`: every update comes twice. `reverse`: a batch comes newest first. `privacy`: in groups it hears
    only commands, mentions and replies to it, unless it is an admin there.
    """

    token: str = ""
    privacy: bool = True
    revoked: bool = False
    duplicate: bool = False
    reverse: bool = False
    allowed: frozenset[str] = frozenset()
    queue: list[dict[str, Any]] = field(default_factory=list)
    next_update: int = 700_000
    polls: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    webhook: str = ""
    secret: str = ""
    webhook_error: str = ""
    menus: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    actions: list[tuple[int, str]] = field(default_factory=list)
    last_message: int = 0


@dataclass(eq=False)
class FakeMessage:
    """A message as its chat sees it now. `edits` are what it said before, oldest first."""

    id: int
    chat: FakeChat
    sender: FakeUser
    text: str
    at: datetime
    kind: str = "text"
    markup: dict[str, Any] | None = None
    entities: list[dict[str, Any]] = field(default_factory=list)
    html: str = ""
    reply_to: int | None = None
    topic: int | None = None
    file: bytes = b""
    file_name: str = ""
    deleted: bool = False
    edits: list[str] = field(default_factory=list)
    edited_at: datetime | None = None
    json_more: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """What is read: the text, or the caption of a file."""
        return self.text

    @property
    def buttons(self) -> dict[str, str]:
        """What can be pressed: label → callback data."""
        rows = (self.markup or {}).get("inline_keyboard", [])
        return {b["text"]: b["callback_data"] for row in rows for b in row if "callback_data" in b}

    @property
    def links(self) -> dict[str, str]:
        """What can be opened: label → address."""
        rows = (self.markup or {}).get("inline_keyboard", [])
        return {b["text"]: b["url"] for row in rows for b in row if "url" in b}

    @property
    def keys(self) -> list[dict[str, Any]]:
        """The keys of a keyboard below the text field."""
        return [key for row in (self.markup or {}).get("keyboard", []) for key in row]

    def json(self, *, deep: bool = True) -> dict[str, Any]:
        """As an update or an answer shows it."""
        shown: dict[str, Any] = {
            "message_id": self.id, "date": int(self.at.timestamp()), "chat": self.chat.json(),
            "from": self.sender.json(),
        }  # fmt: skip
        if self.text:
            captioned = self.kind in ("photo", "document", "voice", "video", "audio")
            shown["caption" if captioned else "text"] = self.text
            if self.entities:
                shown["caption_entities" if captioned else "entities"] = self.entities
        if self.topic is not None:
            shown |= {"message_thread_id": self.topic, "is_topic_message": True}
        if self.markup and "inline_keyboard" in self.markup:
            shown["reply_markup"] = self.markup
        if self.edited_at is not None:
            shown["edit_date"] = int(self.edited_at.timestamp())
        if deep and self.reply_to is not None and (replied := self.chat.find(self.reply_to)) is not None:
            shown["reply_to_message"] = replied.json(deep=False)
        return shown | self.json_more


Status = Literal["creator", "administrator", "member", "left", "kicked"]


@dataclass(eq=False)
class FakeChat:
    """A private chat with a bot, a group or a supergroup. `owner` is the bot of a private chat."""

    id: int
    kind: Literal["private", "group", "supergroup"]
    title: str = ""
    owner: FakeBot | None = None
    members: dict[int, tuple[FakeUser, Status]] = field(default_factory=dict)
    messages: list[FakeMessage] = field(default_factory=list)
    topics: dict[int, str] = field(default_factory=dict)
    forum: bool = False
    moved_to: FakeChat | None = None
    blocked: bool = False
    gone: bool = False
    last_message: int = 0
    busy: list[datetime] = field(default_factory=list)

    @property
    def bots(self) -> list[FakeBot]:
        """Our bots in it."""
        if self.owner is not None:
            return [self.owner]
        return [user for user, status in self.members.values() if isinstance(user, FakeBot) and status in PRESENT]

    @property
    def shown(self) -> list[FakeMessage]:
        """What can be seen now."""
        return [message for message in self.messages if not message.deleted]

    @property
    def from_bots(self) -> list[FakeMessage]:
        """What our bots sent here, in order."""
        return [message for message in self.messages if isinstance(message.sender, FakeBot) and not message.deleted]

    def status(self, user_id: int) -> Status:
        """What somebody is here."""
        return self.members[user_id][1] if user_id in self.members else "left"

    def find(self, message_id: int) -> FakeMessage | None:
        """A message by its number."""
        return next((m for m in self.messages if m.id == message_id and not m.deleted), None)

    def number(self, bot: FakeBot | None) -> int:
        """The next message's number: supergroups count for themselves, other chats with their bot."""
        counter: Any = bot if bot is not None and self.kind != "supergroup" else self
        counter.last_message += 1
        return int(counter.last_message)

    def busiest_minute(self) -> int:
        """The most sends and edits by bots within any 60 seconds."""
        minute = timedelta(seconds=60)
        return max((sum(at <= other < at + minute for other in self.busy) for at in self.busy), default=0)

    def json(self) -> dict[str, Any]:
        """As an update names it."""
        if self.kind == "private":
            [person] = [user for user, _ in self.members.values() if not isinstance(user, FakeBot)]
            shown = {"id": self.id, "type": "private", "first_name": person.name}
            return shown | ({"username": person.username} if person.username else {})
        shown = {"id": self.id, "type": self.kind, "title": self.title}
        return shown | ({"is_forum": True} if self.forum else {})


PRESENT = ("creator", "administrator", "member")
_RIGHTS = (
    "can_be_edited", "can_manage_chat", "can_change_info", "can_delete_messages", "can_invite_users",
    "can_restrict_members", "can_promote_members", "can_manage_video_chats", "can_post_stories", "can_edit_stories",
    "can_delete_stories",
)  # fmt: skip


def member_json(user: FakeUser, status: str) -> dict[str, Any]:
    """A ChatMember with every field that strict clients want."""
    shown: dict[str, Any] = {"user": user.json(), "status": status}
    match status:
        case "creator":
            return shown | {"is_anonymous": False}
        case "administrator":
            return shown | {"is_anonymous": False, **dict.fromkeys(_RIGHTS, True)}
        case "kicked":
            return shown | {"until_date": 0}
    return shown


def commands_in(text: str) -> list[dict[str, Any]]:
    """The entities that Telegram finds by itself: commands and mentions."""
    found = []
    for match in re.finditer(r"(?<!\S)(/[A-Za-z0-9_]{1,32}(?:@\w{3,32})?|@\w{3,32})", text):
        kind = "bot_command" if match[1].startswith("/") else "mention"
        offset = len(text[: match.start(1)].encode("utf-16-le")) // 2
        found.append({"type": kind, "offset": offset, "length": len(match[1])})
    return found
