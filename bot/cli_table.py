"""Every command of `chargehand`: its words, what it does, its arguments, an example, and the function that runs it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROLE_WORDS = ("admin", "manager", "dispatcher", "ops_agent", "installer", "cpo")
DEPARTMENT_WORDS = ("hotline", "service", "maintenance", "technical")
PROCESS_ROLES = ("all", "web", "ocpp", "worker", "clock")


@dataclass(frozen=True)
class Command:
    """One command. `run` names a function that takes the parsed arguments and gives an exit status or None."""

    words: str
    about: str
    run: str
    arguments: Callable[[argparse.ArgumentParser], None]
    examples: tuple[str, ...]


GROUPS = {
    "import": "Bring in chargers, contacts, tags, tariffs or members from a file",
    "tag": "Charging cards and fobs",
    "wallet": "Balances",
    "charger": "Chargers",
    "member": "Members of the team",
    "contact": "People who write: what is kept about them",
    "token": "API tokens",
    "model": "What the team teaches the assistant: versions of its model",
    "simulate": "Virtual chargers",
    "brain": "Other brains: a transformers model of your own, an endpoint that is asked in doubt",
}


# Arguments ------------------------------------------------------------------------------------------------------


def _nothing(_: argparse.ArgumentParser) -> None:
    return


def _roles(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--role", action="append", default=None, metavar="ROLE", type=_role_list,
        help="all (default), web, ocpp, worker or clock; may be repeated; SQLite takes all",
    )  # fmt: skip


def _role_list(text: str) -> list[str]:
    roles = [word.strip() for word in text.split(",") if word.strip()]
    for role in roles:
        if role not in PROCESS_ROLES:
            raise argparse.ArgumentTypeError(f"{role!r} is none of {', '.join(PROCESS_ROLES)}")
    return roles


def _backup(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the archive to write; must not exist")


def _restore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="an archive that backup wrote")
    parser.add_argument("--force", action="store_true", help="replace the data that is there (it is moved aside)")


def _import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV with a head line, or JSONL; UTF-8")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def _tag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("value", metavar="TAG", help="what the reader reads, as it is printed or in hex")
    parser.add_argument("--contact", metavar="WHO", help="phone, username or email of its owner")
    parser.add_argument("--expires", metavar="DATE", type=_date, help="last day on which it may charge, 2027-12-31")


def _date(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2027-12-31")
    return text


def _wallet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("who", metavar="WHO", help="phone, username or email of a contact; with --fleet its name")
    parser.add_argument("amount", metavar="AMOUNT", help="in major units, 1500.00; to take away: -- -250")
    parser.add_argument("--fleet", action="store_true", help="WHO is a fleet")
    parser.add_argument("--note", default="", metavar="TEXT", help="why; shown with the entry")
    parser.add_argument("--key", metavar="KEY", help="the same key counts once, so that a script may repeat itself")


def _charger_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="its OCPP identity, the last part of its address")
    parser.add_argument("--name", default="", metavar="N")
    parser.add_argument("--current-type", choices=("DC", "AC"), default="AC")
    parser.add_argument("--connectors", type=_count, default=1, metavar="N")
    parser.add_argument("--site", metavar="S", help="made where there is none of that name")
    _password(parser, "16 to 40 characters from standard input; without this one is made and printed once")


def _charger_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")
    _password(parser, "read from standard input; without this one is made and printed once")


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def _password(parser: argparse.ArgumentParser, about: str) -> None:
    parser.add_argument("--password-stdin", action="store_true", help=about)


def _member_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--email", required=True, metavar="E")
    parser.add_argument("--name", required=True, metavar="N")
    parser.add_argument("--role", required=True, choices=ROLE_WORDS)
    parser.add_argument("--department", action="append", default=[], choices=DEPARTMENT_WORDS, help="may be repeated")
    parser.add_argument("--whatsapp", metavar="+94…", help="enrols the number: commands may be typed from it")
    parser.add_argument("--telegram-id", type=int, metavar="N", help="numeric id of the account")
    parser.add_argument("--fleet", metavar="F", help="for a cpo: the fleet whose chargers it sees")
    _password(parser, "password for the console (10 characters or more), read from standard input")


def _member_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("who", metavar="WHO", help="email or number of the member")
    _password(parser, "read from standard input; without this one is made and printed once")


def _member_disable(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("who", metavar="WHO", help="email or number of the member")


def _contact_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("who", metavar="WHO", help="phone, username, email or number of the contact")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there, readable by you alone; must not exist")


def _contact_erase(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("who", metavar="WHO", help="phone, username, email or number of the contact")
    parser.add_argument("--yes", action="store_true", help="do it; without this only what would go is shown")


def _token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--member", required=True, metavar="E", help="email or number of the member")
    parser.add_argument("--label", default="", metavar="TEXT", help="what it is for")


def _classify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", metavar="TEXT")
    parser.add_argument(
        "--jsonl", action="store_true", help="read standard input: one text a line, or JSON with `text`"
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="another model than the shipped one")


def _train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FILE", help="`text` and `category`")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="named as the model is: name@version")
    parser.add_argument("--test", type=Path, metavar="FILE", help="measure on it; else one family in five is held out")
    parser.add_argument("--encoder", type=Path, metavar="DIR", help="another sentence encoder than the shipped one")
    parser.add_argument("--out-of-scope", metavar="LABEL", help="rows with this label teach only when not to know")
    parser.add_argument("--keep-examples", action="store_true", help="keep texts in the model, to show as evidence")


def _evaluate(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, metavar="FILE", help="`text` and `category`")
    what.add_argument("--entities", type=Path, metavar="FILE", help="JSONL with `text` and the `entities` it names")
    parser.add_argument("--model", type=Path, metavar="DIR", help="another model than the shipped one")
    parser.add_argument("--out-of-scope", metavar="LABEL", help="rows with this label belong to no category")
    parser.add_argument("--without-encoder", action="store_true", help="as on a machine without onnxruntime")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a Markdown report with plots into it")
    parser.add_argument("--json", action="store_true", help="figures as JSON")


def _brain_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a folder, or a model's name on the hub; weights as safetensors")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="`text` and `category`, not learnt from"
    )
    parser.add_argument("--labels", type=Path, metavar="FILE", help="JSON that maps the model's labels to categories")


def _brain_fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="`text` and `category`, not learnt from"
    )
    parser.add_argument("--limit", type=_count, default=300, metavar="N", help="ask about so many at most; default 300")


def _version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION", help="team@3, or 3 alone")


def _promote(parser: argparse.ArgumentParser) -> None:
    _version(parser)
    parser.add_argument("--force", metavar="WHY", help="although its verdict is against it; the reason is kept")


def _rollback(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to-shipped", action="store_true", help="to the model that came with Chargehand")


def _shadow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION|off", help="team@3, or off: nobody reads along")


def _simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True, metavar="WS_URL", help="up to where the charger's id follows")
    parser.add_argument("--count", type=_count, default=1, metavar="N")
    parser.add_argument("--first-id", type=_count, default=900_001, metavar="N", help="the others count on from it")
    parser.add_argument("--version", choices=("1.6", "2.0.1"), default="1.6")
    parser.add_argument("--scenario", default="healthy", metavar="NAME", help="a wrong name lists them all")
    parser.add_argument("--password", metavar="P")


# The table ------------------------------------------------------------------------------------------------------

COMMANDS: tuple[Command, ...] = (
    Command("run", "Serve with the settings of .env", "bot.cli_serve:run", _roles,
            ("chargehand run", "chargehand run --role web --role worker")),
    Command("demo", "Serve a demonstration with a simulated charging network, in var/demo/", "bot.cli_serve:demo",
            _nothing, ("chargehand demo",)),
    Command("doctor", "Check settings, database, model, channels, ports and disk, and say how to mend each",
            "bot.cli_machine:doctor", _nothing, ("chargehand doctor",)),
    Command("migrate", "Bring the database's schema to the newest", "bot.cli_machine:migrate", _nothing,
            ("chargehand migrate",)),
    Command("backup", "Write database, media and secret key into one archive", "bot.cli_machine:backup", _backup,
            ("chargehand backup /backups/monday.tar",)),
    Command("restore", "Put back what backup wrote; the assistant must not be running", "bot.cli_machine:restore",
            _restore, ("chargehand restore /backups/monday.tar", "chargehand restore --force /backups/monday.tar")),
    Command("import chargers", "Columns: id, name, current_type, connectors, site, fleet, tariff, password",
            "bot.cli_desk:import_chargers", _import, ("chargehand import chargers chargers.csv --dry-run",)),
    Command("import contacts", "Columns: phone, username, name, email, organisation, language, tier, fleet, balance",
            "bot.cli_desk:import_contacts", _import, ("chargehand import contacts drivers.jsonl",)),
    Command("import tags", "Columns: tag, contact, status, expires", "bot.cli_desk:import_tags", _import,
            ("chargehand import tags tags.csv",)),
    Command("import tariffs", "Columns: name, price_per_kwh", "bot.cli_desk:import_tariffs", _import,
            ("chargehand import tariffs tariffs.csv",)),
    Command("import members", "Columns: email, name, role, departments, whatsapp, telegram_id",
            "bot.cli_desk:import_members", _import, ("chargehand import members team.csv",)),
    Command("charger add", "Register a charger", "bot.cli_desk:charger_add", _charger_add,
            ("chargehand charger add 100234 --name 'Galle Face 2' --current-type DC --connectors 2 --site 'Galle Face'",
             "pass ev/100234 | chargehand charger add 100234 --password-stdin")),
    Command("charger password", "Give a charger a new password", "bot.cli_desk:charger_password", _charger_password,
            ("chargehand charger password 100234",)),
    Command("tag add", "Register a charging card or fob", "bot.cli_desk:tag_add", _tag,
            ("chargehand tag add 04A2B3C4D5E6F7 --contact +94771234567",)),
    Command("wallet credit", "Add to a balance, or take from it", "bot.cli_desk:wallet_credit", _wallet,
            ("chargehand wallet credit +94771234567 1500.00 --note 'goodwill TKT-000042'",
             "chargehand wallet credit --note correction -- nimal -250")),
    Command("member add", "Enrol somebody in the team", "bot.cli_desk:member_add", _member_add,
            ("chargehand member add --email ana@example.org --name Ana --role dispatcher --department technical"
             " --whatsapp +94771234567",)),
    Command("member password", "Give a member a new password", "bot.cli_desk:member_password", _member_password,
            ("chargehand member password ana@example.org",)),
    Command("member disable", "Close every door to a member who left; history stays", "bot.cli_desk:member_disable",
            _member_disable, ("chargehand member disable ana@example.org",)),
    Command("token create", "Make an API token; it is printed once", "bot.cli_desk:token_create", _token,
            ("chargehand token create --member ana@example.org --label dashboard",)),
    Command("contact export", "Everything that is kept about a person, as JSON", "bot.cli_desk:contact_export",
            _contact_export, ("chargehand contact export +94771234567 --out nimal.json",)),
    Command("contact erase", "Forget a person; tickets and the ledger stay, without a name",
            "bot.cli_desk:contact_erase", _contact_erase, ("chargehand contact erase +94771234567 --yes",)),
    Command("classify", "What a message is about, as JSON", "bot.cli_model:classify", _classify,
            ("chargehand classify 'charger 100234 is not starting, red light'",
             "chargehand classify --jsonl < messages.jsonl")),
    Command("train", "Train a classifier on labelled messages, CSV or JSONL", "bot.cli_model:train", _train,
            ("chargehand train --data ours.csv more.jsonl --out models/ours",)),
    Command("evaluate", "Figures of a classifier by class and language, calibration and coverage",
            "bot.cli_model:evaluate", _evaluate, ("chargehand evaluate --data held-out.csv --json",)),
    Command("brain check", "Calibrate a transformers model and judge it beside the one that serves",
            "bot.cli_brain:check", _brain_check,
            ("chargehand brain check models/ours --data held-out.csv",
             "chargehand brain check some/model --data held-out.csv --labels labels.json")),
    Command("brain fit-endpoint", "Ask the endpoint about labelled messages, and fit what its agreement is worth",
            "bot.cli_brain:fit_endpoint", _brain_fit, ("chargehand brain fit-endpoint --data held-out.csv",)),
    Command("model list", "Versions of the model, and which one serves", "bot.cli_teach:listing", _nothing,
            ("chargehand model list",)),
    Command("model train", "Train a candidate on the project's messages and those that the team labelled",
            "bot.cli_teach:train", _nothing, ("chargehand model train",)),
    Command("model judge", "Compare a version with the one that serves, and keep the verdict", "bot.cli_teach:judge",
            _version, ("chargehand model judge team@3",)),
    Command("model promote", "Let a version serve that its verdict lets; nothing is restarted",
            "bot.cli_teach:promote", _promote,
            ("chargehand model promote team@3",
             "chargehand model promote team@3 --force 'measured by hand on 400 messages of May'")),
    Command("model rollback", "The version that served before serves again", "bot.cli_teach:rollback", _rollback,
            ("chargehand model rollback", "chargehand model rollback --to-shipped")),
    Command("model shadow", "Let a version read along without answering", "bot.cli_teach:shadow", _shadow,
            ("chargehand model shadow team@3", "chargehand model shadow off")),
    Command("simulate chargers", "Virtual chargers against any central system", "bot.cli_machine:simulate", _simulate,
            ("chargehand simulate chargers --url ws://127.0.0.1:9000/ocpp --count 5 --scenario healthy",)),
)  # fmt: skip
