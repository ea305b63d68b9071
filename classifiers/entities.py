"""The things a text names, by rules: chargers, tickets, phones, money, tags, connectors, error codes, serials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers

from classifiers.money import AFTER, amounts
from classifiers.names import names_of
from models.reading import AmountEntity, Entities, Registers

PRECEDENCE = ("phone", "ticket", "tag", "charger", "amount", "error", "serial", "connector")
"""Where two readings of the same characters overlap, the kind that comes first here stays."""
MASKS = {kind: chr(0xE000 + index) for index, kind in enumerate(PRECEDENCE)}

_NO = (
    r"(?:(?:eke?|එකේ?|oda|da)\s{1,2})?"
    r"(?:id|no\.?|num(?:ber|bar|ero)?|número|n[°º]|nr\.?|nummer|numéro|#|enn?|ankaya"
    r"|අංකය?|නම්බර්|එක|எண்|நம்பர்|नंबर)?(?:\s{1,2}(?:eka|එක|is|es|:))?"
)
"""What may stand between a thing's word and its number, in every language: number, no., anka, en, número …"""
_TICKET = re.compile(
    r"(?<![A-Za-z0-9])(?:TKT\s{0,2}[-–#]?\s{0,2}"
    rf"|(?:tickets?|tiquete|tikat|ටිකට්|டிக்கெட்|टिकट)\s{{0,2}}{_NO}\s{{0,2}}[:#]?\s{{0,2}})(\d{{1,10}})(?!\d)",
    re.I,
)
_CHARGER_WORD = (
    r"(?:charger|chargers|station|(?<!per\s)(?<!/)unit|machine|evse|cp|charge\s?point|charging\s?(?:point|station)"
    r"|borne|cargador|estaci[oó]n"
    r"|s[äa]ule|ladestation|chajer|චාජර්|චාජර|ස්ටේෂන්|சார்ஜர்|நிலையம்)"
)
_CHARGER_NAMED = re.compile(
    rf"{_CHARGER_WORD}\s{{0,2}}{_NO}\s{{0,2}}[:#-]?\s{{0,2}}"
    r"([A-Z]{0,4}-?\d{3,10})(?![A-Za-z0-9])",
    re.I,
)
_CHARGER_BARE = re.compile(r"(?<![\w.,:/+#=-])#?(1\d{5})(?![\w])(?![.,]\d)")
_ID_TOKEN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9](?:[A-Za-z0-9_-]{0,34}[A-Za-z0-9])?(?![A-Za-z0-9])")

_HEX_TAG = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-F]{2}[:\- ]){3,9}[0-9A-F]{2}(?![0-9A-Za-z:])"
    r"|(?<![0-9A-Za-z-])[0-9A-F]{8,20}(?![0-9A-Za-z-])",
    re.I,
)
_TAG_WORDS = (
    r"(?:rfid(?:\s{1,2}(?:card|tag|fob))?|id\s?tag|idtag|tag|card|fob|llavero|tarjeta"
    r"|badge|karte|ladekarte|ටැග්|කාඩ්(?:\s?එක)?"
    r"|டேக்|அட்டை|கார்டு?)"
)
_NAMED_TAG = re.compile(
    rf"(?<![\w]){_TAG_WORDS}\s{{0,2}}{_NO}\s{{0,2}}[:#]?"
    r"\s{0,2}([A-Z0-9][A-Z0-9-]{2,19})(?![\w])",
    re.I,
)

