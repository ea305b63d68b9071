"""Looks at an installation from the outside and says what is not right and how to mend it."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import socket
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from bot import migrate, settings
from bot.clock import SystemClock
from bot.settings import PREFIX, TABLE, Settings, SettingsError

LEAST_FREE_BYTES = 1 << 30
MOST_SKEW_S = 5.0
LEAST_POSTGRES = 15


class Health(Enum):
    """How a thing is."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "BAD"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` says what to do."""

    health: Health
    about: str
    seen: str
    mend: str = ""


def examine() -> list[Finding]:
    """Everything, in the order in which one would mend it."""
    try:
        chosen = settings.load()
    except SettingsError as error:
        mend = "correct them in .env or in the environment; .env.example lists every name"
        return [Finding(Health.BAD, "settings", line, mend) for line in error.lines]
    findings: list[Finding] = [Finding(Health.GOOD, "settings", f"{len(TABLE)} names checked, none wrong")]
    for look in (_env_file, _words, _folder, _disk, _secret, _database, _model, _second_opinion, _channels, _ports):
        findings += look(chosen)
    return findings


def _env_file(_: Settings) -> Iterator[Finding]:
    path = settings.ROOT / ".env"
    if not path.is_file():
        return
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding(Health.NOTE, ".env", "others on this machine can read it", f"chmod 600 {path}")
    names = {entry.name for entry in TABLE}
    for name in settings.read_file(path):
        if name in names:
            yield Finding(Health.NOTE, ".env", f"{name} has no effect", f"write {PREFIX}{name}")


def _words(chosen: Settings) -> Iterator[Finding]:
    import phonenumbers  # noqa: PLC0415 - slow to import
    from babel.numbers import get_currency_name  # noqa: PLC0415

    if chosen.default_region not in phonenumbers.SUPPORTED_REGIONS:
        yield Finding(Health.BAD, "region", f"{chosen.default_region} is no country with phone numbers",
                      f"set {PREFIX}DEFAULT_REGION, such as LK")  # fmt: skip
    if get_currency_name(chosen.currency, locale="en") == chosen.currency:
        yield Finding(Health.BAD, "currency", f"{chosen.currency} is not known", f"set {PREFIX}CURRENCY, such as LKR")


def _folder(chosen: Settings) -> Iterator[Finding]:
    probe = chosen.data_dir / ".doctor"
    try:
        chosen.data_dir.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        yield Finding(Health.BAD, "data folder", f"{chosen.data_dir}: {error.strerror}",
                      f"let this user write there, or set {PREFIX}DATA_DIR")  # fmt: skip
        return
    yield Finding(Health.GOOD, "data folder", str(chosen.data_dir))


def _disk(chosen: Settings) -> Iterator[Finding]:
    if not chosen.data_dir.is_dir():
        return
    free = shutil.disk_usage(chosen.data_dir).free
    health = Health.GOOD if free >= LEAST_FREE_BYTES else Health.BAD
    mend = "" if health is Health.GOOD else f"free some space, or move {PREFIX}DATA_DIR"
    yield Finding(health, "disk", f"{free / 2**30:.1f} GiB free", mend)


def _secret(chosen: Settings) -> Iterator[Finding]:
    if chosen.secret_key:
        yield Finding(Health.GOOD, "secret key", "set in the environment")
    elif not chosen.secret_file.exists():
        yield Finding(Health.NOTE, "secret key", "none yet; it is made on the first run")
    elif stat.S_IMODE(chosen.secret_file.stat().st_mode) & 0o077:
        yield Finding(Health.BAD, "secret key", "others can read it", f"chmod 600 {chosen.secret_file}")
    else:
        yield Finding(Health.GOOD, "secret key", f"kept in {chosen.secret_file}")


def _database(chosen: Settings) -> Iterator[Finding]:
    path = chosen.sqlite_path
    if path is not None and not path.exists():
        yield Finding(Health.NOTE, "database", f"{path} is made on the first run", "chargehand migrate makes it now")
        return
    try:
        version, now = migrate.server(chosen.database_url)
        revision = migrate.current(chosen.database_url)
    except migrate.SchemaError as error:
        yield Finding(Health.BAD, "database", str(error), f"check {PREFIX}DATABASE_URL and that the server runs")
        return
    yield _version(version)
    yield _clock((SystemClock().now() - now).total_seconds())
    yield _schema(revision)
    if path is not None:
        yield _integrity(path)
    if revision == migrate.head() and chosen.classifier_brain is None:
        yield from _version_in_service(chosen)


