"""Settings: the only reader of the environment and of `.env`. Every name is in TABLE, with default and check."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

PREFIX = "CHARGEHAND_"
INJECTED = ("CHARGEHAND_SERVICE_", "CHARGEHAND_PORT")
"""Names that container platforms put there for a service called chargehand."""
ROOT = Path(__file__).resolve().parent.parent
"""The folder of the clone: `.env` is read here, and a relative DATA_DIR starts here."""
ROLES = ("web", "ocpp", "worker", "clock")


class SettingsError(Exception):
    """What is wrong with the settings, one line each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class ChannelNote:
    """Whether a channel is on, and in a few words why not."""

    name: str
    on: bool
    why: str = ""


@dataclass(frozen=True, repr=False)
class Settings:
    """Everything that an installation can set. Paths are absolute; None means not set."""

    database_url: str
    public_url: str
    http_host: str
    http_port: int
    ocpp_host: str
    ocpp_port: int
    ocpp_unknown_chargers: str
    ocpp_security_profile: int
    ocpp_tls_cert: Path | None
    ocpp_tls_key: Path | None
    ocpp_tls_ca: Path | None
    ocpp_tls_port: int | None
    secret_key: str
    twilio_account_sid: str | None
    twilio_auth_token: str | None
    twilio_auth_token_secondary: str | None
    twilio_api_key: str | None
    twilio_api_secret: str | None
    twilio_whatsapp_from: str | None
    twilio_api_url: str | None
    twilio_templates: Path | None
    telegram_customer_token: str | None
    telegram_team_token: str | None
    telegram_team_chat_id: int | None
    telegram_mode: str
    telegram_webhook_secret: str | None
    telegram_api_url: str | None
    nats_url: str | None
    mqtt_url: str | None
    default_region: str
    currency: str
    timezone: str
    review_threshold: float | None
    classifier_brain: str | None
    second_opinion_url: str | None
    second_opinion_model: str | None
    second_opinion_key: str | None
    second_opinion_timeout_s: float
    data_dir: Path
    knowledge_file: Path | None
    trusted_proxies: tuple[str, ...]
    webchat_origins: tuple[str, ...]
    metrics_token: str | None
    retention_raw_days: int
    retention_media_days: int
    retention_frames_days: int

    def __repr__(self) -> str:
        shown = ", ".join(f"{field.name}={_shown(field.name, getattr(self, field.name))}" for field in fields(self))
        return f"Settings({shown})"

    @property
    def media_dir(self) -> Path:
        """Where copies of the media that people send are kept."""
        return self.data_dir / "media"

    @property
    def models_dir(self) -> Path:
        """Where the models that were trained here lie."""
        return self.data_dir / "models"

    @property
    def secret_file(self) -> Path:
        """Where a secret key that nobody set is kept."""
        return self.data_dir / "secret.key"

    @property
    def brains_dir(self) -> Path:
        """Where what was measured and fitted of other brains is kept."""
        return self.data_dir / "brains"

    @property
    def agreement_file(self) -> Path:
        """What the endpoint's word is worth, once that was fitted."""
        return self.brains_dir / "endpoint.json"

    @property
    def sqlite_path(self) -> Path | None:
        """The database file; None on PostgreSQL."""
        return Path(self.database_url.removeprefix("sqlite:///")) if self.database_url.startswith("sqlite") else None

    def channels(self) -> tuple[ChannelNote, ...]:
        """Every channel, and why one is off."""
        return (
            _twilio_note(self),
            ChannelNote("Web chat", True),
            _by_token("Telegram", "TELEGRAM_CUSTOMER_TOKEN", self.telegram_customer_token),
            _by_token("Team chat on Telegram", "TELEGRAM_TEAM_TOKEN", self.telegram_team_token),
            ChannelNote("NATS", self.nats_url is not None, "" if self.nats_url else f"{PREFIX}NATS_URL not set"),
            _later("MQTT", "MQTT_URL", self.mqtt_url),
        )


SECRET_NAMES = frozenset(
    {
        "secret_key", "twilio_auth_token", "twilio_auth_token_secondary", "twilio_api_secret",
        "telegram_customer_token", "telegram_team_token", "telegram_webhook_secret", "metrics_token",
        "second_opinion_key",
    }
)  # fmt: skip
_URL_NAMES = frozenset(
    {"database_url", "nats_url", "mqtt_url", "twilio_api_url", "telegram_api_url", "second_opinion_url"}
)


def _shown(name: str, value: object) -> str:
    if value is None:
        return "None"
    if name in SECRET_NAMES:
        return "'…'"
    if name in _URL_NAMES:
        return repr(_masked(str(value)))
    return repr(str(value) if isinstance(value, Path) else value)


