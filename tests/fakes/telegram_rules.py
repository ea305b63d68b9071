"""What Telegram accepts: parameters by method, text and its markup, keyboards. In the words of its refusals."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram_http import Bad, wrong

TEXT_MAX, CAPTION_MAX, ALERT_MAX, DATA_MAX = 4096, 1024, 200, 64
PER_ROW, PER_KEYBOARD = 8, 100

_SEND = (
    "chat_id message_thread_id disable_notification protect_content reply_parameters reply_markup "
    "message_effect_id allow_paid_broadcast"
)
_CAPTION = "caption parse_mode caption_entities show_caption_above_media"
_KNOWN: dict[str, str] = {
    "getMe": "",
    "getUpdates": "offset limit timeout allowed_updates",
    "setWebhook": "url secret_token allowed_updates max_connections drop_pending_updates ip_address",
    "deleteWebhook": "drop_pending_updates",
    "getWebhookInfo": "",
    "sendMessage": f"{_SEND} text parse_mode entities link_preview_options",
    "sendPhoto": f"{_SEND} {_CAPTION} photo has_spoiler",
    "sendDocument": f"{_SEND} {_CAPTION} document disable_content_type_detection",
    "sendVoice": f"{_SEND} {_CAPTION} voice duration",
    "sendVideo": f"{_SEND} {_CAPTION} video duration width height supports_streaming has_spoiler",
    "sendAudio": f"{_SEND} {_CAPTION} audio duration performer title",
    "sendLocation": f"{_SEND} latitude longitude horizontal_accuracy",
    "sendContact": f"{_SEND} phone_number first_name last_name vcard",
    "sendChatAction": "chat_id message_thread_id action",
    "editMessageText": "chat_id message_id text parse_mode entities link_preview_options reply_markup",
    "editMessageCaption": f"chat_id message_id {_CAPTION} reply_markup",
    "editMessageReplyMarkup": "chat_id message_id reply_markup",
    "deleteMessage": "chat_id message_id",
    "answerCallbackQuery": "callback_query_id text show_alert url cache_time",
    "setMyCommands": "commands scope language_code",
    "deleteMyCommands": "scope language_code",
    "getMyCommands": "scope language_code",
    "getFile": "file_id",
    "getChat": "chat_id",
    "getChatMember": "chat_id user_id",
    "getChatAdministrators": "chat_id return_bots",
    "createForumTopic": "chat_id name icon_color icon_custom_emoji_id",
    "pinChatMessage": "chat_id message_id disable_notification",
    "unpinChatMessage": "chat_id message_id",
    "setMessageReaction": "chat_id message_id reaction is_big",
    "leaveChat": "chat_id",
}
KNOWN = {method: frozenset(names.split()) for method, names in _KNOWN.items()}
"""Which parameters each method takes."""
ACTIONS = frozenset({"typing", "upload_photo", "upload_document", "upload_video", "record_voice", "find_location"})
UPDATE_KINDS = frozenset(
    {
        "message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "my_chat_member",
        "chat_member", "chat_join_request", "message_reaction", "inline_query", "poll", "poll_answer",
    }
)  # fmt: skip
QUIET = frozenset({"chat_member", "message_reaction"})
"""Updates that come only to a bot that asked for them."""
SCOPES = {
    "default": set(), "all_private_chats": set(), "all_group_chats": set(), "all_chat_administrators": set(),
    "chat": {"chat_id"}, "chat_administrators": {"chat_id"}, "chat_member": {"chat_id", "user_id"},
}  # fmt: skip

_TAGS = frozenset(
    {
        "b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "code", "pre",
        "blockquote", "tg-emoji",
    }
)  # fmt: skip
_KIND = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
         "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler",
         "tg-spoiler": "spoiler", "a": "text_link", "tg-emoji": "custom_emoji"}  # fmt: skip


def units(text: str) -> int:
    """Length as Telegram counts: UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def known(method: str, given: set[str]) -> None:
    """Refuse parameters that the method does not have; Telegram would quietly pass over them."""
    if unknown := given - KNOWN[method]:
        raise wrong(f"unknown parameters of {method}: {sorted(unknown)}")


def number(fields: dict[str, str], name: str) -> int:
    """A whole number that must be there."""
    text = fields.get(name, "")
    if not re.fullmatch(r"-?\d{1,18}", text):
        raise wrong(f"{name} is not a number: {text!r}")
    return int(text)