_CONNECTOR = re.compile(
    r"(?<![\w])(?:connector|conn|gun|plug|outlet|socket|conector|pistola|manguera|stecker|prise"
    r"|කනෙක්ටර්|ගන්|ප්ලග්|கனெக்டர்|பிளக்|கன்)"
    rf"\s{{0,2}}{_NO}\s{{0,2}}[:#-]?\s{{0,2}}([1-9])(?![\d.,]*\d)",
    re.I,
)
_UNITS = (
    r"kwh?|wh|kwp|mwh?|kva|watts?|volts?|amps?|units|%"
    r"|kms?|kilomet(?:er|re)s?|kil[oó]metros?|met(?:er|re)s|metros|m[eè]tres|mtrs?|miles|feet|ft|cm"
    r"|(?:කිලෝ)?මීටර්|කිලෝවොට්|(?:கிலோ)?மீட்டர்"
    r"|secs?|seconds|segundos|sekunden|mins?|minutes|minutos|minuten|hrs?|hours|horas|stunden|heures"
    r"|days|d[ií]as|tagen?|jours|weeks|semanas|wochen|semaines|months|meses|monaten?|mois|years|años|jahren?"
    r"|times(?!\s?-?out)|veces|fois|mani\s?ner\w*|நா(?:ள்|ளா|ட்கள)|வாரம|மாசம|மாதம|மணி\s?நேர|நிமி[ஷட]|தடவை"
)
_SHORT_UNITS = (
    r"m|h|(?-i:[WV])|met(?:er|re)(?=\s(?:away|from|far|weiter|entfernt))|minute|hour|day(?!\s(?:before|after))"
    r"|week|month|year|naala?|vaarama?|maasama?|nimi[ds]h?ama?|thadavai?"
)
"""Units that are also other words, so only a number of up to four digits has them: `charger 100003 m stuck`."""
_NOT_POSTPOSED = r"(?![A-Za-z0-9'’])(?!\s{0,2}\d{1,3}\s?(?:k(?!\w)|ක))"
"""Sinhala writes the number after the unit: in `ticket 1045 hours 3k` the hours are not the ticket's."""
_RATE = r"\s{0,2}(?:(?:/|per\s)\s?)?"
_COUNTED = re.compile(rf"{_RATE}(?:{_UNITS}){_NOT_POSTPOSED}|{AFTER}", re.I)
_SHORT_COUNTED = re.compile(
    r"(?:[.,]\d{1,3}){0,4}(?:[-–]\d{1,3})?"
    rf"(?:{_RATE}(?:{_UNITS}|{_SHORT_UNITS}){_NOT_POSTPOSED}|\s{{0,2}}(?:/|per\s)\s?unit(?!\w)|{AFTER})",
    re.I,
)
_MODEL_YEAR = re.compile(r"(?:19|20)\d\d\s{1,2}(?:model[ol]?|modèle|version|මොඩල්|மாடல்)(?![A-Za-z0-9])", re.I)
_SECRET = re.compile(
    r"(?<!\w)(?:(?:otp|pin|passcode|password|pwd|passwort|kennwort|contraseña|clave|ඕටීපී|මුරපදය|ஓடிபி|கடவுச்சொல்)"
    rf"|({_CHARGER_WORD}(?:['’]?s)?\s{{1,2}}|qr\s)?(?:code|c[oó]digo|කෝඩ්|கோட்))"
    r"(?:\s{1,2}(?:code|number|no\.?|eka|එක|is|was|es|ist|est))*[\s:=#-]{0,4}\Z",
    re.I,
)
"""A word for something to type in, right before a number; a charger's own code or its QR code is its id."""
_SECRET_REACH = 40  # characters

_ORDINALS = {
    "first": 1, "1st": 1, "primer": 1, "primera": 1, "premier": 1, "erste": 1, "palaweni": 1, "පළවෙනි": 1, "muthal": 1,
    "முதல்": 1, "second": 2, "2nd": 2, "segundo": 2, "segunda": 2, "deuxième": 2, "zweite": 2, "deweni": 2,
    "දෙවෙනි": 2, "rendavathu": 2, "irandavathu": 2, "இரண்டாவது": 2, "ரெண்டாவது": 2, "third": 3, "3rd": 3,
    "tercer": 3, "tercera": 3, "4th": 4, "fourth": 4,
}  # fmt: skip
_ORDINAL_CONNECTOR = re.compile(
    rf"(?<!\w)({'|'.join(_ORDINALS)})\s{{1,2}}(?:connector|gun|plug|outlet|conector|pistola|manguera|stecker|prise"
    r"|ගන්|කනෙක්ටර්|கன்|கனெக்டர்|connecteur)",
    re.I,
)