def _masked(url: str) -> str:
    """An address without what signs in; a name that stands alone before the host may be a token."""
    return re.sub(r"://(?:([^:/@]*):)?[^@/]*@", lambda found: f"://{found[1] or ''}{':' if found[1] else ''}…@", url)


def _twilio_note(settings: Settings) -> ChannelNote:
    wanted = {
        "TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "TWILIO_AUTH_TOKEN": settings.twilio_auth_token,
        "TWILIO_WHATSAPP_FROM": settings.twilio_whatsapp_from,
    }
    missing = [PREFIX + name for name, value in wanted.items() if not value]
    return ChannelNote("WhatsApp", not missing, f"{', '.join(missing)} not set" if missing else "")


def _by_token(name: str, setting: str, value: str | None) -> ChannelNote:
    return ChannelNote(name, value is not None, "" if value else f"{PREFIX}{setting} not set")


def _later(name: str, setting: str, value: str | None) -> ChannelNote:
    if value:
        return ChannelNote(name, False, f"{PREFIX}{setting} is set, but this channel is not in this release")
    return ChannelNote(name, False, f"{PREFIX}{setting} not set (not in this release)")


# Checks: text in, value out; ValueError with what is wanted -----------------------------------------------------


def _text(value: str) -> str:
    if any(ord(sign) < 32 for sign in value):
        raise ValueError("must be one line of text")
    return value


def _port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) > 65535:
        raise ValueError("must be a port, 0 to 65535")
    return int(value)


