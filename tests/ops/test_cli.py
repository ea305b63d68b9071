"""The command line as an operator meets it: on both engines, one clear line for each trouble, never a stack trace."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import settings
from bot.cli import main, parser
from bot.cli_table import COMMANDS
from bot.settings import ROOT

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command in an installation of its own: (exit status, standard output, standard error)."""
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        capsys.readouterr()
        status = main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def run_on(run: Run, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, empty_database: str) -> Run:
    """The same, on each engine in turn."""
    monkeypatch.setenv("CHARGEHAND_DATABASE_URL", empty_database)
    return run


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_every_command_has_help_with_an_example(run: Run, command: object) -> None:
    words = command.words  # type: ignore[attr-defined]
    status, out, err = run(*words.split(), "--help")
    assert status == 0
    assert err == ""
    assert f"chargehand {words}" in out.partition("examples:")[2]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_every_example_is_understood(command: object) -> None:
    import shlex

    for example in command.examples:  # type: ignore[attr-defined]
        line = example.rpartition("| ")[2].partition(" <")[0]
        given = parser().parse_args(shlex.split(line)[1:])
        assert given.command is command


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_every_command_names_a_function_that_is_there(command: object) -> None:
    import importlib

    module, _, function = command.run.partition(":")  # type: ignore[attr-defined]
    assert callable(getattr(importlib.import_module(module), function))


def test_the_contract_of_commands_is_kept() -> None:
    assert {command.words for command in COMMANDS} >= {
        "run", "demo", "backup", "restore", "import chargers", "import contacts", "import tags", "import tariffs",
        "import members", "tag add", "wallet credit", "charger add", "charger password", "member add",
        "member password", "member disable", "contact export", "contact erase", "migrate", "doctor", "classify",
        "train", "evaluate", "token create", "simulate chargers", "brain check", "brain fit-endpoint",
    }  # fmt: skip


MISUSES = [
    ((), "say what to do"),
    (("frobnicate",), "invalid choice"),
    (("member",), "required: WHAT"),
    (("member", "add"), "required: --email"),
    (("member", "add", "--email", "a@b.c", "--name", "A", "--role", "king"), "invalid choice: 'king'"),
    (("member", "add", "--email", "nobody", "--name", "A", "--role", "admin"), "is not an email address"),
    (("member", "add", "--email", "a@b.c", "--name", "A", "--role", "admin", "--whatsapp", "12"), "no phone number"),
    (("member", "add", "--email", "a@b.c", "--name", "A", "--role", "admin", "--password-stdin"), "nothing came"),
    (("member", "disable", "ghost@b.c"), "no member ghost@b.c"),
    (("member", "password", "99"), "no member 99"),
    (("token", "create", "--member", "ghost@b.c"), "no member ghost@b.c"),
    (("charger", "add", "bad id"), "bad id"),
    (("charger", "add", "1", "--connectors", "0"), "'0' is not a number"),
    (("charger", "add", "1", "--connectors", "99"), "99"),
    (("charger", "add", "1", "--current-type", "AD"), "invalid choice: 'AD'"),
    (("charger", "password", "404404"), "404404"),
    (("tag", "add", ""), ""),
    (("tag", "add", "04AA", "--contact", "ghost"), "ghost"),
    (("tag", "add", "04AA", "--expires", "soon"), "is not a date"),
    (("tag", "add", "04AA", "--expires", "2027-02-30"), "no date such as"),
    (("wallet", "credit", "ghost", "10"), "ghost"),
    (("wallet", "credit", "ghost", "ten"), "no amount such as"),
    (("wallet", "credit", "ghost", "0"), "no amount of LKR"),
    (("wallet", "credit", "ghost", "1.234"), "no amount of LKR"),
    (("wallet", "credit", "ghost", "nan"), "no amount such as"),
    (("wallet", "credit", "ghost", "99999999999"), "no amount of LKR"),
    (("wallet", "credit", "--fleet", "ghost", "10"), "no fleet 'ghost'"),
    (("contact", "export", "+94771234567"), "+94771234567"),
    (("contact", "erase", "nobody", "--yes"), "nobody"),
    (("import", "chargers", "missing.csv"), "no file missing.csv"),
    (("backup",), "required: FILE"),
    (("restore", "missing.tar"), "missing.tar is not there"),
    (("run", "--role", "chef"), "'chef' is none of"),
    (("run", "--role", "web"), "SQLite serves one process"),
    (("classify",), "give a TEXT, or --jsonl"),
    (("classify", "x", "--jsonl"), "give a TEXT, or --jsonl"),
    (("classify", "x", "--model", "nowhere"), "nowhere"),
    (("train", "--data", "missing.csv", "--out", "m"), "missing.csv"),
    (("evaluate", "--data", "missing.csv"), "missing.csv"),
    (("brain", "check", "some/model", "--data", "missing.csv"), "missing.csv"),
    (("brain", "fit-endpoint", "--data", "missing.csv"), "set CHARGEHAND_SECOND_OPINION_URL and"),
    (("simulate", "chargers", "--url", "http://x"), "must begin with ws://"),
    (("simulate", "chargers", "--url", "ws://x", "--scenario", "party"), "unknown scenario party"),
]