ERROR_CODES = (
    "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError",
    "LocalListConflict", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure",
    "PowerSwitchFailure", "ReaderFailure",
    "ResetFailure", "UnderVoltage", "WeakSignal",
)  # fmt: skip
_CODE_NAMES = {name.lower(): name for name in ERROR_CODES}
_OCPP_CODE = re.compile(
    r"(?<![A-Za-z])(?:"
    + "|".join(re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=EV)(?=C)", r"[ _-]?", name) for name in ERROR_CODES)
    + r")(?![A-Za-z])",
    re.I,
)
_VENDOR_CODE = re.compile(
    r"(?<!\w)(?:error|err|fault|code|error\s{1,2}code|fault\s{1,2}code|fehler(?:code)?|fallo|c[oó]digo|erreur"
    r"|දෝෂ(?:ය)?|කෝඩ්|பிழை|கோட்|எரர்)"
    r"\s{0,2}(?:code|c[oó]digo|කේතය|குறியீடு|no\.?|#|eka)?\s{0,2}[:#-]?\s{0,2}"
    r"((?:0x[0-9A-F]{1,8})|[A-Z]{0,3}-?\d{1,5})(?![\w])",
    re.I,
)
_BARE_CODE = re.compile(r"(?<![\w-])([EF]-?\d{2,4})(?![\w])")
_SERIAL = re.compile(
    r"(?<!\w)(?:s/n|sn|serial|n[uú]mero de serie|seriennummer|numéro de série|serie|සීරියල්|சீரியல்|தொடர்)"
    rf"\s{{0,2}}{_NO}\s{{0,2}}[:#.-]?\s{{0,2}}([A-Z0-9][A-Z0-9-]{{4,29}})(?!\w)",
    re.I,
)


@dataclass(frozen=True)
class Mention:
    """A stretch of the text and what it names."""

    kind: str
    start: int
    end: int
    value: str
    currency: str = ""
    sure: bool = True


def _phones(text: str, region: str) -> Iterator[Mention]:
    if sum(char.isdigit() for char in text) < 6:
        return
    known = region.upper() if region.upper() in phonenumbers.SUPPORTED_REGIONS else None
    for match in phonenumbers.PhoneNumberMatcher(text, known, max_tries=200):
        number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        yield Mention("phone", match.start, match.end, number)


def _counts(text: str, start: int, end: int) -> bool:
    """Whether the number there tells how much, how long or which year: 50 kW, 2 hours, 120 rupees, a 2024 model."""
    follows = _SHORT_COUNTED if end - start <= 4 else _COUNTED
    return follows.match(text, end) is not None or _MODEL_YEAR.match(text, start) is not None


def _is_secret(text: str, start: int) -> bool:
    """Whether what begins there is a password of some kind: otp 123456."""
    before = _SECRET.search(text, max(0, start - _SECRET_REACH), start)
    return before is not None and not before[1]


def _tickets(text: str) -> Iterator[Mention]:
    for match in _TICKET.finditer(text):
        if _counts(text, *match.span(1)):
            continue
        if match.group(0)[:3].lower() == "tkt" or len(match.group(1)) <= 7:
            yield Mention("ticket", match.start(), match.end(), f"TKT-{int(match.group(1)):06d}")


def _is_tag(token: str, named: bool, known: dict[str, str]) -> bool:
    plain = re.sub(r"[:\- ]", "", token).upper()
    if token.upper() in known or plain in known:
        return True
    letters, digits = any(c.isalpha() for c in plain), any(c.isdigit() for c in plain)
    is_hex = all(c in "0123456789ABCDEF" for c in plain)
    if is_hex and len(plain) in (8, 14, 20) and (named or (letters and digits)):
        return True
    return named and digits and (letters or len(plain) >= 8) and len(plain) >= 6


def _tags(text: str, registers: Registers) -> Iterator[Mention]:
    known = {tag.upper(): tag for tag in registers.id_tags}
    for pattern, named in ((_NAMED_TAG, True), (_HEX_TAG, False), (_ID_TOKEN, False)):
        if pattern is _ID_TOKEN and not known:
            continue
        for match in pattern.finditer(text):
            token = match.group(match.lastindex or 0)
            sure = token.upper() in known if pattern is _ID_TOKEN else _is_tag(token, named, known)
            if sure:
                plain = re.sub(r"[:\- ]", "", token).upper()
                value = known.get(token.upper()) or known.get(plain) or plain
                certain = named or value in registers.id_tags
                yield Mention("tag", *match.span(match.lastindex or 0), value, sure=certain)


_EDITS = "0123456789"


def _neighbour(token: str, chargers: dict[str, str]) -> str | None:
    """The only registered charger within one edit of a mistyped id of five digits or more."""
    found: set[str] = set()
    for at in range(len(token) + 1):
        head, tail = token[:at], token[at:]
        candidates = [head + tail[1:]] if tail else []
        candidates += [head + digit + tail for digit in _EDITS]
        candidates += [head + digit + tail[1:] for digit in _EDITS] if tail else []
        found.update(candidate for candidate in candidates if candidate in chargers)
    return found.pop() if len(found) == 1 else None


def _resolve(token: str, registers: Registers) -> str:
    """The registered id that a typed one means, or the typed one."""
    if token in registers.chargers:
        return token
    if token.upper() in registers.chargers:
        return token.upper()
    if token.isdigit() and len(token) >= 5:
        return _neighbour(token, registers.chargers) or token
    return token.upper()


