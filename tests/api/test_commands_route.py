"""POST /commands: answer, question, start, refusal."""

from __future__ import annotations

from desk.work import Work
from models.access import OPERATOR, Role
from models.charger import ChargerState, OcppFrame
from tests.api.conftest import Api


async def test_a_plain_command_answers_with_code_facts_and_words(api: Api) -> None:
    answer = await api.ask(Role.CPO, "POST", "/commands", json={"text": "/status 100001"})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"code", "facts", "text"}
    assert body["code"] == "command.status"
    assert body["facts"]["charger"]["state"] == "Available"
    assert "Last heard" in body["text"]


async def test_the_words_are_in_the_language_that_the_client_accepts(api: Api) -> None:
    answer = await api.ask(
        Role.ADMIN, "POST", "/commands", json={"text": "/status 100001"}, headers={"Accept-Language": "es"}
    )
    assert "Última señal" in answer.json()["text"]


async def test_a_dangerous_command_is_asked_then_started_and_can_be_followed(api: Api) -> None:
    await api.staff.charger("100001", ChargerState.FAULTED, error="OtherError")
    question = (await api.ask(Role.OPS_AGENT, "POST", "/commands", json={"text": "/clear 100001"})).json()
    assert question["code"] == "confirm"
    assert question["facts"]["token"]
    assert question["facts"]["expires_at"]
    stranger = await api.ask(Role.ADMIN, "POST", "/commands", json={"confirm": question["facts"]["token"]})
    assert stranger.status_code == 409
    begun = await api.ask(Role.OPS_AGENT, "POST", "/commands", json={"confirm": question["facts"]["token"]})
    assert begun.status_code == 200, begun.text
    assert begun.json()["code"] == "started"
    run = (await api.ask(Role.OPS_AGENT, "GET", f"/procedures/{begun.json()['facts']['run']}")).json()
    assert (run["kind"], run["charger_id"], run["state"], run["result"]) == ("clear_fault", "100001", "waiting", None)
    twice = await api.ask(Role.OPS_AGENT, "POST", "/commands", json={"confirm": question["facts"]["token"]})
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "command.token_used")


async def test_a_procedure_of_anothers_charger_is_as_unknown_as_one_that_is_not_there(api: Api) -> None:
    await api.staff.charger("100002", ChargerState.FAULTED, error="OtherError")
    question = (await api.ask(Role.OPS_AGENT, "POST", "/commands", json={"text": "/clear 100002"})).json()
    begun = await api.ask(Role.OPS_AGENT, "POST", "/commands", json={"confirm": question["facts"]["token"]})
    run = begun.json()["facts"]["run"]
    answer = await api.ask(Role.CPO, "GET", f"/procedures/{run}")
    assert answer.status_code == 404
    absent = await api.ask(Role.CPO, "GET", "/procedures/987654")
    assert answer.text.replace(str(run), "#") == absent.text.replace("987654", "#")


async def test_a_refused_command_is_an_error_and_is_audited(api: Api) -> None:
    answer = await api.ask(Role.CPO, "POST", "/commands", json={"text": "/reboot 100001"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access.not_allowed")
    rows = await api.staff.audit()
    assert (rows[-1].action, rows[-1].facts["text"]) == ("command.refused", "/reboot 100001")


async def test_a_command_with_a_file_brings_it(api: Api) -> None:
    await api.staff.office.run(OPERATOR, _frames)
    answer = await api.ask(Role.OPS_AGENT, "POST", "/commands", json={"text": "/log 100001"})
    body = answer.json()
    assert set(body) == {"code", "facts", "text", "attachment"}
    assert body["attachment"]["name"] == "100001-frames.txt"
    assert body["attachment"]["content_type"].startswith("text/plain")
    lines = body["attachment"]["text"].splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        '<- Heartbeat [2,"0","Heartbeat",{}]', '-> Heartbeat [3,"0",{}]', '-> - [4,"9","InternalError","",{}]',
    ]  # fmt: skip
    assert body["text"].splitlines()[1] == "Most: Heartbeat 2. Errors: 1"


def _frames(work: Work) -> None:
    for direction, action, frame in (
        ("in", "Heartbeat", '[2,"0","Heartbeat",{}]'),
        ("out", "Heartbeat", '[3,"0",{}]'),
        ("out", None, '[4,"9","InternalError","",{}]'),
    ):
        work.session.add(OcppFrame(charger_id="100001", at=work.now, direction=direction, action=action, frame=frame))
        work.session.flush()


async def test_a_long_log_is_cut_at_its_oldest_end(api: Api) -> None:
    await api.staff.office.run(OPERATOR, _long_frames)
    body = (await api.ask(Role.ADMIN, "POST", "/commands", json={"text": "/log 100001 2000"})).json()
    text = body["attachment"]["text"]
    assert 150_000 < len(text.encode()) <= 200_000
    assert text.splitlines()[-1].startswith(body["facts"]["last"]["$at"])
    assert '"29"' in text.splitlines()[-1]
    assert body["facts"]["count"] == len(text.splitlines()) < 30


def _long_frames(work: Work) -> None:
    for number in range(30):
        frame = f'[2,"{number}","DataTransfer",{{"data":"{"x" * 9_000}"}}]'
        work.session.add(
            OcppFrame(charger_id="100001", at=work.now, direction="in", action="DataTransfer", frame=frame)
        )
        work.session.flush()
