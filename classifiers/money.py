"""Sums of money in running text: digits in several conventions, a currency before or after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

_WORDS = {
    "LKR": ("lkr", "slr"),
    "INR": ("inr", "₹"),
    "EUR": ("eur", "euro", "euros", "€"),
    "USD": ("usd", "us$", "dollar", "dollars", "dólares", "dolares", "$"),
    "GBP": ("gbp", "£"),
    "MXN": ("mxn",),
    "PEN": ("s/",),
    "AED": ("aed", "dirhams", "dirham"),
    "AUD": ("aud",),
    "CAD": ("cad",),
    "CHF": ("chf",),
    "COP": ("cop",),
    "SGD": ("sgd",),
}
_LOCAL = (
    "rs", "rs.", "re", "rupees", "rupee", "rupiyal", "rupiyel", "rupiah", "rubai", "rupai", "ruba", "roobai",
    "රු", "රු.", "රුපියල්", "ரூ", "ரூ.", "ரூபாய்", "ரூபா", "रु", "रुपये", "රුපියල",
)  # fmt: skip
"""Words for rupees: the installation's own currency where that is a rupee, otherwise Sri Lankan."""
_RUPEES = frozenset({"LKR", "INR", "PKR", "NPR", "MUR", "SCR"})

_CURRENCIES = {word: code for code, words in _WORDS.items() for word in words}


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_ANY = _either((*_CURRENCIES, *_LOCAL))
_LEADING = frozenset({"re", "s/", "රු", "රු.", "ரூ", "ரூ.", "रु"})
"""Short words that stand before a sum; after a number they are more often the start of another word."""
_NUMBER = (
    r"[1-9]\d?(?:,\d{2}){1,4},\d{3}(?:\.\d{1,2})?(?!\d)"
    r"|[1-9]\d{0,2}(?:[.,' ]\d{3}){1,4}(?:[.,]\d{1,2})?(?!\d)"
    r"|0[.,]\d{3}(?!\d)|\d{1,12}(?:[.,]\d{1,2})?(?!\d)"
)
"""Lakhs and crores (1,50,000), groups of three, less than one to a thousandth, plain digits."""
_SCALE = r"(?:\s?(k|lakhs?|laks?|million|mn)(?![A-Za-z0-9]))?"
_BEFORE = re.compile(rf"(?<![A-Za-z0-9])({_ANY})\s{{0,2}}[:=]?\s{{0,2}}({_NUMBER}){_SCALE}(?:/[-=])?", re.I)
_AFTER = re.compile(rf"(?<![\w.,])({_NUMBER}){_SCALE}\s{{0,2}}({_ANY})(?![A-Za-z0-9])", re.I)
_SLASH = re.compile(rf"(?<![\w.,])({_NUMBER})/[-=](?!\w)")
_TRAILING = _either({*_CURRENCIES, *_LOCAL} - _LEADING)
AFTER = rf"(?:/[-=](?!\w)|{_SCALE}\s{{0,2}}(?:{_TRAILING})(?![A-Za-z0-9])(?![.:=\s]{{0,4}}\d))"
"""What follows a number that is a sum. In `ticket 42 rs 500` the currency belongs to the number after it."""
_FACTORS = {"k": 1_000, "l": 100_000, "m": 1_000_000}


def plain_number(written: str) -> str:
    """Decimal digits of a number written as 2,500.00, 2.500,00, 2 500, 2'500 or 1,50,000: `2500.00`."""
    written = written.replace(" ", "").replace("'", "")
    point = max(written.rfind("."), written.rfind(","))
    if point < 0:
        return written
    digits, tail = re.sub(r"[.,]", "", written[:point]), written[point + 1 :]
    if len(tail) == 3 and digits.strip("0"):  # after a zero no thousands follow: 0.125 is a price, kept as written
        return digits + tail
    return f"{digits}.{tail}"


def _value(written: str, scale: str | None) -> str:
    value = plain_number(written)
    if not scale:
        return value
    return format((Decimal(value) * _FACTORS[scale[0].lower()]).normalize(), "f")


def _currency(word: str, own: str) -> str:
    found = _CURRENCIES.get(word.lower())
    if found:
        return found
    return own if own in _RUPEES else "LKR"


def amounts(text: str, own: str) -> Iterator[tuple[int, int, str, str]]:
    """(start, end, value, ISO 4217 currency) of each sum; `own` is the installation's currency."""
    for match in _BEFORE.finditer(text):
        yield *match.span(), _value(match[2], match[3]), _currency(match[1], own)
    for match in _AFTER.finditer(text):
        yield *match.span(), _value(match[1], match[2]), _currency(match[3], own)
    for match in _SLASH.finditer(text):
        yield *match.span(), plain_number(match[1]), own
