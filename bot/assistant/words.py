"""Words that steer a talk, in every language we answer in, compared after folding of spelling and script."""

from __future__ import annotations

from classifiers.fold import fold


def _all(*texts: str) -> frozenset[str]:
    return frozenset(folded for text in texts for part in text.split(",") if (folded := fold(part)))


_HUMAN = _all(
    "human, a human being, agent, agents, real person, person, operator, representative, staff member, somebody real",
    "live chat",
    "manussayek, manussayekuta, minihek, kenek ekka katha, niyojithaya, කෙනෙක් එක්ක කතා, මනුස්සයෙක්, මිනිහෙක්",
    "නියෝජිතයා, නියෝජිතයෙක්, නිලධාරියා, නිලධාරියෙක්, නිලධාරියෙකු, මිනිහෙකුට, කෙනෙකුට කතා, මනුෂ්‍යයෙක්, මනුස්සයෙකුට",
    "manithar, manithan, manidhar, aal kitta, aalkitta, oru aal, மனிதர், மனிதன், மனிதரிடம், மனிதருடன், ஆளிடம், ஆளுடன்",
    "ஒரு ஆள், முகவர், அதிகாரி",
    "humano, una persona, persona, agente, operador, representante, asesor",
)
_TALK = _all(
    "talk to, speak to, speak with, talk with, chat with, connect me, get me, i want, i need, give me, transfer me",
    "can i",
    "katha karanna, kathaa karanna, one, ona, oni, කතා කරන්න, ඕන, ඕනේ, සම්බන්ධ කර",
    "pesanum, pesa vendum, pesa, venum, பேச வேண்டும், பேசணும், பேச, வேண்டும், இணைக்க",
    "hablar con, quiero, necesito, pasame, comunicame, puedo hablar",
)
_BOT = _all("bot, robot, assistant, බොට්, රොබෝ, பாட், ரோபோ, robot, asistente")
_CANCEL = _all(
    "cancel, stop, nevermind, never mind, quit, exit, forget it, cancel it, abort",
    "epa, cancel karanna, nawathwanna, natharakaranna, එපා, අවලංගු, අවලංගු කරන්න, නවත්වන්න, කැන්සල්",
    "vendam, vendaam, venda, rathu, cancel pannu, cancel pannunga, வேண்டாம், ரத்து, ரத்து செய், நிறுத்து",
    "cancelar, cancela, salir, olvidalo, dejalo, parar",
)
_SKIP = _all(
    "skip, next, pass, i dont know, dont know, no idea, not sure, dunno, none",
    "danne na, danne nehe, mama danne na, ilaga, දන්නේ නැහැ, දන්නේ නෑ, මම දන්නේ නැහැ, මඟහරින්න, මග හරින්න, ඊළඟ",
    "theriyathu, theriyadhu, theriyala, enakku theriyathu, aduthu, தெரியாது, எனக்குத் தெரியாது, தவிர், அடுத்து",
    "omitir, saltar, siguiente, no se, no lo se, ni idea, ninguno",
)
_STILL = _all(
    "still not, still broken, still faulty, still faulted, still red, still dead, still the same, still same",
    "still doesnt, still wont, still isnt, not fixed, not solved, same problem, same issue, broken again",
    "didnt work, did not work, not working again, no it doesnt",
    "thama wada na, thama weda na, thawama wada, thawama na, thama hari na, තාම වැඩ නෑ, තාම හරි නෑ, තවම වැඩ, තාමත් වැඩ",
    "තාම නෑ, තවමත්",
    "innum velai, innum work, innum seri, innum sari, ippavum, இன்னும் வேலை, இன்னும் சரி, இப்போதும், சரியாகவில்லை",
    "sigue sin, sigue igual, sigue roto, todavia no, aun no, tampoco funciona, sigue el problema, no se arreglo",
)
_WORKS = _all(
    "works now, it works, working now, its working, it is working, works again, all good now, fixed now, solved",
    "dan wada, dan hari, hari giya, wada karanawa dan, දැන් වැඩ, දැන් හරි, හරි ගියා, වැඩ කරනවා දැන්",
    "ippo work aagudhu, ippo velai, sari aayiduchu, seri aayiduchu, இப்போ வேலை செய்கிறது, இப்போது வேலை, சரியாகிவிட்டது",
    "சரியாயிடுச்சு",
    "ya funciona, ahora funciona, ya esta funcionando, resuelto, ya anda",
)
_THANKS = _all(
    "thanks, thank you, thank, thx, tnx, ty, many thanks, cheers, great thanks, ok thanks, ok thank you, appreciate it",
    "sthuthi, istuti, isthuthi, bohoma sthuthi, bohoma isthuthi, ස්තුතියි, ස්තූතියි, බොහොම ස්තුතියි, බොහොම ස්තූතියි",
    "nandri, nanri, romba nandri, நன்றி, மிக்க நன்றி, ரொம்ப நன்றி",
    "gracias, muchas gracias, mil gracias",
)
_GREETING = _all(
    "hi, hello, hey, hii, helo, hello there, hi there, good morning, good afternoon, good evening, good day, greetings",
    "ayubowan, kohomada, suba udesanak, suba dawasak, ආයුබෝවන්, හලෝ, හායි, සුභ උදෑසනක්, සුබ උදෑසනක්, සුභ දවසක්",
    "vanakkam, வணக்கம், ஹலோ, ஹாய், காலை வணக்கம், மாலை வணக்கம்",
    "hola, buenas, buenos dias, buenas tardes, buenas noches, que tal",
    "start, help, menu, ayuda, උදව්, උදව් කරන්න, udaw, udau karanna, உதவி, udhavi, what can you do",
)
_OK = _all(
    "ok, okay, okey, alright, fine, noted, got it, sure, great, good, nice, k, kk, cool, perfect, hari, hari hari",
    "හරි, හරි හරි, හොඳයි, honda, hodai, hondai, seri, sari, சரி, நல்லது, vale, listo, de acuerdo, entendido, bueno",
)
_LANGUAGE = _all(
    "language, languages, change language, change the language, භාෂාව, භාෂාව වෙනස් කරන්න, bashawa, bhashawa",
    "மொழி, மொழியை மாற்று, mozhi, moli, idioma, cambiar idioma, cambiar el idioma, lenguaje",
)
_NAMES: dict[str, frozenset[str]] = {
    "en": _all("english, in english, ඉංග්‍රීසි, ඉංග්‍රීසියෙන්, ஆங்கிலம், ingles, en ingles"),
    "si": _all("sinhala, in sinhala, sinhalen, සිංහල, සිංහලෙන්, சிங்களம், cingales"),
    "ta": _all("tamil, in tamil, thamil, tamilil, දෙමළ, දෙමළෙන්, தமிழ், தமிழில்"),
    "es": _all("spanish, in spanish, espanol, en espanol, español, castellano"),
}
_AUTOMATIC = _all(
    "out of office, out of the office, automatic reply, auto reply, autoreply, automated reply, automated response",
    "automated message, automatic response, thank you for contacting, thanks for contacting, thank you for messaging",
    "thank you for your message, we will get back to you, well get back to you, we are currently closed, im driving",
    "on annual leave, i am on leave until, do not reply to this",
    "ස්වයංක්‍රීය පිළිතුර, අපව සම්බන්ධ කර ගැනීම ගැන ස්තුතියි, தானியங்கி பதில், தொடர்பு கொண்டதற்கு நன்றி",
    "fuera de la oficina, respuesta automatica, mensaje automatico, gracias por contactar, gracias por comunicarse",
)
_DISPUTE = _all(
    "refund, money back, charged twice, double charged, charged me twice, paid twice, twice, overcharged, wrong amount",
    "wrong charge, dispute, not received, not credited, not reflected, not added, didnt get, did not get, missing",
    "failed but, deducted but, deducted and, duplicate, not updated, havent received, incorrect",
    "refund karanna, salli awe na, salli aapahu, depaarak, deparak, wadi salli, සල්ලි ආපහු, දෙපාරක්, දෙසැරයක්, වැඩිපුර",
    "මුදල් ආපසු, ලැබුණේ නැහැ, ලැබුණේ නෑ, ආවේ නෑ, ආවේ නැහැ, රිෆන්ඩ්, එකතු වුණේ නෑ",
    "rendu murai, rendu thadava, thiruppi, panam varala, varavillai, இரண்டு முறை, ரெண்டு தடவ, திருப்பி, திரும்ப, வரவில்லை",
    "வரல, அதிகமாக, சேரவில்லை",
    "reembols, devolucion, devolver, dos veces, doble cobro, cobro doble, cobraron de mas, no aparece, no llego",
    "no se acredito, cobro incorrecto, duplicado, no me llego",
)
_AVAILABLE = _all(
    "nearest, near me, nearby, closest, available, free charger, where is, where can i charge, where are, location",
    "langama, lagama, kittuwa, koheda, thiyena thana, ළඟම, ළඟ, කිට්ටු, කොහෙද, නිදහස්",
    "pakkathula, arugil, enga, enge, அருகில், பக்கத்தில், எங்கே, எங்க, காலி",
    "mas cercano, cerca, donde, disponible, libre",
)

