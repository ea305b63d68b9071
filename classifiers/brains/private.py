"""What may not leave the house is replaced by a readable word: [phone], [card], [charger], [name] and the like.

More is taken out than a person would: a number that is wrongly blanked costs a model little, one that is wrongly sent
cannot be had back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from classifiers.clean import capped, visible
from classifiers.entities import Mention, find_mentions
from models.reading import Registers

PLACEHOLDERS = {"phone": "[phone]", "ticket": "[ticket]", "tag": "[card]", "charger": "[charger]", "serial": "[serial]"}
"""Sums, error codes and connectors name nobody and stay, unless they are long enough to be a number of somebody's."""
MOST_DIGITS, MOST_KEPT = 7, 500
_KEPT = 0xF000  # no text has these signs: cleaning takes them out

_REST = r"[^\s\d.,;:!?()\[\]\uf000-\uf8ff]"
_NAME = rf"(?P<name>[^\W\d_]{_REST}*(?:[ \t]+[A-Z\u00c0-\u00de]{_REST}*){{0,3}})"
_INTRODUCED = re.compile(
    r"(?i:\b(?:my\s+(?:full\s+)?name(?:\s+is|'s|’s)?|the\s+name\s+is|name\s*[:=]|mi\s+nombre\s+(?:completo\s+)?es"
    r"|me\s+llamo|mage\s+nama|en\s+(?:peyar|peyer|per)|ennoda\s+(?:peyar|per))|මගේ\s+නම|නම\s*[:=]|என்\s+பெயர்"
    r"|எனது\s+பெயர்|பெயர்\s*[:=])\s*[:=,-]?\s*" + _NAME
)
_SPEAKING = re.compile(r"(?i:\b(?:this\s+is|i\s+am|i['’]m|soy|it['’]s))\s+" + _NAME.replace("[^\\W\\d_]", "[A-Z]"))
_SIGNED = re.compile(
    r"(?im)^[ \t]*(?:(?:best|kind|warm)?[ \t]*regards|yours(?:[ \t]+(?:sincerely|faithfully))?|thanks|thank you|saludos"
    r"|atentamente|gracias)[ \t]*[,.!-]+\s*(?P<name>[^\n]{2,60}?)[ \t]*$"
)
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Rev|Sra?|Srta|Don|Doña)\.?[ \t]+" + _NAME)
_EMAIL = re.compile(r"[^\s@<>()\[\],;]{1,64}@[^\s@<>()\[\],;]{1,190}\.[^\s@<>()\[\],;.]{2,24}")
_LINK = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+|\b[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+/\S*")
_HANDLE = re.compile(r"(?<![\w@])@[A-Za-z0-9_.]{3,}")
_PLATE = re.compile(r"(?<!\w)(?:[A-Z]{2}[ -]?)?[A-Z]{2,3}[ -]?\d{4}(?!\w)")
_HEX = re.compile(r"(?<!\w)(?=[0-9A-Fa-f:-]*\d)(?:[0-9A-Fa-f]{2}[:-]?){3,}[0-9A-Fa-f]{2}(?!\w)")
_DIGITS = re.compile(r"(?<![\d.,])\+?\d(?:[\s().\-/]{0,2}\d){4,}[vVxX]?")
_MIXED = re.compile(r"(?<!\w)(?=\w*\d)(?=\w*[A-Za-z])\w{8,}(?!\w)")
_SPACE = re.compile(r"[^\S\n]+")


def readable(text: str, registers: Registers, names: Sequence[str] = ()) -> str:
    """The text without personal data, bounded and cleaned; `names` are words that name its writer."""
    shown = visible(capped(text)[0])
    for pattern, word in ((_EMAIL, "[email]"), (_LINK, "[link]"), (_HANDLE, "[name]")):
        shown = pattern.sub(f" {word} ", shown)
    kept: list[str] = []
    shown = _without_entities(shown, find_mentions(shown, registers), kept)
    for name in sorted(names, key=len, reverse=True):
        shown = re.sub(rf"(?i)(?<!\w){re.escape(name)}(?!\w)", "[name]", shown)
    for pattern in (_INTRODUCED, _SPEAKING, _SIGNED, _TITLED):
        shown = pattern.sub(_unnamed, shown)
    for pattern, word in ((_PLATE, "[plate]"), (_HEX, "[number]"), (_DIGITS, "[number]"), (_MIXED, "[number]")):
        shown = pattern.sub(word, shown)
    for index, words in enumerate(kept):
        shown = shown.replace(chr(_KEPT + index), words)
    return _SPACE.sub(" ", shown).strip()


def _without_entities(text: str, mentions: Sequence[Mention], kept: list[str]) -> str:
    """Sums, error codes and connectors are put into `kept`, so that the rules for numbers pass over them."""
    out: list[str] = []
    at = 0
    for mention in mentions:
        words = text[mention.start : mention.end]
        if mention.kind in PLACEHOLDERS:
            shown = f" {PLACEHOLDERS[mention.kind]} "
        elif sum(sign.isdigit() for sign in words) > MOST_DIGITS or len(kept) == MOST_KEPT:
            shown = " [number] "
        else:
            shown = chr(_KEPT + len(kept))
            kept.append(words)
        out += (text[at : mention.start], shown)
        at = mention.end
    return "".join((*out, text[at:]))


def _unnamed(found: re.Match[str]) -> str:
    begin, end = found.start("name") - found.start(), found.end("name") - found.start()
    return found[0][:begin] + "[name]" + found[0][end:]
