"""What Telegram tells of the chats themselves: our bot came or went, a group became a supergroup."""

from __future__ import annotations

from desk import inbox, members, outbox, team_chats, team_loss
from desk.work import Work
from models.member import MemberIdentityKind
from models.message import Heard
from models.outbox import Parcel, Refused, SendResult
from models.reply import Intent, Reply


def is_news(heard: Heard) -> bool:
    """Whether it is about a chat, said by nobody."""
    return any(key in heard.extra for key in ("inside", "moved_to", "moved_from"))


def take(work: Work, inbox_id: int, heard: Heard) -> None:
    """Keep our list of chats true; the row is done."""
    if "moved_to" in heard.extra:
        team_chats.moved(work, heard.address, heard.extra["moved_to"])
    elif "moved_from" in heard.extra:
        team_chats.moved(work, heard.extra["moved_from"], heard.address)
    elif heard.extra.get("chat_type") != "private":
        if heard.extra["inside"]:
            _came(work, inbox_id, heard)
        else:
            team_loss.lost(work, heard.address, heard.sender_name)
    inbox.done(work, inbox_id)


def followed(work: Work, parcel: Parcel, result: SendResult) -> None:
    """A send found us out of a group: said before the outbox closes the chat, so that it is said aloud."""
    if isinstance(result, Refused) and result.address_dead and parcel.address.startswith("-"):
        team_loss.lost(work, parcel.address, result.reason)


def _came(work: Work, inbox_id: int, heard: Heard) -> None:
    """Back in a group of ours; or in a new one, where a member who brought us hears how it is registered."""
    if team_chats.reopen(work, heard.address) or team_chats.at(work, heard.address) is not None:
        return
    member = members.by_identity(work, MemberIdentityKind.TELEGRAM, heard.identity)
    if member is not None:
        outbox.post(
            work, heard.address, Reply("team.added"), key=f"staff:{inbox_id}", language=member.language,
            intent=Intent.RECEIPT,
        )  # fmt: skip