_MY_CASE = _all(
    "my ticket, my case, my request, my complaint status, ticket status, status of my, update on my, any update",
    "any news",
    "mage ticket, mage case, mage illima, මගේ ටිකට්, මගේ ඉල්ලීම, මගේ පැමිණිල්ල, en ticket, en pugar, என் டிக்கெட்",
    "என் புகார், என் கோரிக்கை, mi ticket, mi caso, mi solicitud, alguna novedad",
)


def _padded(text: str) -> str:
    return f" {fold(text)} "


def _any(phrases: frozenset[str], padded: str, *, whole: bool = True) -> bool:
    """Whether a phrase stands in the text, as whole words or from the start of a word."""
    end = " " if whole else ""
    return any(f" {phrase}{end}" in padded for phrase in phrases)


def _is(phrases: frozenset[str], text: str) -> bool:
    return fold(text) in phrases


def _count(padded: str) -> int:
    return len(padded.split())


def wants_human(text: str) -> bool:
    """`/human`, a short text with a word for a human, or a wish to talk to one."""
    padded, bare = _padded(text), text.strip().lower()
    if bare.startswith(("/human", "/agent")):
        return True
    if not _any(_HUMAN, padded):
        return False
    return _count(padded) <= 2 or (_count(padded) <= 16 and _any(_TALK, padded, whole=False))