def _days(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 36500:
        raise ValueError("must be a number of days, 1 to 36500")
    return int(value)


def _whole(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError("must be a whole number") from None


def _share(value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ValueError("must be a number from 0 to 1")
    return share


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 1.0 <= seconds <= 60.0:
        raise ValueError("must be seconds, 1 to 60")
    return seconds


def _one_of(*allowed: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return check


def _profile(value: str) -> int:
    return int(_one_of("0", "1", "2", "3")(value))


def _matching(pattern: str, wanted: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(wanted)
        return value

    return check


def _url(*schemes: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        wanted = f"must be an address such as {schemes[0]}://host:port"
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            raise ValueError(wanted) from None
        if parts.scheme not in schemes or not parts.hostname or any(sign.isspace() for sign in value):
            raise ValueError(wanted)
        return value.rstrip("/")

    return check


def _guarded_url(value: str) -> str:
    """What goes there is what customers wrote: over TLS, or not beyond this machine."""
    address = _url("https", "http")(value)
    parts = urlsplit(address)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise ValueError("must be an https address, or http to this machine (127.0.0.1, localhost)")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be a plain address such as https://host/v1, without a name, ? or #")
    return address


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _database(value: str) -> str:
    if value.startswith("sqlite:"):
        path = value.removeprefix("sqlite:///")
        if path == value or path in ("", ":memory:") or "?" in path:
            raise ValueError("must name a file, as in sqlite:///var/chargehand.db")
        return value
    if re.match(r"postgres(ql)?(\+psycopg)?://", value):
        address = re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql://", value)
        if not urlsplit(address).path.strip("/"):
            raise ValueError("must name a database, as in postgresql://user:password@host/chargehand")
        return address
    raise ValueError("must begin with sqlite:/// or postgresql://")


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise ValueError("must be a time zone such as Asia/Colombo") from None
    return value


def _whatsapp(value: str) -> str:
    number = value.removeprefix("whatsapp:")
    if not re.fullmatch(r"\+[1-9]\d{6,14}", number):
        raise ValueError("must be a number such as whatsapp:+94110000000")
    return f"whatsapp:{number}"


def _bot_token(value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,20}:[A-Za-z0-9_-]{3,}", value):
        raise ValueError("must be a bot's token as BotFather gives it, such as 123456789:AAE…")
    return value


def _list_of(check: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    return lambda value: tuple(check(item.strip()) for item in value.split(",") if item.strip())


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8, with commas between") from None


def _origin(value: str) -> str:
    if value == "*":
        return value
    origin = _url("https", "http")(value)
    if urlsplit(origin).path:
        raise ValueError("must be origins such as https://example.com, without a path, with commas between")
    return origin


def _secret(value: str) -> str:
    if len(value) < 16:
        raise ValueError("must have at least 16 characters")
    return _text(value)


@dataclass(frozen=True)
class Entry:
    """One setting: its name without the prefix, default as text, check, and a line for `.env.example`."""

    name: str
    default: str | None
    check: Callable[[str], Any]
    about: str


TABLE: tuple[Entry, ...] = (
    Entry("DATA_DIR", "var", Path, "Where the database, media and the secret key live; relative paths start here"),
    Entry("DATABASE_URL", "sqlite:///var/chargehand.db", _database, "sqlite:///FILE or postgresql://USER:PASS@HOST/DB"),
    Entry("SECRET_KEY", None, _secret, "Made and kept in DATA_DIR on first run; several processes must share it"),
    Entry("PUBLIC_URL", None, _url("https", "http"), "What providers call; default http://127.0.0.1:HTTP_PORT"),
    Entry("HTTP_HOST", "127.0.0.1", _text, "0.0.0.0 to be reached from other machines"),
    Entry("HTTP_PORT", "8080", _port, "Web, webhooks and API"),
    Entry("TRUSTED_PROXIES", "", _list_of(_network), "Proxies whose X-Forwarded-For is believed"),
    Entry("WEBCHAT_ORIGINS", "", _list_of(_origin), "Sites that may embed the web chat; * for any"),
    Entry("METRICS_TOKEN", None, _text, "Bearer token that /metrics asks for; without it only this machine may read"),
    Entry("OCPP_HOST", "127.0.0.1", _text, "0.0.0.0 to be reached by chargers"),
    Entry("OCPP_PORT", "9000", _port, "Chargers connect to ws://HOST:PORT/ocpp/{charger_id}"),
    Entry("OCPP_UNKNOWN_CHARGERS", "refuse", _one_of("refuse", "register"), "What to do with a charger nobody added"),
    Entry("OCPP_SECURITY_PROFILE", "1", _profile, "Lowest accepted: 0 open, 1 password, 2 TLS, 3 client certificates"),
    Entry("OCPP_TLS_PORT", None, _port, "A second listener with TLS, wss://"),
    Entry("OCPP_TLS_CERT", None, Path, "Certificate chain, PEM"),
    Entry("OCPP_TLS_KEY", None, Path, "Its private key, PEM"),
    Entry("OCPP_TLS_CA", None, Path, "Authorities of the chargers' certificates, PEM (profile 3)"),
    Entry("TWILIO_ACCOUNT_SID", None, _matching(r"AC\w+", "must begin with AC"), "WhatsApp by Twilio"),
    Entry("TWILIO_AUTH_TOKEN", None, _text, "Checks signatures; also signs in where no API key is set"),
    Entry("TWILIO_AUTH_TOKEN_SECONDARY", None, _text, "Also accepted while tokens are rotated"),
    Entry("TWILIO_API_KEY", None, _matching(r"SK\w+", "must begin with SK"), "Signs in instead of the auth token"),
    Entry("TWILIO_API_SECRET", None, _text, "Belongs to TWILIO_API_KEY"),
    Entry("TWILIO_WHATSAPP_FROM", None, _whatsapp, "The sender, whatsapp:+94110000000"),
    Entry("TWILIO_API_URL", None, _url("https", "http"), "Stands for every twilio.com host: a stand-in, a proxy"),
    Entry("TWILIO_TEMPLATES", None, Path, "JSON that maps intent and language to a ContentSid; a sample is shipped"),
    Entry("TELEGRAM_CUSTOMER_TOKEN", None, _bot_token, "The bot that drivers write to, by BotFather"),
    Entry("TELEGRAM_TEAM_TOKEN", None, _bot_token, "Another bot, for the team: commands, cards, answers to drivers"),
    Entry("TELEGRAM_TEAM_CHAT_ID", None, _whole, "The team's group, where its bot posts from the first start on"),
    Entry("TELEGRAM_MODE", "polling", _one_of("polling", "webhook"),
          "polling needs no address; webhook needs an https PUBLIC_URL that Telegram reaches"),
    Entry("TELEGRAM_WEBHOOK_SECRET", None, _matching(r"[A-Za-z0-9_-]{1,256}", "must be 1 to 256 of A-Z a-z 0-9 _ -"),
          "What Telegram shows with each call; each bot's own, made from SECRET_KEY, where not set"),
    Entry("TELEGRAM_API_URL", None, _url("https", "http"), "Stands for https://api.telegram.org: a local Bot API"),
    Entry("NATS_URL", None, _url("nats", "tls", "ws", "wss"),
          "nats://HOST:4222, nats://TOKEN@HOST or nats://USER:PASSWORD@HOST: wake-ups among several processes"),
    Entry("MQTT_URL", None, _url("mqtt", "mqtts", "ws", "wss"), "Not in this release"),
    Entry("DEFAULT_REGION", "LK", _matching("[A-Z]{2}", "must be a country such as LK"),
          "Country of phone numbers written without one"),
    Entry("CURRENCY", "LKR", _matching("[A-Z]{3}", "must be a currency such as LKR"), "The one currency"),
    Entry("TIMEZONE", "Asia/Colombo", _zone, "Where a site or a member names none"),
    Entry("REVIEW_THRESHOLD", None, _share, "Below this confidence a human looks; default is the model's own"),
    Entry("CLASSIFIER_BRAIN", None, _text,
          "A transformers model (hub name or folder) that passed `chargehand brain check`; default is the shipped one"),
    Entry("SECOND_OPINION_URL", None, _guarded_url,
          "OpenAI-compatible endpoint, https://host/v1, asked about messages that want a human; default is none"),
    Entry("SECOND_OPINION_MODEL", None, _text, "The model that is asked for there"),
    Entry("SECOND_OPINION_KEY", None, _text, "Its key, where it wants one"),
    Entry("SECOND_OPINION_TIMEOUT_S", "8", _seconds, "How long it may take, 1 to 60; nobody waits for it"),
    Entry("KNOWLEDGE_FILE", None, Path, "Answers to questions; read again when changed; a sample is shipped"),
    Entry("RETENTION_RAW_DAYS", "30", _days, "Raw payloads of messages"),
    Entry("RETENTION_MEDIA_DAYS", "365", _days, "Files that people sent"),
    Entry("RETENTION_FRAMES_DAYS", "30", _days, "OCPP frames"),
)  # fmt: skip

_BY_NAME = {entry.name: entry for entry in TABLE}
_FILES = ("OCPP_TLS_CERT", "OCPP_TLS_KEY", "OCPP_TLS_CA", "TWILIO_TEMPLATES", "KNOWLEDGE_FILE")


def load(*, demo: bool = False) -> Settings:
    """The settings of this process. A demo never reads `.env` and lives in var/demo. Raises SettingsError."""
    given = dict(os.environ)
    if not demo:
        given = {**read_file(ROOT / ".env"), **given}
    return from_mapping(given, demo=demo, root=ROOT)


def read_file(path: Path) -> dict[str, str]:
    """The names and values of an env file; none where there is no file. Raises SettingsError."""
    if not path.is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 - most commands of a container have no such file

    try:
        return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path.name} cannot be read: {error}"]) from error


def from_mapping(given: Mapping[str, str], *, demo: bool = False, root: Path = ROOT) -> Settings:
    """Check every `CHARGEHAND_` name of `given` and fill in the defaults. Raises SettingsError with every trouble."""
    ours = {name[len(PREFIX) :]: value.strip() for name, value in given.items() if name.startswith(PREFIX)}
    ours = {name: value for name, value in ours.items() if not (PREFIX + name).startswith(INJECTED)}
    troubles = [_unknown(name) for name in sorted(ours) if name not in _BY_NAME]
    values: dict[str, Any] = {}
    for entry in TABLE:
        text = ours.get(entry.name) or entry.default
        try:
            values[entry.name] = None if text is None else entry.check(text)
        except ValueError as error:
            shown = "" if entry.name.lower() in SECRET_NAMES else f", not {_short(text)}"
            troubles.append(f"{PREFIX}{entry.name} {error}{shown}")
    if troubles:
        raise SettingsError(troubles)
    _place(values, ours, demo=demo, root=root)
    if troubles := list(_disagreements(values)):
        raise SettingsError(troubles)
    values["SECRET_KEY"] = values["SECRET_KEY"] or ""
    return Settings(**{name.lower(): value for name, value in values.items()})


def _short(text: str | None) -> str:
    masked = _masked(text or "")
    return repr(masked if len(masked) <= 60 else masked[:60] + "…")


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.6)
    hint = f"; did you mean {PREFIX}{near[0]}?" if near else "; .env.example lists them all"
    return f"{PREFIX}{name} is not a setting{hint}"


def _place(values: dict[str, Any], ours: Mapping[str, str], *, demo: bool, root: Path) -> None:
    """Make every path absolute. `var/` at the head of a relative path means the data folder, wherever that is."""
    chosen: Path = values["DATA_DIR"]
    if demo and not ours.get("DATA_DIR"):
        chosen = Path("var/demo")
    data_dir = (root / chosen.expanduser()).resolve()
    values["DATA_DIR"] = data_dir
    url: str = values["DATABASE_URL"]
    if url.startswith("sqlite:///"):
        values["DATABASE_URL"] = f"sqlite:///{_under(data_dir, Path(url.removeprefix('sqlite:///')))}"
    for name in _FILES:
        if values[name] is not None:
            values[name] = _under(data_dir, values[name])
    if values["PUBLIC_URL"] is None:
        values["PUBLIC_URL"] = f"http://127.0.0.1:{values['HTTP_PORT']}"


def _under(data_dir: Path, path: Path) -> Path:
    path = path.expanduser()
    if not path.is_absolute() and path.parts[:1] == ("var",) and len(path.parts) > 1:
        path = Path(*path.parts[1:])
    return data_dir / path


def _disagreements(values: Mapping[str, Any]) -> Iterable[str]:
    """Settings that are fine alone and wrong together."""
    tls = [name for name in ("OCPP_TLS_CERT", "OCPP_TLS_KEY") if values[name] is None]
    if (values["OCPP_SECURITY_PROFILE"] >= 2 or values["OCPP_TLS_PORT"] is not None) and tls:
        yield f"{PREFIX}OCPP_SECURITY_PROFILE of 2 or 3, or an OCPP_TLS_PORT, needs {PREFIX}{tls[0]}"
    if values["OCPP_SECURITY_PROFILE"] == 3 and values["OCPP_TLS_CA"] is None:
        yield f"{PREFIX}OCPP_SECURITY_PROFILE of 3 needs {PREFIX}OCPP_TLS_CA"
    for name in _FILES:
        if values[name] is not None and not values[name].is_file():
            yield f"{PREFIX}{name} names a file that is not there: {values[name]}"
    if values["TWILIO_API_KEY"] and not values["TWILIO_API_SECRET"]:
        yield f"{PREFIX}TWILIO_API_KEY needs {PREFIX}TWILIO_API_SECRET"
    yield from _telegram_disagreements(values)
    if bool(values["SECOND_OPINION_URL"]) != bool(values["SECOND_OPINION_MODEL"]):
        yield f"{PREFIX}SECOND_OPINION_URL and {PREFIX}SECOND_OPINION_MODEL need each other"
    if values["HTTP_PORT"] and values["HTTP_PORT"] == values["OCPP_PORT"]:
        yield f"{PREFIX}HTTP_PORT and {PREFIX}OCPP_PORT must differ"


def _telegram_disagreements(values: Mapping[str, Any]) -> Iterable[str]:
    tokens = [values[name] for name in ("TELEGRAM_CUSTOMER_TOKEN", "TELEGRAM_TEAM_TOKEN") if values[name]]
    if len(tokens) == 2 and tokens[0].partition(":")[0] == tokens[1].partition(":")[0]:
        yield f"{PREFIX}TELEGRAM_CUSTOMER_TOKEN and {PREFIX}TELEGRAM_TEAM_TOKEN must be of two bots"
    if tokens and values["TELEGRAM_MODE"] == "webhook" and not values["PUBLIC_URL"].startswith("https://"):
        yield f"{PREFIX}TELEGRAM_MODE webhook needs an https {PREFIX}PUBLIC_URL, because Telegram calls no other"


def with_secret(settings: Settings) -> Settings:
    """The same settings with a secret key: the one that was set, else the one kept in DATA_DIR, made on first use.

    Raises SettingsError when the file cannot be written or read.
    """
    if settings.secret_key:
        return settings
    from dataclasses import replace  # noqa: PLC0415

    path = settings.secret_file
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_secret(path)
        key = path.read_text(encoding="ascii").strip()
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"the secret key in {path} cannot be kept: {error}"]) from error
    if len(key) < 16:
        raise SettingsError([f"{path} holds no secret key; delete it and one is made"])
    return replace(settings, secret_key=key)


def _write_secret(path: Path) -> None:
    """Two processes may start at once: the first to link its file into place wins, whole."""
    mine = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(mine, path)
    except FileExistsError:
        pass
    finally:
        mine.unlink()


def example() -> str:
    """The text of `.env.example`."""
    head = (
        "# Copy to .env and change what you need. Everything has a default; an empty value means not set.\n"
        "# Check with: .venv/bin/chargehand doctor\n"
    )
    lines = [f"\n# {entry.about}\n#{PREFIX}{entry.name}={entry.default or ''}\n" for entry in TABLE]
    return head + "".join(lines)


def postgres_environment(settings: Settings) -> dict[str, str]:
    """What pg_dump and pg_restore need to find the database, without a password on a command line."""
    parts = urlsplit(settings.database_url)
    shown = {"PGHOST": parts.hostname, "PGPORT": str(parts.port) if parts.port else None, "PGUSER": parts.username}
    return {name: quote(value, safe="@.-_") for name, value in shown.items() if value} | {
        "PGDATABASE": parts.path.strip("/")
    }
