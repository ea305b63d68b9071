"""Settings: every name of the contract, its default, one clear line for each trouble, and secrets that stay secret."""

from __future__ import annotations

import re
import stat
import threading
from pathlib import Path

import pytest

from bot import settings
from bot.settings import TABLE, Settings, SettingsError, from_mapping, with_secret


def made(root: Path, *, demo: bool = False, **given: str) -> Settings:
    return from_mapping({f"CHARGEHAND_{name}": value for name, value in given.items()}, demo=demo, root=root)


def troubles(root: Path, **given: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        from_mapping({f"CHARGEHAND_{name}": value for name, value in given.items()}, root=root)
    return caught.value.lines


def test_nothing_set_gives_the_documented_defaults(tmp_path: Path) -> None:
    plain = from_mapping({}, root=tmp_path)
    assert plain.database_url == f"sqlite:///{tmp_path}/var/chargehand.db"
    assert (plain.http_host, plain.http_port, plain.ocpp_host, plain.ocpp_port) == (
        "127.0.0.1",
        8080,
        "127.0.0.1",
        9000,
    )
    assert plain.public_url == "http://127.0.0.1:8080"
    assert (plain.ocpp_unknown_chargers, plain.ocpp_security_profile) == ("refuse", 1)
    assert (plain.default_region, plain.currency, plain.timezone) == ("LK", "LKR", "Asia/Colombo")
    assert (plain.retention_raw_days, plain.retention_media_days, plain.retention_frames_days) == (30, 365, 30)
    assert plain.review_threshold is None
    assert plain.secret_key == ""


def test_an_empty_value_means_not_set(tmp_path: Path) -> None:
    assert made(tmp_path, HTTP_PORT="", NATS_URL=" ", CURRENCY="") == made(tmp_path)


def test_a_demo_lives_in_a_folder_of_its_own(tmp_path: Path) -> None:
    demo = made(tmp_path, demo=True)
    assert demo.data_dir == tmp_path / "var/demo"
    assert demo.database_url == f"sqlite:///{tmp_path}/var/demo/chargehand.db"
    elsewhere = made(tmp_path, demo=True, DATABASE_URL="postgresql://u@h/demo")
    assert elsewhere.database_url == "postgresql://u@h/demo"


def test_a_demo_reads_no_env_file_and_everything_else_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("CHARGEHAND_CURRENCY=EUR\nCHARGEHAND_HTTP_PORT=1\nOTHER=x\n")
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setenv("CHARGEHAND_HTTP_PORT", "2")
    assert (settings.load().currency, settings.load().http_port) == ("EUR", 2)
    assert settings.load(demo=True).currency == "LKR"


def test_relative_paths_start_at_the_data_folder_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/faq.toml").touch()
    monkeypatch.chdir("/")
    chosen = made(tmp_path, DATA_DIR="kept", KNOWLEDGE_FILE="faq.toml", DATABASE_URL="sqlite:///my.db")
    assert chosen.data_dir == tmp_path / "kept"
    assert chosen.knowledge_file == tmp_path / "kept/faq.toml"
    assert chosen.sqlite_path == tmp_path / "kept/my.db"
    assert made(tmp_path, DATABASE_URL="sqlite:////srv/x.db").sqlite_path == Path("/srv/x.db")


def test_the_public_address_follows_the_port_when_nobody_names_one(tmp_path: Path) -> None:
    assert made(tmp_path, HTTP_PORT="8123").public_url == "http://127.0.0.1:8123"
    assert made(tmp_path, PUBLIC_URL="https://ev.example/").public_url == "https://ev.example"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HTTP_PORT", "80a", "must be a port, 0 to 65535, not '80a'"),
        ("HTTP_PORT", "65536", "must be a port"),
        ("OCPP_PORT", "-1", "must be a port"),
        ("DATABASE_URL", "mysql://x/y", "must begin with sqlite:/// or postgresql://"),
        ("DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("DATABASE_URL", "postgresql://host", "must name a database"),
        ("PUBLIC_URL", "ev.example", "must be an address such as https://"),
        ("PUBLIC_URL", "https://ev.example:99999999", "must be an address such as https://"),
        ("OCPP_UNKNOWN_CHARGERS", "maybe", "must be one of refuse, register"),
        ("OCPP_SECURITY_PROFILE", "4", "must be one of 0, 1, 2, 3"),
        ("TWILIO_ACCOUNT_SID", "SM123", "must begin with AC"),
        ("TWILIO_WHATSAPP_FROM", "0771234567", "must be a number such as whatsapp:+94110000000"),
        ("TIMEZONE", "Colombo", "must be a time zone such as Asia/Colombo"),
        ("TIMEZONE", "../etc/passwd", "must be a time zone"),
        ("CURRENCY", "rupees", "must be a currency such as LKR"),
        ("DEFAULT_REGION", "Sri Lanka", "must be a country such as LK"),
        ("REVIEW_THRESHOLD", "1.5", "must be a number from 0 to 1"),
        ("REVIEW_THRESHOLD", "nan", "must be a number from 0 to 1"),
        ("RETENTION_RAW_DAYS", "0", "must be a number of days, 1 to 36500"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "must be addresses or networks"),
        ("WEBCHAT_ORIGINS", "https://a.example/path", "must be origins"),
        ("NATS_URL", "http://x", "must be an address such as nats://"),
        ("TELEGRAM_MODE", "push", "must be one of polling, webhook"),
        ("TELEGRAM_TEAM_CHAT_ID", "abc", "must be a whole number"),
        ("TELEGRAM_CUSTOMER_TOKEN", "123456789", "must be a bot's token"),
        ("TELEGRAM_WEBHOOK_SECRET", "with a space", "must be 1 to 256 of"),
        ("KNOWLEDGE_FILE", "no-such.toml", "names a file that is not there"),
        ("OCPP_SECURITY_PROFILE", "2", "needs CHARGEHAND_OCPP_TLS_CERT"),
        ("TWILIO_API_KEY", "SK123", "needs CHARGEHAND_TWILIO_API_SECRET"),
        ("HTTP_PORT", "9000", "must differ"),
        ("SECOND_OPINION_URL", "http://llm.example/v1", "must be an https address, or http to this machine"),
        ("SECOND_OPINION_URL", "https://key@llm.example/v1", "must be a plain address"),
        ("SECOND_OPINION_URL", "https://llm.example/v1", "need each other"),
        ("SECOND_OPINION_MODEL", "gpt", "need each other"),
        ("SECOND_OPINION_TIMEOUT_S", "0", "must be seconds, 1 to 60"),
        ("SECOND_OPINION_TIMEOUT_S", "nan", "must be seconds, 1 to 60"),
    ],
)
def test_a_malformed_setting_is_one_clear_line(tmp_path: Path, name: str, value: str, said: str) -> None:
    lines = troubles(tmp_path, **{name: value})
    assert len(lines) == 1
    assert f"CHARGEHAND_{name}" in lines[0]
    assert said in lines[0]


