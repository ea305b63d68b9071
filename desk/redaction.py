"""Passwords that people send although nobody asks for them: blanked before anything is stored or shown.

A word that names a secret must stand beside its value. A word for a password may also begin an ordinary sentence
("the password is wrong", "forgot my password"), and a pin may be one of a plug ("pin 2 is bent"): those stay.
"""

from __future__ import annotations

import re
from typing import Any

BLANK = "•••"

_LETTERS = (
    r"pass[ -]?words?|pass[ -]?codes?|pass[ -]?phrases?|passwd|pwd"
    r"|contraseñas?|contrasenas?|clave(?:\s+(?:de\s+acceso|secreta))?"
    r"|මුර\s?පද(?:ය|ේ)|රහස්\s?පදය|පාස්වර්ඩ්|mura\s?pada(?:ya|ye)|rahas\s?padaya"
    r"|கடவுச்?\s?சொல்|பாஸ்வேர்ட்|பாஸ்வேர்டு|kadavu(?:ch)?\s?chol"
)
_DIGITS = (
    r"pin(?:[ -]?(?:code|number|no\.?))?|otp|cvv|cvc|security\s+code|verification\s+code"
    r"|c[oó]digo\s+(?:pin|de\s+(?:verificaci[oó]n|seguridad))"
    r"|පින්(?:\s?(?:අංකය|කෝඩ්))?|பின்(?:\s?(?:எண்|நம்பர்))?"
)
_EKA = r"(?:\s*(?:eka|ek|එක|එකේ|අංකය|எண்|number|no\.?))?"
_OF = r"(?:\s+(?:for|to|of|de|del|para)\s+(?:\w+\s+){0,2}\w+?)?"
_IS = r"\s*(?:[:=：＝]|->|→)\s*|\s+(?:is|was|es|era|thamai|thama|තමයි|තමා|වන්නේ|என்பது|vandhu)\s*[:=]?\s+"
_QUOTED = r"[\"“'‘](?P<quoted>[^\"”'’\n]{1,80})[\"”'’]"

_SENTENCE = """
    a an the not no never now still also always very too so wrong right incorrect correct invalid bad good fine ok
    okay expired lost forgotten gone blocked locked reset changed changing missing required needed asked asking
    refused rejected accepted unknown working failing safe set old new what where why how when which who this that it
    here there please and or but for in on to of from my your our being been same different empty broken
    bent burnt damaged dirty loose stuck hot melted case too short long weak strong
    incorrecta incorrecto correcta correcto inválida invalida válida mala buena equivocada errónea erronea no la el
    una un mi tu su qué que cuál cual esta está este esa ese nueva vieja y o pero para muy bloqueada caducada perdida
    olvidada donde dónde cómo como rota roto
    වැරදියි වැරදි අමතක නැහැ නෑ හරි මොකක්ද waradi weradi waradiyi weradiyi amathaka nehe naha na hari mokakda
    தவறு தவறானது மறந்து மறந்துவிட்டது இல்லை சரி என்ன thavaru marandhu illai sari enna"""
_ORDINARY = frozenset(_SENTENCE.split())

_AFTER_SIGN = re.compile(rf"(?i)(?<!\w)(?:{_LETTERS}){_EKA}{_OF}(?:{_IS})(?:{_QUOTED}|(?P<word>\S+))")
_BESIDE = re.compile(rf"(?i)(?<!\w)(?:{_LETTERS}){_EKA}\s+(?:{_QUOTED}|(?P<word>(?=\S*\d)\S{{4,}}))")
_DIGITS_AFTER = re.compile(rf"(?i)(?<!\w)(?:{_DIGITS}){_EKA}{_OF}(?:{_IS}|\s+)(?P<word>\d(?:[ -]?\d){{2,11}})(?!\w)")
_BEFORE = re.compile(
    rf"(?i)(?<!\S)(?P<word>\S+)\s+(?:is|es|thamai|thama|තමයි|තමා)\s+"
    rf"(?:my|the|our|mi|la|el|mage|මගේ|என்|en|enadhu)\s+(?:\w+\s+)?(?:{_LETTERS})(?!\w)"
)
_DIGITS_BEFORE = re.compile(
    rf"(?i)(?<![\w+])(?P<word>\d{{3,12}})\s+(?:is|es|thamai|thama|තමයි|තමා)\s+"
    rf"(?:my|the|our|mi|la|el|mage|මගේ|என்|en|enadhu)\s+(?:{_DIGITS})(?!\w)"
)
_TOKEN = re.compile(r"\bcht_[A-Za-z0-9_-]{20,}")


def redact(text: str) -> str:
    """The text with passwords, pins and our own tokens blanked; the same text where there is none."""
    for pattern in (_AFTER_SIGN, _BESIDE, _DIGITS_AFTER, _BEFORE, _DIGITS_BEFORE):
        text = pattern.sub(_blanked, text)
    return _TOKEN.sub(BLANK, text)


def redact_all(value: Any) -> Any:
    """A stored payload with every text in it redacted."""
    match value:
        case str():
            return redact(value)
        case dict():
            return {name: redact_all(item) for name, item in value.items()}
        case list():
            return [redact_all(item) for item in value]
        case _:
            return value


def _blanked(found: re.Match[str]) -> str:
    groups = found.groupdict()
    name = "quoted" if groups.get("quoted") else "word"
    word = found[name]
    if name == "word" and _says_something(found, word):
        return found[0]
    begin, end = found.start(name) - found.start(), found.end(name) - found.start()
    return found[0][:begin] + BLANK + found[0][end:]


def _says_something(found: re.Match[str], word: str) -> bool:
    """Whether the word is one of a sentence and no secret; what follows a colon is meant literally."""
    bare = word.strip(".,;:!?¿¡…()[]\"'").lower()
    literal = re.search(r"[:=：＝→]\s*$|->\s*$", found[0][: found.start("word") - found.start()])
    if literal and found.re is _AFTER_SIGN:
        return not bare
    return not bare or bare in _ORDINARY