@pytest.mark.parametrize(
    ("arguments", "said"), MISUSES, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_bad_input_is_one_clear_line_and_a_status(run: Run, arguments: tuple[str, ...], said: str) -> None:
    status, out, err = run(*arguments)
    assert status in (1, 2)
    assert said in err
    assert err.count("\n") == 1 or arguments[:1] == ("simulate",)
    assert "Traceback" not in err + out
    assert out == ""


def test_a_malformed_setting_is_told_before_anything_is_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARGEHAND_HTTP_PRT", "1")
    monkeypatch.setenv("CHARGEHAND_CURRENCY", "rupee")
    for words in (("migrate",), ("run",), ("demo",), ("member", "disable", "x@y.z")):
        status, _, err = run(*words)
        assert (status, err.count("\n")) == (1, 2)
        assert "did you mean CHARGEHAND_HTTP_PORT?" in err


def test_a_bug_is_one_line_with_a_reference_and_a_masked_trace_in_a_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bot import migrate

    def broken(_url: str) -> None:
        raise ZeroDivisionError("for +94771234567")

    monkeypatch.setattr(migrate, "upgrade", broken)
    status, _, err = run("migrate")
    assert (status, err.count("\n")) == (1, 1)
    assert "ZeroDivisionError" in err
    (trace,) = tmp_path.glob("chargehand-error-*.txt")
    assert "Traceback" in trace.read_text()
    assert "4771234567" not in trace.read_text()


def test_an_operators_first_day(run_on: Run, tmp_path: Path) -> None:
    assert run_on("migrate")[0] == 0
    enrol = ("member", "add", "--email", "ana@team.example", "--name", "Ana", "--role", "dispatcher")
    more = ("--department", "hotline", "--whatsapp", "0771234567", "--password-stdin")
    added = (0, "member 1 added: Ana <ana@team.example>, dispatcher\n", "")
    assert run_on(*enrol, *more, stdin="long enough to be one\n") == added
    status, token, _ = run_on("token", "create", "--member", "ana@team.example")
    assert (status, token[:4]) == (0, "cht_")
    assert "connects to ws://" in run_on("charger", "add", "100234", "--connectors", "2", "--site", "Fort")[1]
    assert run_on("charger", "password", "100234", "--password-stdin", stdin="sixteen-or-more-letters\n")[0] == 0
    people = tmp_path / "people.csv"
    people.write_text("phone,username,name,balance\n0779999999,nimal,Nimal P,100\n")
    assert run_on("import", "contacts", str(people), "--dry-run")[1].startswith("contacts: would be 1 added")
    assert run_on("import", "contacts", str(people))[1] == "contacts: 1 added, 0 changed, 0 already the same\n"
    assert run_on("import", "contacts", str(people))[1] == "contacts: 0 added, 0 changed, 1 already the same\n"
    assert run_on("tag", "add", "04aa", "--contact", "0779999999", "--expires", "2027-12-31")[1] == "tag 04AA added\n"
    for _ in range(2):
        assert run_on("wallet", "credit", "nimal", "50.25", "--key", "k1")[1] == "nimal: 150.25 LKR\n"
    assert run_on("wallet", "credit", "--", "nimal", "-0.25")[1] == "nimal: 150.00 LKR\n"
    status, out, _ = run_on("contact", "export", "nimal")
    assert json.loads(out)["wallet"][0]["balance_minor"] == 15000
    assert run_on("contact", "erase", "nimal")[0] == 1
    assert run_on("contact", "export", "nimal", "--out", str(tmp_path / "n.json"))[0] == 0
    assert run_on("contact", "erase", "nimal", "--yes")[0] == 0
    assert run_on("contact", "export", "nimal")[0] == 1
    assert run_on("member", "disable", "ana@team.example")[0] == 0
    assert run_on("token", "create", "--member", "ana@team.example")[2] == "ana@team.example is disabled\n"


def test_backup_and_restore_from_the_command_line(run: Run, tmp_path: Path) -> None:
    assert run("backup", "a.tar")[2] == "there is no database yet: nothing to back up\n"
    run("charger", "add", "100234")
    status, out, _ = run("backup", "a.tar")
    assert (status, "the database" in out) == (0, True)
    assert "--force" in run("restore", "a.tar")[2]
    assert run("restore", "a.tar", "--force")[0] == 0
    assert "already" in run("charger", "add", "100234")[2]


def test_a_running_server_keeps_a_restore_away(run: Run, tmp_path: Path) -> None:
    from bot.cli_serve import only_process

    run("charger", "add", "100234")
    run("backup", "a.tar")
    with only_process(settings.load()):
        status, _, err = run("restore", "a.tar", "--force")
    assert status == 1
    assert "is served by another Chargehand" in err
    assert run("restore", "a.tar", "--force")[0] == 0


def test_a_demo_and_a_real_installation_keep_apart(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("migrate")
    monkeypatch.setenv("CHARGEHAND_DATABASE_URL", settings.load().database_url)
    status, _, err = run("demo")
    assert (status, err.count("\n")) == (1, 1)
    assert "was not made by `chargehand demo`" in err


def test_classify_answers_each_line_in_order(run: Run) -> None:
    lines = ["charger 100003 is not starting", '{"text": "how much did I pay", "id": 7}', "", '{"no": 1}', "{broken"]
    status, out, err = run("classify", "--jsonl", stdin="\n".join(lines) + "\n")
    answers = [json.loads(line) for line in out.splitlines()]
    assert len(answers) == 5
    assert answers[0]["category"] == "fault"
    assert answers[0]["entities"]["charger_id"] == ["100003"]
    assert answers[1]["category"] == "billing"
    assert "text" in answers[3]["error"]
    assert answers[4]["category"]
    assert (status, err) == (1, "")
    status, out, _ = run("classify", "smoke is coming out of the charger")
    assert (status, json.loads(out)["urgency"]) == (0, "safety")


def test_doctor_says_what_is_wrong_and_how_to_mend_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import socket

    run("migrate")
    (tmp_path / ".env").write_text("HTTP_PORT=1\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("CHARGEHAND_HTTP_PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("CHARGEHAND_OCPP_PORT", "0")
        monkeypatch.setenv("CHARGEHAND_DEFAULT_REGION", "QQ")
        status, out, _ = run("doctor")
    assert status == 1
    assert "HTTP_PORT has no effect\n      → write CHARGEHAND_HTTP_PORT" in out
    assert "stop what listens there, or set CHARGEHAND_HTTP_PORT" in out
    assert "QQ is no country" in out
    assert out.endswith("2 to mend\n")
    monkeypatch.setenv("CHARGEHAND_HTTP_PORT", "0")
    monkeypatch.setenv("CHARGEHAND_DEFAULT_REGION", "LK")
    monkeypatch.setenv("CHARGEHAND_OCPP_PORT", "")
    status, out, _ = run("doctor")
    assert "the newest" in out
    assert "answers fault" in out


def test_help_and_misuse_import_neither_the_database_nor_the_model() -> None:
    code = (
        "import sys; from bot.cli import main; main(['wallet', 'credit', '--help']); main(['x']);"
        "print(sorted({'sqlalchemy', 'numpy', 'alembic', 'starlette', 'ocpp', 'babel'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_module_can_be_run_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("chargehand ")


def test_what_a_command_writes_is_its_owners_alone(tmp_path: Path) -> None:
    environment = {"CHARGEHAND_DATA_DIR": str(tmp_path / "data"), "PATH": ""}
    subprocess.run([sys.executable, "-m", "bot", "migrate"], cwd=ROOT, env=environment, capture_output=True, check=True)
    written = [tmp_path / "data", *(tmp_path / "data").iterdir()]
    assert len(written) > 1
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_a_simulated_charger_that_is_not_let_in_says_why_once(unused_tcp_port: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot", "simulate", "chargers", "--url", f"ws://127.0.0.1:{unused_tcp_port}/ocpp"]
    with pytest.raises(subprocess.TimeoutExpired) as ended:
        subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=12)
    said = (ended.value.stderr or b"").decode()
    assert said.count("900001 cannot connect") == 1
