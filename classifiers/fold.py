"""One spelling for one sound: Sinhala and Tamil script become Latin letters, then spelling habits are folded.

Drivers write "වැඩ කරන්නේ නැහැ", "weda karanne naha" and "wada karanne ne" for the same words. `roman` bridges
the scripts, `fold` brings the Latin spellings together, so that one model serves all of them.
"""

from __future__ import annotations

import re
import unicodedata

_SI_VOWELS = dict(
    zip(
        "අආඇඈඉඊඋඌඍඑඒඓඔඕඖ",
        ("a", "aa", "ae", "ae", "i", "ii", "u", "uu", "ru", "e", "e", "ai", "o", "o", "au"),
        strict=True,
    )
)
_SI_SIGNS = dict(
    zip(
        "ාැෑිීුූෘෙේෛොෝෞ",
        ("aa", "ae", "ae", "i", "ii", "u", "uu", "ru", "e", "e", "ai", "o", "o", "au"),
        strict=True,
    )
)
_SI_CONSONANTS = {
    **dict(zip("කඛගඝඞඟචඡජඣඤඥ", ["k", "k", "g", "g", "n", "ng", "ch", "ch", "j", "j", "n", "gn"], strict=True)),
    **dict(zip("ටඨඩඪණඬතථදධනඳ", ["t", "t", "d", "d", "n", "nd", "th", "th", "d", "dh", "n", "nd"], strict=True)),
    **dict(zip("පඵබභමඹයරලව", ["p", "p", "b", "b", "m", "mb", "y", "r", "l", "w"], strict=True)),
    **dict(zip("ශෂසහළෆ", ["sh", "sh", "s", "h", "l", "f"], strict=True)),
}
_SI_VIRAMA = "\u0dca"

_TA_VOWELS = dict(zip("அஆஇஈஉஊஎஏஐஒஓஔ", ["a", "aa", "i", "ii", "u", "uu", "e", "e", "ai", "o", "o", "au"], strict=True))
_TA_SIGNS = dict(zip("ாிீுூெேைொோௌ", ["aa", "i", "ii", "u", "uu", "e", "e", "ai", "o", "o", "au"], strict=True))
_TA_CONSONANTS = {
    **dict(zip("கஙசஞடணதநபம", ["k", "ng", "s", "nj", "t", "n", "th", "n", "p", "m"], strict=True)),
    **dict(zip("யரலவழளறன", ["y", "r", "l", "v", "zh", "l", "r", "n"], strict=True)),
    **dict(zip("ஜஷஸஹ", ["j", "sh", "s", "h"], strict=True)),
}
_TA_VIRAMA = "\u0bcd"
_TA_VOICED = {"k": "g", "t": "d", "p": "b"}
_TA_NASALS = frozenset("ஙஞணநமன")
_SIGNS_LEFT = {"\u0d82": "n", "\u0d83": "h", "\u0b83": "f"}


def _sinhala(text: str) -> str:
    out: list[str] = []
    for index, char in enumerate(text):
        consonant = _SI_CONSONANTS.get(char)
        if consonant is not None:
            following = text[index + 1 : index + 2]
            out.append(consonant)
            if following != _SI_VIRAMA and following not in _SI_SIGNS:
                out.append("a")
        elif char != _SI_VIRAMA:
            out.append(_SI_SIGNS.get(char) or _SI_VOWELS.get(char) or _SIGNS_LEFT.get(char, char))
    return "".join(out)


def _tamil(text: str) -> str:
    """Tamil writes one letter for voiced and unvoiced; between vowels and after a nasal it is voiced."""
    out: list[str] = []
    for index, char in enumerate(text):
        consonant = _TA_CONSONANTS.get(char)
        if consonant is None:
            if char != _TA_VIRAMA:
                out.append(_TA_SIGNS.get(char) or _TA_VOWELS.get(char) or _SIGNS_LEFT.get(char, char))
            continue
        before, following = text[max(index - 2, 0) : index], text[index + 1 : index + 2]
        after_nasal = len(before) == 2 and before[1] == _TA_VIRAMA and before[0] in _TA_NASALS
        after_vowel = bool(before) and before[-1] != _TA_VIRAMA and "\u0b80" <= before[-1] <= "\u0bff"
        if after_nasal or (after_vowel and following != _TA_VIRAMA):
            consonant = _TA_VOICED.get(consonant, consonant)
        out.append(consonant)
        if following != _TA_VIRAMA and following not in _TA_SIGNS:
            out.append("a")
    return "".join(out)