def test_every_trouble_is_told_at_once(tmp_path: Path) -> None:
    assert len(troubles(tmp_path, HTTP_PORT="x", CURRENCY="y", FOO="z")) == 3


def test_an_unknown_name_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    assert troubles(tmp_path, DATABSE_URL="x") == [
        "CHARGEHAND_DATABSE_URL is not a setting; did you mean CHARGEHAND_DATABASE_URL?"
    ]
    assert "lists them all" in troubles(tmp_path, QQQ="1")[0]


def test_names_that_container_platforms_inject_are_passed_over(tmp_path: Path) -> None:
    assert made(tmp_path, SERVICE_HOST="10.0.0.1", PORT="tcp://10.0.0.1:80", PORT_80_TCP="x") == made(tmp_path)


def test_a_malformed_secret_is_not_repeated(tmp_path: Path) -> None:
    line = troubles(tmp_path, SECRET_KEY="hunter2")[0]
    assert "hunter2" not in line
    assert "hunter2" not in troubles(tmp_path, DATABASE_URL="mysql://u:hunter2@h/d")[0]


def test_the_repr_shows_no_secret(tmp_path: Path) -> None:
    shown = repr(
        made(
            tmp_path, SECRET_KEY="s3cr3t-s3cr3t-s3cr3t", TWILIO_AUTH_TOKEN="s3cr3t", TWILIO_API_SECRET="s3cr3t",
            METRICS_TOKEN="s3cr3t", TELEGRAM_TEAM_TOKEN="1:s3cr3t", DATABASE_URL="postgresql://desk:s3cr3t@h/d",
            TELEGRAM_WEBHOOK_SECRET="s3cr3t", SECOND_OPINION_KEY="s3cr3t", NATS_URL="nats://s3cr3t@nats:4222",
        )
    )  # fmt: skip
    assert "s3cr3t" not in shown
    assert "desk:…@h/d" in shown
    assert "nats://…@nats:4222" in shown


