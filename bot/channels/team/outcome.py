"""What Telegram's refusals mean for a send: typed by aiogram, told apart by Telegram's own words where it must be."""

from __future__ import annotations

from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiohttp import ClientConnectorError

from models.outbox import Moved, OutcomeUnknown, Refused, RetryLater, SendResult

TOKEN_PAUSE_S = 300
MARGIN_S = 1.0
"""Beyond what Telegram asks for: its clock and ours differ."""
_LONGEST_S = 300
_NOBODY = (
    "chat not found", "user is deactivated", "peer_id_invalid", "not enough rights to send", "have no rights to send",
    "chat_write_forbidden", "bot was kicked", "bot is not a member", "group chat was deactivated",
)  # fmt: skip
_CANNOT_EDIT = (
    "message to edit not found",
    "message can't be edited",
    "there is no text in the message",
    "message_id_invalid",
)
_NO_TOPIC = ("message thread not found", "topic_closed", "topic_deleted")


def unchanged(error: AiogramError) -> bool:
    """The message says already what it should: as good as done."""
    return isinstance(error, TelegramBadRequest) and "message is not modified" in error.message.lower()


def cannot_edit(error: AiogramError) -> bool:
    """The message that was to be changed is not there any more; another one must say it."""
    return isinstance(error, TelegramBadRequest) and _says(error, _CANNOT_EDIT)


def no_topic(error: AiogramError) -> bool:
    """The topic was closed or deleted; the group is still there."""
    return isinstance(error, TelegramBadRequest) and _says(error, _NO_TOPIC)


def judge(error: AiogramError, *, rendered: str, attempts: int, group: bool, repeatable: bool) -> SendResult:
    """What became of a call that raised. `repeatable`: doing it twice is as good as once, so no doubt is needed."""
    match error:
        case TelegramRetryAfter():
            # A group's limit is its own; where a single chat is asked to slow down, the whole bot is.
            return RetryLater(error.retry_after + MARGIN_S, "429", pause_account=not group)
        case TelegramMigrateToChat():
            return Moved(str(error.migrate_to_chat_id))
        case TelegramUnauthorizedError() | TelegramNotFound():
            return RetryLater(TOKEN_PAUSE_S, "the token is not valid", pause_account=True)
        case TelegramForbiddenError():
            return Refused("403", error.message, address_dead=True)
        case TelegramEntityTooLarge():
            return Refused("413", error.message)
        case TelegramBadRequest():
            return Refused("400", error.message, address_dead=_says(error, _NOBODY))
        case TelegramConflictError():
            return RetryLater(_backoff_s(attempts), "409")
        case TelegramNetworkError() if isinstance(error.__cause__, ClientConnectorError):
            return RetryLater(_backoff_s(attempts), "no connection")
        case TelegramNetworkError() | TelegramServerError():
            return _doubtful(error.message, rendered, attempts, repeatable)
        case TelegramAPIError():
            return Refused(type(error).__name__, error.message)
    return _doubtful(type(error).__name__, rendered, attempts, repeatable)


def _doubtful(reason: str, rendered: str, attempts: int, repeatable: bool) -> SendResult:
    return RetryLater(_backoff_s(attempts), reason) if repeatable else OutcomeUnknown(reason, rendered)


def _backoff_s(attempts: int) -> float:
    return float(min(2**attempts, _LONGEST_S))


def _says(error: TelegramAPIError, words: tuple[str, ...]) -> bool:
    text = error.message.lower()
    return any(word in text for word in words)