_HI_VOWELS = dict(zip("अआइईउऊऋएऐओऔऑ", ["a", "aa", "i", "ii", "u", "uu", "ri", "e", "ai", "o", "au", "o"], strict=True))
_HI_SIGNS = dict(zip("ािीुूृेैोौॉ", ["aa", "i", "ii", "u", "uu", "ri", "e", "ai", "o", "au", "o"], strict=True))
_HI_CONSONANTS = {
    **dict(zip("कखगघङचछजझञ", ["k", "kh", "g", "gh", "n", "ch", "ch", "j", "jh", "n"], strict=True)),
    **dict(zip("टठडढणतथदधन", ["t", "th", "d", "dh", "n", "t", "th", "d", "dh", "n"], strict=True)),
    **dict(zip("पफबभमयरलव", ["p", "f", "b", "bh", "m", "y", "r", "l", "v"], strict=True)),
    **dict(zip("शषसह", ["sh", "sh", "s", "h"], strict=True)),
}
_HI_VIRAMA, _HI_NUKTA, _HI_NASALS = "\u094d", "\u093c", "\u0901\u0902"


def _hindi(text: str) -> str:
    """Hindi leaves the vowel that a word's last consonant implies unspoken, and so do people who type it in Latin."""
    out: list[str] = []
    text = text.replace(_HI_NUKTA, "")
    for index, char in enumerate(text):
        consonant = _HI_CONSONANTS.get(char)
        if consonant is None:
            nasal = "n" if char in _HI_NASALS else char
            out.append("" if char == _HI_VIRAMA else _HI_SIGNS.get(char) or _HI_VOWELS.get(char) or nasal)
            continue
        following = text[index + 1 : index + 2]
        ends = not ("\u0900" <= following <= "\u0963")
        out.append(consonant)
        if not ends and following != _HI_VIRAMA and following not in _HI_SIGNS:
            out.append("a")
    return "".join(out)


def roman(text: str) -> str:
    """Sinhala, Tamil and Hindi script in Latin letters as people type them; everything else stays."""
    if any("\u0d80" <= char <= "\u0dff" for char in text):
        text = _sinhala(text)
    if any("\u0b80" <= char <= "\u0bff" for char in text):
        text = _tamil(text)
    if any("\u0900" <= char <= "\u0963" for char in text):
        text = _hindi(text)
    return text


_ORDER = (
    (re.compile(r"\d+(?:[.,:]\d+)*"), "0"),
    (re.compile(r"ae"), "e"),
    (re.compile(r"ee|ii|iy(?=[^aeiou]|$)"), "i"),
    (re.compile(r"oo|uu"), "u"),
    (re.compile(r"ck|q"), "k"),
    (re.compile(r"ch"), "č"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"c"), "k"),
    (re.compile(r"sh|z(?!h)"), "s"),
    (re.compile(r"zh"), "l"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"(?<=[tdbgkj])h"), ""),
    (re.compile(r"w"), "v"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"(?<=[aeiou])h(?![aeiou])"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)
_NOT_WORD = re.compile("[^a-zč0\u00df-\u1fff\u2190-\u2fff\u3040-\ud7ff\ue000-\ue0ff\uf900-\U0010ffff]+")


def _plain_latin(text: str) -> str:
    """Latin letters without their accents; marks of other scripts are kept."""
    if text.isascii():
        return text
    out: list[str] = []
    for char in unicodedata.normalize("NFKD", text):
        if not "\u0300" <= char <= "\u036f":
            out.append(char)
    return unicodedata.normalize("NFC", "".join(out))


def fold(text: str) -> str:
    """The text as words of folded spelling, separated by single spaces; numbers become 0.

    Private-use characters (the masks of entities) stay as they are.
    """
    out = roman(_plain_latin(text.lower())).replace("।", " ")
    out = out.replace("'", "").replace("’", "")
    for pattern, replacement in _ORDER:
        out = pattern.sub(replacement, out)
    return " ".join(_NOT_WORD.sub(" ", out).split())