def _names_nothing(text: str, start: int, end: int) -> bool:
    """Whether a number that no charger word stands before is a quantity or a password."""
    return _counts(text, start, end) or _is_secret(text, start)


def _chargers(text: str, registers: Registers) -> Iterator[Mention]:
    exact = names_of(registers).ids
    for match in _ID_TOKEN.finditer(text) if exact else ():
        token = match.group()
        if token.isdigit() and _names_nothing(text, *match.span()):
            continue
        if token.upper() in exact:
            yield Mention("charger", *match.span(), exact[token.upper()])
        elif token.isdigit() and 5 <= len(token) <= 8 and (near := _neighbour(token, registers.chargers)):
            yield Mention("charger", *match.span(), near, sure=False)
    for match in _CHARGER_BARE.finditer(text):
        if not _names_nothing(text, *match.span(1)):
            yield Mention("charger", *match.span(1), _resolve(match.group(1), registers), sure=False)
    for match in _CHARGER_NAMED.finditer(text):
        if not _counts(text, *match.span(1)):
            yield Mention("charger", *match.span(1), _resolve(match.group(1), registers))


def _codes(text: str) -> Iterator[Mention]:
    for match in _OCPP_CODE.finditer(text):
        name = _CODE_NAMES.get(re.sub(r"[ _-]", "", match.group()).lower())
        if name:
            yield Mention("error", *match.span(), name)
    for pattern in (_VENDOR_CODE, _BARE_CODE):
        for match in pattern.finditer(text):
            yield Mention("error", *match.span(1), match.group(1).upper().replace("0X", "0x"))


def _connectors(text: str) -> Iterator[Mention]:
    for match in _CONNECTOR.finditer(text):
        if not _counts(text, *match.span(1)):
            yield Mention("connector", *match.span(), match.group(1))
    for match in _ORDINAL_CONNECTOR.finditer(text):
        yield Mention("connector", *match.span(), str(_ORDINALS[match.group(1).lower()]))


def _serials(text: str) -> Iterator[Mention]:
    for match in _SERIAL.finditer(text):
        if any(char.isdigit() for char in match.group(1)):
            yield Mention("serial", *match.span(1), match.group(1).upper())


def _all(text: str, registers: Registers) -> Iterator[Mention]:
    yield from _phones(text, registers.default_region)
    yield from _tickets(text)
    yield from _tags(text, registers)
    yield from _chargers(text, registers)
    for start, end, value, currency in amounts(text, registers.currency):
        yield Mention("amount", start, end, value, currency)
    yield from _codes(text)
    yield from _serials(text)
    yield from _connectors(text)


def _rank(mention: Mention) -> tuple[int, int, int]:
    """What is only guessed from its digits gives way to what has a word beside it."""
    kind = mention.kind if mention.sure else "error"
    return (PRECEDENCE.index(kind), mention.start, -mention.end)


def find_mentions(text: str, registers: Registers) -> list[Mention]:
    """Mentions that do not overlap, in order of appearance."""
    kept: list[Mention] = []
    for mention in sorted(_all(text, registers), key=_rank):
        if all(mention.end <= other.start or mention.start >= other.end for other in kept):
            kept.append(mention)
    return sorted(kept, key=lambda one: one.start)


def collect(text: str, mentions: list[Mention], registers: Registers) -> Entities:
    """Mentions as the entities of a Reading, each once."""

    def values(kind: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.value for one in mentions if one.kind == kind))

    money = dict.fromkeys((one.value, one.currency) for one in mentions if one.kind == "amount")
    chargers = (*values("charger"), *names_of(registers).mentioned(text))
    return Entities(
        charger_id=tuple(dict.fromkeys(chargers)),
        ticket_ref=values("ticket"),
        phone=values("phone"),
        amount=tuple(AmountEntity(value=value, currency=currency) for value, currency in money),
        id_tag=values("tag"),
        connector=tuple(int(value) for value in values("connector")),
        error_code=values("error"),
        serial_number=values("serial"),
    )


def masked(text: str, mentions: list[Mention]) -> str:
    """The text with each mention replaced by its kind's mask, so that no model learns who wrote."""
    out: list[str] = []
    at = 0
    for mention in mentions:
        out += (text[at : mention.start], f" {MASKS[mention.kind]} ")
        at = mention.end
    return "".join((*out, text[at:]))