def _version(version: str) -> Finding:
    name, _, number = version.partition(" ")
    if name == "PostgreSQL" and int(number.split(".")[0]) < LEAST_POSTGRES:
        return Finding(Health.BAD, "database", version, f"PostgreSQL {LEAST_POSTGRES} or newer is needed")
    return Finding(Health.GOOD, "database", version)


def _clock(skew_s: float) -> Finding:
    if abs(skew_s) > MOST_SKEW_S:
        return Finding(Health.BAD, "clock", f"{skew_s:+.0f} s from the database's", "switch on time synchronisation")
    return Finding(Health.GOOD, "clock", f"{skew_s:+.1f} s from the database's")


def _schema(revision: str | None) -> Finding:
    if revision == migrate.head():
        return Finding(Health.GOOD, "schema", f"{revision}, the newest")
    if revision is None or revision in migrate.revisions():
        seen = f"{revision or 'none'}, this version has {migrate.head()}"
        return Finding(Health.NOTE, "schema", seen, "chargehand migrate (a start does it too)")
    return Finding(Health.BAD, "schema", f"{revision} is newer than this version", "start the version that wrote it")


def _integrity(path: Path) -> Finding:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        word = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if word == "ok":
        return Finding(Health.GOOD, "database file", "sound")
    return Finding(Health.BAD, "database file", word, "chargehand restore --force FILE puts a backup in its place")


def _model(chosen: Settings) -> Iterator[Finding]:
    from bot.brain import own, serving  # noqa: PLC0415 - imports numpy
    from classifiers.errors import DataError  # noqa: PLC0415
    from models.reading import Registers  # noqa: PLC0415

    try:
        reading = serving(chosen).reader.read("charger 100003 is not starting", Registers())
    except DataError as error:
        mend = "get the shipped model back: git checkout classifiers/artefacts"
        if chosen.classifier_brain is not None:
            mend = f"or serve with our own: take {PREFIX}CLASSIFIER_BRAIN out"
        yield Finding(Health.BAD, "model", str(error), mend)
        return
    yield Finding(Health.GOOD, "model", f"{reading.model} answers {reading.category.value} to a sample")
    if own(chosen).model.encoder is None:
        mend = "make setup installs onnxruntime; git checkout classifiers/artefacts brings the file"
        yield Finding(Health.NOTE, "encoder", "away: words alone decide, less surely and more often with a human", mend)


def _version_in_service(chosen: Settings) -> Iterator[Finding]:
    """The team's version, where one should serve; no version does beside a brain."""
    from bot.cli_desk import work_on  # noqa: PLC0415 - slow to import
    from bot.serving import open_version  # noqa: PLC0415 - imports numpy
    from classifiers.errors import DataError  # noqa: PLC0415
    from desk import model_versions  # noqa: PLC0415

    version = work_on(chosen, model_versions.serving)
    if version is None:
        return
    try:
        open_version(chosen.models_dir, version)
    except DataError as error:
        yield Finding(Health.BAD, "team's model", f"{version.label} cannot serve, the shipped model does: {error}",
                      "chargehand model train, then promote; or chargehand model rollback --to-shipped")  # fmt: skip
        return
    yield Finding(Health.GOOD, "team's model", f"{version.label} serves")


def _second_opinion(chosen: Settings) -> Iterator[Finding]:
    """Without asking it: that would cost money."""
    if chosen.second_opinion_url is None:
        return
    from classifiers.brains.agreement import read  # noqa: PLC0415 - imports numpy
    from classifiers.errors import DataError  # noqa: PLC0415

    again = "chargehand brain fit-endpoint --data FILE"
    try:
        fitted = read(chosen.agreement_file)
    except DataError as error:
        yield Finding(Health.BAD, "second opinion", str(error), again)
        return
    about = f"{chosen.second_opinion_model} at {urlsplit(chosen.second_opinion_url).hostname}"
    if fitted is None or (fitted.url, fitted.model) != (chosen.second_opinion_url, chosen.second_opinion_model):
        yield Finding(Health.NOTE, "second opinion", f"{about} only suggests: it was not measured", again)
    else:
        yield Finding(Health.GOOD, "second opinion", f"{about}, measured on {fitted.rows} messages")