def wants_bot(text: str) -> bool:
    """The assistant is asked back."""
    return _is(_BOT, text.strip().lstrip("/"))


def cancels(text: str) -> bool:
    """The talk is broken off."""
    return _is(_CANCEL, text.strip().lstrip("/"))


def skips(text: str) -> bool:
    """The question is passed over."""
    return _is(_SKIP, text.strip().lstrip("/"))


def still_broken(text: str) -> bool:
    """It was said to be mended and is not."""
    padded = _padded(text)
    return _count(padded) <= 14 and _any(_STILL, padded, whole=False)


def works_now(text: str) -> bool:
    """The trouble is over."""
    padded = _padded(text)
    return _count(padded) <= 8 and _any(_WORKS, padded) and not _any(_STILL, padded, whole=False)


def thanks(text: str) -> bool:
    """Nothing but thanks."""
    padded = _padded(text)
    return _count(padded) <= 5 and _any(_THANKS, padded)


def greets(text: str) -> bool:
    """Nothing but a greeting, or the start of a chat."""
    return _is(_GREETING, text.strip().lstrip("/"))


def agrees(text: str) -> bool:
    """Nothing but an acknowledgement."""
    return _is(_OK, text)


def asks_language(text: str) -> bool:
    """The list of languages is asked for."""
    return _is(_LANGUAGE, text.strip().lstrip("/"))


def names_language(text: str) -> str | None:
    """The language that a text of nothing else names."""
    folded = fold(text.strip().lstrip("/"))
    folded = folded.removeprefix("language ")
    return next((language for language, names in _NAMES.items() if folded in names), None)


def automatic(text: str) -> bool:
    """Another machine's answer, which must not be answered."""
    return _any(_AUTOMATIC, _padded(text), whole=False)


def disputes(text: str) -> bool:
    """Money went wrong: figures alone do not settle it."""
    return _any(_DISPUTE, _padded(text), whole=False)


def asks_where(text: str) -> bool:
    """A place to charge is asked for."""
    return _any(_AVAILABLE, _padded(text), whole=False)


def asks_for_case(text: str) -> bool:
    """How an own ticket stands, without its number."""
    padded = _padded(text)
    return _count(padded) <= 12 and _any(_MY_CASE, padded)
