"""The methods of the fake Bot API: each checks what it is given and does it, in Telegram's words where it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.fakes import telegram_rules as rules
from tests.fakes.telegram_chats import PRESENT, FakeBot, FakeChat, FakeMessage, commands_in, member_json
from tests.fakes.telegram_http import Bad, Upload, wrong
from tests.fakes.telegram_rules import number, structure, truth

if TYPE_CHECKING:
    from tests.fakes.telegram import FakeTelegram

FILE_MAX = 20 * 1024 * 1024
QUERY_LIVES_S = 600
_MEDIA = ("photo", "document", "voice", "video", "audio")
_NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)

Fields = dict[str, str]
Files = dict[str, Upload]


class Methods:
    """`table`: name → what it does. Lives with the FakeTelegram whose chats it works on."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self._telegram = telegram
        self.table: dict[str, Callable[[FakeBot, Fields, Files], Any]] = {
            "getUpdates": lambda _bot, _fields, _files: [],
            "getMe": lambda bot, _fields, _files: self._me(bot),
            "setWebhook": self._set_webhook, "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": lambda bot, _fields, _files: self._webhook_info(bot),
            "sendMessage": self._send_message, "sendLocation": self._send_location,
            "sendContact": self._send_contact, "sendChatAction": self._action,
            "editMessageText": self._edit_text, "editMessageCaption": self._edit_caption,
            "editMessageReplyMarkup": self._edit_markup, "deleteMessage": self._delete,
            "answerCallbackQuery": self._answer_press, "setMyCommands": self._set_commands,
            "deleteMyCommands": self._delete_commands,
            "getMyCommands": lambda bot, fields, _files: bot.menus.get(rules.scope(fields), []),
            "getFile": self._get_file, "getChat": self._get_chat, "getChatMember": self._get_member,
            "getChatAdministrators": self._admins, "createForumTopic": self._topic,
            "pinChatMessage": self._found, "unpinChatMessage": self._found, "setMessageReaction": self._found,
            "leaveChat": self._leave,
        }  # fmt: skip
        for kind in _MEDIA:
            name = f"send{kind.title()}"
            self.table[name] = lambda bot, fields, files, kind=kind: self._send_file(bot, kind, fields, files)  # type: ignore[misc]

    def do(self, bot: FakeBot, method: str, fields: Fields, files: Files) -> Any:
        """Carry out a call; gives its result. Raises Bad."""
        rules.known(method, set(fields) | {name for name in files if name in rules.KNOWN[method]})
        return self.table[method](bot, fields, files)

    def poll(self, bot: FakeBot, fields: Fields) -> tuple[int, int, float]:
        """Offset, limit and timeout of getUpdates; remembers which updates are wanted from now on."""
        rules.known("getUpdates", set(fields))
        limit = number(fields, "limit") if "limit" in fields else 100
        if not 1 <= limit <= 100:
            raise wrong("limit must be 1 to 100")
        wait_s = number(fields, "timeout") if "timeout" in fields else 0
        if not 0 <= wait_s <= 50:
            raise wrong("timeout must be 0 to 50")
        self._wants(bot, fields)
        return (number(fields, "offset") if "offset" in fields else 0), limit, float(wait_s)

    # Webhooks --------------------------------------------------------------------------------------------------

    @staticmethod
    def _wants(bot: FakeBot, fields: Fields) -> None:
        wanted = structure(fields, "allowed_updates")
        if wanted is None:
            return
        if not isinstance(wanted, list) or set(wanted) - rules.UPDATE_KINDS:
            raise wrong(f"unknown updates in allowed_updates: {wanted}")
        bot.allowed = frozenset(wanted)

    def _set_webhook(self, bot: FakeBot, fields: Fields, _files: Files) -> bool:
        url, secret = fields.get("url", ""), fields.get("secret_token", "")
        if url and not url.startswith("https://"):
            raise wrong("bad webhook: An HTTPS URL must be provided for webhook")
        if secret and (len(secret) > 256 or not all(c.isascii() and (c.isalnum() or c in "_-") for c in secret)):
            raise wrong("secret token contains unallowed characters")
        self._wants(bot, fields)
        if truth(fields, "drop_pending_updates"):
            bot.queue.clear()
        bot.webhook, bot.secret = url, secret
        self._telegram.hurry(bot)
        return True

    @staticmethod
    def _delete_webhook(bot: FakeBot, fields: Fields, _files: Files) -> bool:
        if truth(fields, "drop_pending_updates"):
            bot.queue.clear()
        bot.webhook = bot.secret = ""
        return True

    @staticmethod
    def _webhook_info(bot: FakeBot) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "url": bot.webhook, "has_custom_certificate": False, "pending_update_count": len(bot.queue),
        }  # fmt: skip
        if bot.webhook_error:
            shown |= {"last_error_date": 1_700_000_000, "last_error_message": bot.webhook_error}
        return shown

    @staticmethod
    def _me(bot: FakeBot) -> dict[str, Any]:
        return bot.json() | {
            "can_join_groups": True, "can_read_all_group_messages": not bot.privacy,
            "supports_inline_queries": False, "can_connect_to_business": False, "has_main_web_app": False,
        }  # fmt: skip

    # Chats -----------------------------------------------------------------------------------------------------

    def _chat(self, bot: FakeBot, fields: Fields) -> FakeChat:
        """A chat in which this bot may speak."""
        chat = self._telegram.chat(bot, number(fields, "chat_id"))
        if chat is None or chat.gone:
            raise Bad(400, "Bad Request: chat not found")
        if chat.moved_to is not None:
            raise Bad(
                400, "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=chat.moved_to.id,
            )  # fmt: skip
        if chat.blocked:
            raise Bad(403, "Forbidden: bot was blocked by the user")
        if chat.kind == "private":
            if not any(not isinstance(message.sender, FakeBot) for message in chat.messages):
                raise Bad(403, "Forbidden: bot can't initiate conversation with a user")
        elif chat.status(bot.id) == "kicked":
            raise Bad(403, f"Forbidden: bot was kicked from the {chat.kind} chat")
        elif chat.status(bot.id) not in PRESENT:
            raise Bad(403, f"Forbidden: bot is not a member of the {chat.kind} chat")
        return chat

    def _get_chat(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        chat = self._chat(bot, fields)
        gifts = dict.fromkeys(
            ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
        )
        return chat.json() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}

    def _get_member(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        chat, user_id = self._chat(bot, fields), number(fields, "user_id")
        user = self._telegram.users.get(user_id)
        if user is None:
            raise Bad(400, "Bad Request: PARTICIPANT_ID_INVALID")
        return member_json(user, chat.status(user_id))

    def _admins(self, bot: FakeBot, fields: Fields, _files: Files) -> list[dict[str, Any]]:
        chat = self._chat(bot, fields)
        return [
            member_json(user, status) for user, status in chat.members.values()
            if status in ("creator", "administrator") and not user.bot
        ]  # fmt: skip

    def _topic(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        chat = self._chat(bot, fields)
        if not chat.forum:
            raise Bad(400, "Bad Request: the chat is not a forum")
        thread = self._telegram.topic(chat, fields["name"])
        return {"message_thread_id": thread, "name": fields["name"], "icon_color": 7322096}

    def _found(self, bot: FakeBot, fields: Fields, _files: Files) -> bool:
        chat = self._chat(bot, fields)
        if "message_id" in fields and chat.find(number(fields, "message_id")) is None:
            raise Bad(400, "Bad Request: message to react not found")
        return True

    def _leave(self, bot: FakeBot, fields: Fields, _files: Files) -> bool:
        self._telegram.leaves(bot, self._chat(bot, fields))
        return True

    def _action(self, bot: FakeBot, fields: Fields, _files: Files) -> bool:
        if fields.get("action") not in rules.ACTIONS:
            raise wrong("wrong parameter action in request")
        bot.actions.append((self._chat(bot, fields).id, fields["action"]))
        return True

    # Sending ---------------------------------------------------------------------------------------------------

    def _send_message(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        text, entities = rules.marked_up(fields.get("text", ""), fields.get("parse_mode", ""))
        if not text:
            raise wrong("message text is empty")
        if rules.units(text) > rules.TEXT_MAX:
            raise wrong("message is too long")
        preview = structure(fields, "link_preview_options")
        if preview is not None and not isinstance(preview, dict):
            raise wrong("link_preview_options must be an object")
        return self._post(bot, fields, text, entities, html=fields["text"])

    def _send_location(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        place = {name: float(fields[name]) for name in ("latitude", "longitude")}
        return self._post(bot, fields, "", [], kind="location", more={"location": place})

    def _send_contact(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        card = {name: fields[name] for name in ("phone_number", "first_name")}
        return self._post(bot, fields, "", [], kind="contact", more={"contact": card})

    def _send_file(self, bot: FakeBot, kind: str, fields: Fields, files: Files) -> dict[str, Any]:
        caption, entities = rules.marked_up(fields.get("caption", ""), fields.get("parse_mode", ""))
        if rules.units(caption) > rules.CAPTION_MAX:
            raise wrong("message caption is too long")
        given = fields.get(kind, "")
        upload = files.get(given.removeprefix("attach://")) if given.startswith("attach://") else files.get(kind)
        if upload is None:
            if given not in self._telegram.files:
                raise wrong(f"wrong file identifier/HTTP URL specified for {kind}")
            upload = Upload("file", "", self._telegram.files[given][1])
        if not upload.content:
            raise wrong("file must be non-empty")
        shown: Any = self._telegram.keep_file(upload.content, kind)
        extra = {"photo": {"width": 1280, "height": 960}, "video": {"width": 640, "height": 480, "duration": 4},
                 "voice": {"duration": 4}, "audio": {"duration": 4}}  # fmt: skip
        shown |= extra.get(kind, {"file_name": upload.name, "mime_type": upload.content_type})
        more = {kind: [shown] if kind == "photo" else shown}
        return self._post(bot, fields, caption, entities, kind=kind, more=more, file=upload)

    def _post(
        self, bot: FakeBot, fields: Fields, text: str, entities: list[dict[str, Any]], *, kind: str = "text",
        html: str = "", more: dict[str, Any] | None = None, file: Upload | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        chat = self._chat(bot, fields)
        markup = rules.keyboard(structure(fields, "reply_markup"), private=chat.kind == "private")
        topic = self._thread(chat, fields)
        reply_to = self._replied(chat, fields)
        self._telegram.count(chat)
        message = FakeMessage(
            chat.number(bot if chat.kind != "supergroup" else None), chat, bot, text, self._telegram.now(), kind,
            markup, [*entities, *commands_in(text)], html, reply_to, topic, file.content if file else b"",
            file.name if file else "", json_more=more or {},
        )  # fmt: skip
        chat.messages.append(message)
        return message.json()

    @staticmethod
    def _thread(chat: FakeChat, fields: Fields) -> int | None:
        if "message_thread_id" not in fields:
            return None
        thread = number(fields, "message_thread_id")
        if thread not in chat.topics:
            raise Bad(400, "Bad Request: message thread not found")
        return thread

    @staticmethod
    def _replied(chat: FakeChat, fields: Fields) -> int | None:
        given = structure(fields, "reply_parameters")
        if given is None:
            return None
        allowed = {"message_id", "chat_id", "allow_sending_without_reply", "quote", "quote_parse_mode"}
        if not isinstance(given, dict) or set(given) - allowed or not isinstance(given.get("message_id"), int):
            raise wrong(f"wrong reply_parameters {given}")
        if chat.find(given["message_id"]) is not None:
            return int(given["message_id"])
        if given.get("allow_sending_without_reply"):
            return None
        raise Bad(400, "Bad Request: message to be replied not found")

    # Changing --------------------------------------------------------------------------------------------------

    def _own(self, bot: FakeBot, fields: Fields, doing: str) -> FakeMessage:
        message = self._chat(bot, fields).find(number(fields, "message_id"))
        if message is None:
            raise Bad(400, f"Bad Request: message to {doing} not found")
        if message.sender is not bot:
            raise Bad(400, f"Bad Request: message can't be {doing}ed")
        return message

    def _edit_text(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        text, entities = rules.marked_up(fields.get("text", ""), fields.get("parse_mode", ""))
        if not text:
            raise wrong("message text is empty")
        if rules.units(text) > rules.TEXT_MAX:
            raise wrong("message is too long")
        message = self._own(bot, fields, "edit")
        if message.kind != "text":
            raise Bad(400, "Bad Request: there is no text in the message to edit")
        return self._change(message, fields, text, entities, fields["text"])

    def _edit_caption(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        text, entities = rules.marked_up(fields.get("caption", ""), fields.get("parse_mode", ""))
        if rules.units(text) > rules.CAPTION_MAX:
            raise wrong("message caption is too long")
        return self._change(self._own(bot, fields, "edit"), fields, text, entities, fields.get("caption", ""))

    def _edit_markup(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        message = self._own(bot, fields, "edit")
        return self._change(message, fields, message.text, message.entities, message.html)

    def _change(
        self, message: FakeMessage, fields: Fields, text: str, entities: list[dict[str, Any]], html: str
    ) -> dict[str, Any]:
        markup = structure(fields, "reply_markup")
        if markup is not None and "inline_keyboard" not in markup:
            raise wrong("inline keyboard expected")
        markup = rules.keyboard(markup, private=message.chat.kind == "private") if markup else None
        markup = markup if markup and markup["inline_keyboard"] else None
        if (text, html, markup) == (message.text, message.html, message.markup):
            raise Bad(400, _NOT_MODIFIED)
        self._telegram.count(message.chat)
        message.edits.append(message.text)
        message.text, message.html, message.markup = text, html, markup
        message.entities = [*entities, *commands_in(text)]
        message.edited_at = self._telegram.now()
        return message.json()

    def _delete(self, bot: FakeBot, fields: Fields, _files: Files) -> bool:
        chat = self._chat(bot, fields)
        message = chat.find(number(fields, "message_id"))
        if message is None:
            raise Bad(400, "Bad Request: message to delete not found")
        if message.sender is not bot and chat.kind != "private" and chat.status(bot.id) != "administrator":
            raise Bad(400, "Bad Request: message can't be deleted")
        message.deleted = True
        return True

    def _answer_press(self, bot: FakeBot, fields: Fields, _files: Files) -> bool:
        for press in self._telegram.pressed:
            age_s = (self._telegram.now() - press.at).total_seconds()
            if press.id != fields.get("callback_query_id") or press.bot is not bot or age_s > QUERY_LIVES_S:
                continue
            if rules.units(fields.get("text", "")) > rules.ALERT_MAX:
                raise wrong("MESSAGE_TOO_LONG")
            if press.answer is None:
                press.answer = {"text": fields.get("text", ""), "show_alert": truth(fields, "show_alert")}
                return True
        raise Bad(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")

    # Menus, files ----------------------------------------------------------------------------------------------

    @staticmethod
    def _set_commands(bot: FakeBot, fields: Fields, _files: Files) -> bool:
        bot.menus[rules.scope(fields)] = rules.commands(fields)
        return True

    @staticmethod
    def _delete_commands(bot: FakeBot, fields: Fields, _files: Files) -> bool:
        bot.menus.pop(rules.scope(fields), None)
        return True

    def _get_file(self, bot: FakeBot, fields: Fields, _files: Files) -> dict[str, Any]:
        del bot
        known = self._telegram.files.get(fields.get("file_id", ""))
        if known is None:
            raise Bad(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        path, _content, size = known
        if size > FILE_MAX:
            raise Bad(400, "Bad Request: file is too big")
        return {"file_id": fields["file_id"], "file_unique_id": "AQAD", "file_size": size, "file_path": path}
