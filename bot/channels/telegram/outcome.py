"""What an error of python-telegram-bot's means for an outbox row."""

from __future__ import annotations

import random

import httpx
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.channels.telegram.client import seconds
from models.outbox import Moved, OutcomeUnknown, Refused, RetryLater, SendResult

REVOKED_PAUSE_S = 300.0
"""A token that is not valid parks the account: nothing is lost while somebody mends it."""
MAX_BACKOFF_S = 300.0

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_NOBODY = ("chat not found", "user not found", "user is deactivated", "peer_id_invalid", "user_is_blocked")
_NOT_THERE = ("message to edit not found", "message can't be edited", "there is no text in the message")


def judge(error: TelegramError, *, rendered: str, attempts: int, repeatable: bool = False) -> SendResult:
    """The result of a call that failed. `repeatable`: doing it twice does no harm."""
    match error:
        case RetryAfter():
            return RetryLater(seconds(error) + random.uniform(0, 1), "429", pause_account=True)
        case ChatMigrated():
            return Moved(str(error.new_chat_id))
        case Forbidden():
            return Refused("403", str(error)[:200], address_dead=True)
        case InvalidToken():
            return RetryLater(REVOKED_PAUSE_S, "401 the token is not valid", pause_account=True)
        case BadRequest():
            return Refused("400", str(error)[:200], address_dead=_says(error, _NOBODY))
        case NetworkError() if isinstance(error.__cause__, _NOT_SENT):
            return RetryLater(backoff(attempts), f"not reached: {type(error.__cause__).__name__}")
    if repeatable:
        return RetryLater(backoff(attempts), f"no answer: {type(error).__name__}")
    return OutcomeUnknown(f"no answer: {type(error).__name__}", rendered)


def unreadable_markup(error: TelegramError) -> bool:
    """Telegram cannot read our markup: it is sent once more without."""
    return isinstance(error, BadRequest) and _says(error, ("can't parse entities",))


def unchanged(error: TelegramError) -> bool:
    """An edit changed nothing: it is as wanted already."""
    return isinstance(error, BadRequest) and _says(error, ("message is not modified",))


def cannot_edit(error: TelegramError) -> bool:
    """There is nothing to edit: it is sent anew."""
    return isinstance(error, BadRequest) and _says(error, _NOT_THERE)


def backoff(attempts: int) -> float:
    """Seconds until the next try: doubling, with jitter so that many do not come back together."""
    return min(2.0**attempts, MAX_BACKOFF_S) * random.uniform(0.75, 1.25)


def _says(error: TelegramError, words: tuple[str, ...]) -> bool:
    said = str(error).lower()
    return any(word in said for word in words)