def _channels(chosen: Settings) -> Iterator[Finding]:
    for note in chosen.channels():
        yield Finding(Health.GOOD if note.on else Health.NOTE, note.name, "on" if note.on else f"off: {note.why}")
    for name, token in (("Telegram", chosen.telegram_customer_token), ("team's bot", chosen.telegram_team_token)):
        if token is not None:
            yield from _telegram(chosen, name, token)
    whatsapp = next(note.on for note in chosen.channels() if note.name == "WhatsApp")
    if not whatsapp:
        return
    host = urlsplit(chosen.public_url).hostname or ""
    if not chosen.public_url.startswith("https://") or host in ("127.0.0.1", "localhost"):
        yield Finding(Health.BAD, "WhatsApp", f"Twilio cannot call {chosen.public_url}",
                      f"set {PREFIX}PUBLIC_URL to the https address under which this machine is reached")  # fmt: skip
    yield _twilio(chosen)


def _telegram(chosen: Settings, name: str, token: str) -> Iterator[Finding]:
    """Whose token it is, and whether updates come the way that was chosen."""
    import httpx  # noqa: PLC0415 - slow to import

    base = chosen.telegram_api_url or "https://api.telegram.org"
    try:
        who = httpx.get(f"{base}/bot{token}/getMe", timeout=10)
        hook = httpx.get(f"{base}/bot{token}/getWebhookInfo", timeout=10)
    except httpx.HTTPError as error:
        yield Finding(Health.BAD, name, f"no answer from {base} ({type(error).__name__})",
                      f"let this machine reach it, or set {PREFIX}TELEGRAM_API_URL")  # fmt: skip
        return
    if who.status_code != httpx.codes.OK or hook.status_code != httpx.codes.OK:
        yield Finding(Health.BAD, name, f"answered {who.status_code}", "get the bot's token from BotFather again")
        return
    yield Finding(Health.GOOD, name, f"signed in as @{who.json()['result']['username']}")
    seen = hook.json()["result"]
    url, waiting, trouble = seen["url"], seen["pending_update_count"], seen.get("last_error_message")
    ours = url.startswith(f"{chosen.public_url}/") if chosen.telegram_mode == "webhook" else not url
    if url and not ours:
        yield Finding(Health.NOTE, name, f"its webhook leads to {urlsplit(url).hostname}",
                      "a start of this house changes that; see that no other program uses this bot")  # fmt: skip
    elif trouble and waiting:
        yield Finding(Health.BAD, name, f"{waiting} updates wait: {trouble}",
                      f"let Telegram reach {chosen.public_url}, or set {PREFIX}TELEGRAM_MODE=polling")  # fmt: skip


def _twilio(chosen: Settings) -> Finding:
    import httpx  # noqa: PLC0415 - slow to import

    base = chosen.twilio_api_url or "https://api.twilio.com"
    user = chosen.twilio_api_key or chosen.twilio_account_sid or ""
    password = (chosen.twilio_api_secret if chosen.twilio_api_key else chosen.twilio_auth_token) or ""
    address = f"{base}/2010-04-01/Accounts/{chosen.twilio_account_sid}/Messages.json?PageSize=1"
    try:
        status = httpx.get(address, auth=(user, password), timeout=10).status_code
    except httpx.HTTPError as error:
        return Finding(Health.BAD, "Twilio", f"no answer from {base} ({type(error).__name__})",
                       "let this machine reach it, or set CHARGEHAND_TWILIO_API_URL")  # fmt: skip
    if status == httpx.codes.OK:
        return Finding(Health.GOOD, "Twilio", "signed in")
    return Finding(
        Health.BAD, "Twilio", f"answered {status}", "check account SID, auth token or API key in the console"
    )


def _ports(chosen: Settings) -> Iterator[Finding]:
    running = _served(chosen)
    doors = [("HTTP", chosen.http_host, chosen.http_port), ("OCPP", chosen.ocpp_host, chosen.ocpp_port)]
    if chosen.ocpp_tls_port is not None:
        doors.append(("OCPP_TLS", chosen.ocpp_host, chosen.ocpp_tls_port))
    for name, host, port in doors:
        trouble = _cannot_listen(host, port)
        if trouble is None:
            yield Finding(Health.GOOD, f"{name} port", f"{host}:{port} is free")
        elif running:
            yield Finding(Health.GOOD, f"{name} port", f"{host}:{port} is in use, and Chargehand is running")
        else:
            yield Finding(Health.BAD, f"{name} port", f"{host}:{port}: {trouble}",
                          f"stop what listens there, or set {PREFIX}{name}_PORT")  # fmt: skip


def _cannot_listen(host: str, port: int) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _served(chosen: Settings) -> bool:
    """Whether a Chargehand of this machine serves the SQLite database."""
    lock = Path(f"{chosen.sqlite_path}.lock")
    if chosen.sqlite_path is None or not lock.exists():
        return False
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
