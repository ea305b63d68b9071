"""Coming in: is it really Twilio, what is the row, what does it say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator, compare

from bot.channels.whatsapp.settings import WhatsAppSettings
from models.contact import IdentityKind
from models.conversation import conversation_key
from models.inbox import InboxRow
from models.message import Heard, Location, MediaRef, MessageKind

__all__ = ["MAX_BODY", "Rejected", "Verified", "WhatsAppSettings", "inbox_row", "parse", "verify"]

CHANNEL = "whatsapp"
FORM = "application/x-www-form-urlencoded"
MAX_BODY = 64 * 1024
MAX_FIELDS = 500
MAX_MEDIA = 10

_SID = re.compile(r"[A-Za-z0-9]{2,64}")
_ADDRESS = re.compile(r"whatsapp:[^\s\x00-\x1f]{1,150}")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Verified:
    """Twilio signed it. `form` holds every field, blank ones too; of a field given twice the first."""

    form: dict[str, str]


@dataclass(frozen=True)
class Rejected:
    """Not taken: an HTTP status, a code for counters, and a line for whoever reads Twilio's debugger."""

    status: int
    code: str
    reason: str


def verify(
    settings: WhatsAppSettings,
    path: str,
    raw_query: str,
    raw_body: bytes,
    signature: str | None,
    *,
    content_type: str = FORM,
) -> Verified | Rejected:
    """Check a webhook's signature over PUBLIC_URL, the raw path and query, and every form field, blank ones too."""
    if len(raw_body) > MAX_BODY:
        return Rejected(413, "too_large", f"the body is larger than {MAX_BODY} bytes")
    if content_type.partition(";")[0].strip().lower() != FORM:
        return Rejected(415, "not_a_form", f"the body must be {FORM}")
    if not signature or not settings.tokens:
        return Rejected(403, "unsigned", "the X-Twilio-Signature header is missing or no auth token is set")
    try:
        pairs = parse_qsl(
            raw_body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw_body),
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        return Rejected(400, "bad_form", "the form cannot be read")
    url, fields = settings.signed_url(path, raw_query), _Fields()
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    if not any(_signed(token, url, fields, signature) for token in settings.tokens):
        return Rejected(403, "bad_signature", "the signature does not fit PUBLIC_URL and the auth token")
    return Verified({name: _CONTROL.sub("", values[0]) for name, values in fields.items()})


class _Fields(dict[str, list[str]]):
    """A form in which a name may stand twice, in the shape that the validator asks for."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def _signed(token: str, url: str, fields: _Fields, signature: str) -> bool:
    validator = RequestValidator(token)
    try:
        # Nearly every call is signed over the plain address; the other forms of the port cost twice as much.
        plain = validator.compute_signature(url, fields)
        return bool(compare(plain, signature) or validator.validate(url, fields, signature))
    except ValueError:  # a port or a header that cannot be one
        return False


def flaw(form: Mapping[str, str]) -> Rejected | None:
    """What makes a signed inbound message impossible to keep or answer; None where it is whole."""
    if not _SID.fullmatch(form.get("MessageSid", "")):
        return Rejected(400, "no_message_sid", "MessageSid is missing or malformed")
    for name in ("From", "To"):
        if not _ADDRESS.fullmatch(form.get(name, "")):
            return Rejected(400, f"no_{name.lower()}", f"{name} is missing or is not a whatsapp: address")
    return None


def inbox_row(form: Mapping[str, str]) -> InboxRow:
    """The durable row of a message without a flaw. A repeat of the webhook makes the same row."""
    account, sender = form["To"], form["From"]
    lane = conversation_key(CHANNEL, account, sender)
    return InboxRow(CHANNEL, account, form["MessageSid"], lane, {"form": dict(form)})


def parse(raw: Mapping[str, Any]) -> Heard:
    """What an inbox row says. A malformed optional field is passed over; the message is never lost for it."""
    form: dict[str, str] = raw["form"]
    sender = form["From"]
    kind, identity = _identity(sender.removeprefix("whatsapp:"))
    media, location = _media(form), _location(form)
    payload = form.get("ButtonPayload") or form.get("ListId") or None
    return Heard(
        channel=CHANNEL,
        account=form["To"],
        address=sender,
        external_id=form["MessageSid"],
        identity_kind=kind,
        identity=identity,
        kind=_kind(form, pressed=payload is not None, media=bool(media), location=location is not None),
        text=_text(form),
        payload=payload[:300] if payload else None,
        sender_name=" ".join(form.get("ProfileName", "").split())[:200],
        aliases=_aliases(form, identity),
        media=media,
        location=location,
        extra=_extra(form),
    )


def _identity(name: str) -> tuple[str, str]:
    """A phone where one is visible; otherwise WhatsApp's own id of the person."""
    kind = IdentityKind.PHONE if _PHONE.fullmatch(name) else IdentityKind.WA_USER
    return kind.value, name


def _aliases(form: Mapping[str, str], identity: str) -> tuple[tuple[str, str], ...]:
    ids = (form.get(name, "").removeprefix("whatsapp:").strip() for name in ("ExternalUserId", "ParentExternalUserId"))
    return tuple((IdentityKind.WA_USER.value, each) for each in ids if each and each != identity and len(each) <= 160)


def _kind(form: Mapping[str, str], *, pressed: bool, media: bool, location: bool) -> MessageKind:
    if pressed or form.get("ButtonText"):
        return MessageKind.BUTTON
    if media:
        return MessageKind.MEDIA
    if location:
        return MessageKind.LOCATION
    if form.get("MessageType", "").lower() == "system" or not _text(form).strip():
        return MessageKind.UNSUPPORTED
    return MessageKind.TEXT


def _text(form: Mapping[str, str]) -> str:
    return form.get("Body") or form.get("ButtonText") or form.get("ListTitle") or ""


def _media(form: Mapping[str, str]) -> tuple[MediaRef, ...]:
    """By the addresses that are there, whatever NumMedia says."""
    found = []
    for n in range(MAX_MEDIA):
        url = form.get(f"MediaUrl{n}", "").strip()
        if url.startswith(("https://", "http://")):
            found.append(MediaRef(url, form.get(f"MediaContentType{n}", "").strip()[:120]))
    return tuple(found)


def _location(form: Mapping[str, str]) -> Location | None:
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except (KeyError, ValueError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # also false for nan
        return None
    label = form.get("Label") or form.get("Address") or ""
    return Location(latitude, longitude, label[:200])


_EXTRA = {
    "MessageType": "message_type",
    "OriginalRepliedMessageSid": "reply_to",
    "OptOutType": "opt_out",
    "InteractiveData": "interactive",
    "RecoveredSentAt": "sent_at",
    "Address": "address",
}


def _extra(form: Mapping[str, str]) -> dict[str, Any]:
    extra: dict[str, Any] = {key: form[name][:1000] for name, key in _EXTRA.items() if form.get(name)}
    for name, key in (("Forwarded", "forwarded"), ("FrequentlyForwarded", "frequently_forwarded")):
        if form.get(name, "").lower() == "true":
            extra[key] = True
    referral = {name: value[:1000] for name, value in form.items() if name.startswith("Referral") and value.strip("0")}
    if referral:
        extra["referral"] = referral
    return extra
