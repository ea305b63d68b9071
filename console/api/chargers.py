"""Chargers, their frame logs, and procedures."""

from __future__ import annotations

from fastapi import APIRouter

from console.api import cursors, inputs
from console.api.asking import REFUSALS, Asked
from console.api.shapes import ChargerShape, FrameShape, Page, ProcedureShape
from desk import chargers, runs

router = APIRouter(responses=REFUSALS, tags=["chargers"])


@router.get("/chargers")
async def list_chargers(asked: Asked, which: inputs.Chargers) -> Page[ChargerShape]:
    """Chargers by id; a CPO's are those of its own fleet."""
    after = cursors.decode("charger", which.after)
    rows = await asked.desk.read(
        chargers.page, limit=which.limit + 1, after=after, state=which.state, search=which.search
    )
    return Page[ChargerShape].model_validate(cursors.cut("charger", rows, which.limit, lambda row: str(row["id"])))


@router.get("/chargers/{id}")
async def get_charger(asked: Asked, id: inputs.ChargerInPath) -> ChargerShape:  # noqa: A002
    """One charger with its connectors."""
    return ChargerShape.model_validate(await asked.desk.read(chargers.overview, id))


@router.get("/chargers/{id}/ocpp-log")
async def list_frames(asked: Asked, id: inputs.ChargerInPath, cut: inputs.Cuts) -> Page[FrameShape]:  # noqa: A002
    """Frames as they crossed the wire, newest first, secrets blanked."""
    after = cursors.decode_number("frame", cut.after)
    rows = await asked.desk.read(chargers.frames, id, limit=cut.limit + 1, after=after)
    return Page[FrameShape].model_validate(cursors.cut("frame", rows, cut.limit, lambda row: int(row["id"])))


@router.get("/procedures/{id}")
async def get_procedure(asked: Asked, id: inputs.KeyInPath) -> ProcedureShape:  # noqa: A002
    """A procedure under way or ended, with its evidence."""
    return ProcedureShape.model_validate(await asked.desk.read(runs.get, id))