def truth(fields: dict[str, str], name: str) -> bool:
    """A flag."""
    text = fields.get(name, "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise wrong(f"{name} is neither true nor false: {text!r}")
    return text in ("true", "1")


def structure(fields: dict[str, str], name: str) -> Any:
    """A parameter that is JSON; None where it is not given."""
    if name not in fields:
        return None
    try:
        return json.loads(fields[name])
    except ValueError:
        raise wrong(f"can't parse {name} JSON object") from None


def marked_up(text: str, parse_mode: str) -> tuple[str, list[dict[str, Any]]]:
    """The text without its markup, and the entities that the markup made."""
    if "\x00" in text:
        raise wrong("strings must not contain NUL")
    if not parse_mode:
        return text.strip(), []
    if parse_mode.upper() != "HTML":
        raise wrong(f"unsupported parse_mode {parse_mode}: this house writes HTML")
    return _Html(text).read()


class _Html:
    """Telegram's reading of HTML: few tags, properly nested, or nothing at all."""

    def __init__(self, text: str) -> None:
        self.source = text
        self.out = ""
        self.open: list[tuple[str, int, dict[str, Any]]] = []
        self.entities: list[dict[str, Any]] = []

    def read(self) -> tuple[str, list[dict[str, Any]]]:
        at = 0
        for match in re.finditer(r"<(/?)([^>\s]*)([^>]*)(>?)", self.source):
            self.out += unescape(self.source[at : match.start()])
            at = match.end()
            offset = len(self.source[: match.start()].encode())
            name = match[2].lower()
            if not match[4]:
                raise _parse(f"Unclosed start tag at byte offset {offset}")
            if match[1]:
                self._close(name, offset)
            else:
                self._start(name, match[3], offset)
        self.out += unescape(self.source[at:])
        if self.open:
            name = self.open[-1][0]
            raise _parse(f'Can\'t find end tag corresponding to start tag "{name}"')
        return self.out.strip(), [entity for entity in self.entities if entity["length"]]

    def _start(self, name: str, attributes: str, offset: int) -> None:
        if name not in _TAGS:
            raise _parse(f'Unsupported start tag "{name}" at byte offset {offset}')
        more: dict[str, Any] = {}
        if name == "a":
            href = re.search(r'href\s*=\s*"([^"]*)"', attributes)
            more["url"] = unescape(href[1]) if href else ""
        if name == "span" and "tg-spoiler" not in attributes:
            raise _parse(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
        self.open.append((name, units(self.out), more))

    def _close(self, name: str, offset: int) -> None:
        if not self.open:
            raise _parse(f"Unexpected end tag at byte offset {offset}")
        opened, start, more = self.open.pop()
        if name not in ("", opened):
            raise _parse(f'Unmatched end tag at byte offset {offset}, expected "</{opened}>", found "</{name}>"')
        kind = _KIND.get(opened, opened)
        self.entities.append({"type": kind, "offset": start, "length": units(self.out) - start, **more})


def _parse(what: str) -> Bad:
    return wrong(f"can't parse entities: {what}")


def keyboard(markup: Any, *, private: bool) -> dict[str, Any] | None:
    """A reply_markup that Telegram would take."""
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise wrong("object expected as reply markup")
    match set(markup):
        case names if "inline_keyboard" in names:
            _only(names, {"inline_keyboard"})
            _rows(markup["inline_keyboard"], _inline_button)
        case names if "keyboard" in names:
            _only(names, {"keyboard", "resize_keyboard", "one_time_keyboard", "is_persistent", "selective",
                          "input_field_placeholder"})  # fmt: skip
            _rows(markup["keyboard"], lambda button: _reply_button(button, private))
        case names if "remove_keyboard" in names:
            _only(names, {"remove_keyboard", "selective"})
        case names if "force_reply" in names:
            _only(names, {"force_reply", "selective", "input_field_placeholder"})
        case names:
            raise wrong(f"unknown reply markup {sorted(names)}")
    return markup


def _only(given: set[str], allowed: set[str]) -> None:
    if given - allowed:
        raise wrong(f"unknown fields {sorted(given - allowed)} in the reply markup")


def _rows(rows: Any, check: Any) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        raise wrong("a keyboard is rows of buttons")
    if any(len(row) > PER_ROW for row in rows) or sum(len(row) for row in rows) > PER_KEYBOARD:
        raise wrong("REPLY_MARKUP_TOO_LONG")
    for button in [button for row in rows for button in row]:
        check(button)


def _inline_button(button: dict[str, Any]) -> None:
    _only(set(button), {"text", "callback_data", "url", "copy_text", "style", "icon_custom_emoji_id"})
    if not str(button.get("text", "")).strip():
        raise wrong("inline keyboard button text must be non-empty")
    if len(set(button) & {"callback_data", "url", "copy_text"}) != 1:
        raise wrong("an inline keyboard button has exactly one thing to do")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= DATA_MAX:
        raise wrong("BUTTON_DATA_INVALID")
    if "url" in button:
        parts = urlsplit(button["url"])
        if parts.scheme not in ("http", "https", "tg") or ("." not in (parts.hostname or "") and parts.scheme != "tg"):
            raise wrong(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def _reply_button(button: dict[str, Any], private: bool) -> None:
    _only(set(button), {"text", "request_contact", "request_location", "style"})
    if not str(button.get("text", "")).strip():
        raise wrong("keyboard button text must be non-empty")
    if not private and button.get("request_contact"):
        raise wrong("phone number can be requested in private chats only")
    if not private and button.get("request_location"):
        raise wrong("location can be requested in private chats only")


def commands(fields: dict[str, str]) -> list[dict[str, str]]:
    """What setMyCommands is given."""
    given = structure(fields, "commands")
    if not isinstance(given, list) or not len(given) <= 100:
        raise wrong("BOT_COMMANDS_TOO_MUCH")
    for each in given:
        if set(each) != {"command", "description"} or not re.fullmatch(r"[a-z0-9_]{1,32}", each["command"]):
            raise wrong("BOT_COMMAND_INVALID")
        if not 1 <= units(each["description"]) <= 256:
            raise wrong("BOT_COMMAND_DESCRIPTION_INVALID")
    return given


def scope(fields: dict[str, str]) -> str:
    """A command scope and its language, as one key."""
    given = structure(fields, "scope") or {"type": "default"}
    kind = given.get("type")
    if kind not in SCOPES or set(given) != {"type"} | SCOPES[kind]:
        raise wrong(f"wrong command scope {given}")
    language = fields.get("language_code", "")
    if language and not re.fullmatch("[a-z]{2}", language):
        raise wrong("LANG_CODE_INVALID")
    where = "/".join(str(given[name]) for name in ("chat_id", "user_id") if name in given)
    return ":".join(filter(None, (kind, where, language)))