def test_a_secret_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    first = with_secret(made(tmp_path))
    assert len(first.secret_key) >= 43
    assert stat.S_IMODE(first.secret_file.stat().st_mode) == 0o600
    assert with_secret(made(tmp_path)).secret_key == first.secret_key
    assert with_secret(made(tmp_path, SECRET_KEY="given-given-given-given")).secret_key == "given-given-given-given"


def test_processes_that_start_together_agree_on_the_secret_key(tmp_path: Path) -> None:
    keys: list[str] = []
    threads = [threading.Thread(target=lambda: keys.append(with_secret(made(tmp_path)).secret_key)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1


def test_an_emptied_key_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    made(tmp_path).data_dir.mkdir(parents=True)
    made(tmp_path).secret_file.write_text("")
    with pytest.raises(SettingsError, match="delete it"):
        with_secret(made(tmp_path))


def test_a_channel_says_why_it_is_off(tmp_path: Path) -> None:
    notes = {note.name: note for note in made(tmp_path, TWILIO_ACCOUNT_SID="AC1", NATS_URL="nats://n:4222").channels()}
    assert notes["WhatsApp"].why == "CHARGEHAND_TWILIO_AUTH_TOKEN, CHARGEHAND_TWILIO_WHATSAPP_FROM not set"
    assert notes["NATS"].on
    assert "not in this release" in notes["MQTT"].why
    off = {note.name: note for note in made(tmp_path).channels()}["NATS"]
    assert (off.on, off.why) == (False, "CHARGEHAND_NATS_URL not set")
    on = made(tmp_path, TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN="t", TWILIO_WHATSAPP_FROM="+94110000000")
    assert on.twilio_whatsapp_from == "whatsapp:+94110000000"
    assert on.channels()[0].on


def test_telegrams_bots_are_two_and_a_webhook_needs_https(tmp_path: Path) -> None:
    off = {note.name: note for note in made(tmp_path).channels()}["Telegram"]
    assert (off.on, off.why) == (False, "CHARGEHAND_TELEGRAM_CUSTOMER_TOKEN not set")
    token = "123456789:AAH-abcdefghijklmnopqrstuvwxyz0123456"
    on = {note.name: note.on for note in made(tmp_path, TELEGRAM_CUSTOMER_TOKEN=token).channels()}
    assert (on["Telegram"], on["Team chat on Telegram"]) == (True, False)
    [line] = troubles(tmp_path, TELEGRAM_CUSTOMER_TOKEN=token, TELEGRAM_TEAM_TOKEN=token)
    assert "two bots" in line
    [line] = troubles(tmp_path, TELEGRAM_CUSTOMER_TOKEN=token, TELEGRAM_MODE="webhook")
    assert "https CHARGEHAND_PUBLIC_URL" in line
    assert "AAH-" not in "".join(troubles(tmp_path, TELEGRAM_CUSTOMER_TOKEN="AAH-no-number-before-it"))


def test_the_example_file_names_every_setting_once_and_is_accepted(tmp_path: Path) -> None:
    text = (settings.ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^#?CHARGEHAND_(\w+)=", text, re.MULTILINE)
    assert named == [entry.name for entry in TABLE]
    file = tmp_path / ".env"
    file.write_text(re.sub(r"(?m)^#(?=CHARGEHAND_)", "", text))
    assert from_mapping(settings.read_file(file), root=tmp_path) == made(tmp_path)


def test_every_setting_of_the_table_has_a_field_and_the_other_way_round() -> None:
    assert {entry.name.lower() for entry in TABLE} == set(Settings.__dataclass_fields__)
