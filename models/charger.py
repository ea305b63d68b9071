"""Chargers as the desk knows them: sites, chargers, connectors, orders to them, procedures, and their frames."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big


class CurrentType(StrEnum):
    """DC is fast (L3), AC is slow (L2)."""

    DC = "DC"
    AC = "AC"


class ChargerState(StrEnum):
    """What is shown for a charger or a connector. OCPP's own words, and Offline for one that is not connected."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"
    OFFLINE = "Offline"


IN_SESSION = frozenset(
    {ChargerState.CHARGING, ChargerState.SUSPENDED_EV, ChargerState.SUSPENDED_EVSE, ChargerState.FINISHING}
)
"""Counted with Charging."""


class FaultClass(StrEnum):
    """What a machine may do about an error (docs/remedies.md)."""

    SAFETY = "safety"  # never cleared by a machine
    MECHANICAL = "mechanical"  # the cable lock: unlock path
    GRID = "grid"  # wait for the grid
    METER = "meter"  # a reset is allowed; bills are flagged
    SOFTWARE = "software"  # the resettable kind
    LIST = "list"  # the local authorisation list
    RADIO = "radio"  # weak signal: no reset helps
    UNKNOWN = "unknown"  # not on any list: read again, then a human


ERROR_CLASS: dict[str, FaultClass] = {
    "GroundFailure": FaultClass.SAFETY,
    "OverCurrentFailure": FaultClass.SAFETY,
    "PowerSwitchFailure": FaultClass.SAFETY,
    "HighTemperature": FaultClass.SAFETY,
    "ConnectorLockFailure": FaultClass.MECHANICAL,
    "OverVoltage": FaultClass.GRID,
    "UnderVoltage": FaultClass.GRID,
    "PowerMeterFailure": FaultClass.METER,
    "InternalError": FaultClass.SOFTWARE,
    "OtherError": FaultClass.SOFTWARE,
    "EVCommunicationError": FaultClass.SOFTWARE,
    "ReaderFailure": FaultClass.SOFTWARE,
    "ResetFailure": FaultClass.SOFTWARE,
    "LocalListConflict": FaultClass.LIST,
    "WeakSignal": FaultClass.RADIO,
}

SAFETY_WORDS: tuple[str, ...] = (
    "emergency", "estop", "e-stop", "rcd", "gfci", "residual", "isolation", "insulation", "ground", "earth",
    "overcurrent", "over current", "contactor", "welded", "temperature", "overheat", "fire", "smoke", "water",
    "tilt", "impact", "cx002", "cx003", "cx004",
)  # fmt: skip
"""Words in a vendor's code or info that make any error a safety one."""


def fault_class(error_code: str, vendor_error: str | None, info: str | None) -> FaultClass:
    """The class of an error; a vendor's safety word outweighs a harmless standard code."""
    words = f"{vendor_error or ''} {info or ''}".lower()
    if any(word in words for word in SAFETY_WORDS):
        return FaultClass.SAFETY
    return ERROR_CLASS.get(error_code, FaultClass.UNKNOWN)


class Fleet(Base):
    """An organisation that owns chargers, pays for drivers, or both."""

    __tablename__ = "fleet"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)


class Site(Base):
    """A place with chargers."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    address: Mapped[str] = mapped_column(String(300), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    timezone: Mapped[str | None] = mapped_column(String(64))
    hours: Mapped[str | None] = mapped_column(String(120))
    auto_heal: Mapped[bool] = mapped_column(default=True)


class Charger(Base):
    """A charging station. `id` is its OCPP identity. `epoch` fences sockets: the newest wins."""

    __tablename__ = "charger"

    id: Mapped[str] = mapped_column(String(48), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"), index=True)
    fleet_id: Mapped[int | None] = mapped_column(ForeignKey("fleet.id"), index=True)
    current_type: Mapped[CurrentType] = mapped_column(default=CurrentType.AC)
    tariff_id: Mapped[int | None] = mapped_column(ForeignKey("tariff.id"))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    auto_heal: Mapped[bool] = mapped_column(default=True)
    vendor: Mapped[str | None] = mapped_column(String(80))
    model: Mapped[str | None] = mapped_column(String(80))
    serial_number: Mapped[str | None] = mapped_column(String(80))
    firmware: Mapped[str | None] = mapped_column(String(80))
    ocpp_version: Mapped[str | None] = mapped_column(String(8))
    online: Mapped[bool] = mapped_column(default=False)
    node: Mapped[str | None] = mapped_column(String(80))  # the process that holds the socket
    epoch: Mapped[int] = mapped_column(default=0)
    connected_at: Mapped[datetime | None]
    connected_before_at: Mapped[datetime | None]  # the connection before that: lines that drop are seen by it
    booted_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    heartbeat_interval_s: Mapped[int] = mapped_column(default=300)
    clock_skew_s: Mapped[float] = mapped_column(default=0.0)
    out_of_service_since_at: Mapped[datetime | None]  # taken out by us for safety; only a member restores it
    out_of_service_why: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]


class Connector(Base):
    """A connector of a charger, numbered from 1 (2.0.1: `evse` and its connector map onto one number)."""

    __tablename__ = "connector"

    charger_id: Mapped[str] = mapped_column(ForeignKey("charger.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    evse: Mapped[int | None]
    evse_connector: Mapped[int | None]
    status: Mapped[ChargerState] = mapped_column(default=ChargerState.UNAVAILABLE)
    error_code: Mapped[str] = mapped_column(String(80), default="NoError")
    vendor_error: Mapped[str | None] = mapped_column(String(80))
    info: Mapped[str | None] = mapped_column(String(200))
    reported_at: Mapped[datetime | None]  # the charger's own stamp
    received_at: Mapped[datetime | None]
    faulted_since_at: Mapped[datetime | None]


class OrderKind(StrEnum):
    """What can be asked of a charger, whatever its OCPP version."""

    TRIGGER_STATUS = "trigger_status"  # args: connector
    SET_AVAILABILITY = "set_availability"  # args: connector (0 = all), operative
    RESET = "reset"  # args: hard
    UNLOCK = "unlock"  # args: connector
    REMOTE_START = "remote_start"  # args: connector, id_tag
    REMOTE_STOP = "remote_stop"  # args: transaction_id
    GET_CONFIGURATION = "get_configuration"  # args: keys
    CHANGE_CONFIGURATION = "change_configuration"  # args: key, value
    CLEAR_CACHE = "clear_cache"


class OrderOutcome(StrEnum):
    """How an order ended on the wire. `accepted` alone proves nothing about the charger's state."""

    ANSWERED = "answered"
    NOT_CONNECTED = "not_connected"  # surely not sent
    TIMEOUT = "timeout"  # sent, no answer
    LOST = "lost"  # sent, the socket went before an answer
    ERROR = "error"  # a CALLERROR
    EXPIRED = "expired"  # nobody sent it in time


class ChargerCommand(Base):
    """An order to a charger: a row before the wire is touched. `id` is the OCPP message id."""

    __tablename__ = "charger_command"
    __table_args__ = (
        Index(
            "ix_charger_command_queued",
            "charger_id",
            "requested_at",
            postgresql_where=text("state = 'queued'"),
            sqlite_where=text("state = 'queued'"),
        ),
        Index("ix_charger_command_charger_id_requested_at", "charger_id", "requested_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    charger_id: Mapped[str] = mapped_column(ForeignKey("charger.id"))
    kind: Mapped[OrderKind]
    args: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(12), default="queued")  # queued, sent, ended
    outcome: Mapped[OrderOutcome | None]
    status: Mapped[str | None] = mapped_column(String(40))  # the charger's word: Accepted, Rejected, …
    response: Mapped[dict[str, Any] | None]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("procedure_run.id"), index=True)
    node: Mapped[str | None] = mapped_column(String(80))  # the process that sent it
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(200))
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]


class RunKind(StrEnum):
    """Procedures that take time."""

    CLEAR_FAULT = "clear_fault"
    REBOOT = "reboot"
    TAKE_OUT_OF_SERVICE = "take_out_of_service"
    START_CHARGE = "start_charge"
    STOP_CHARGE = "stop_charge"
    UNLOCK = "unlock"


class RunResult(StrEnum):
    """How a procedure ended; honest, never better than what was seen."""

    ALREADY_CLEAR = "ALREADY_CLEAR"
    CLEARED = "CLEARED"
    CLEARED_UNSTABLE = "CLEARED_UNSTABLE"
    STILL_FAULTED = "STILL_FAULTED"
    UNVERIFIED = "UNVERIFIED"
    REFUSED = "REFUSED"
    NOT_CONNECTED = "NOT_CONNECTED"
    RESET_IGNORED = "RESET_IGNORED"
    NOT_BACK_ONLINE = "NOT_BACK_ONLINE"
    REBOOTED = "REBOOTED"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"
    CHARGE_STARTED = "CHARGE_STARTED"
    CHARGE_NOT_STARTED = "CHARGE_NOT_STARTED"
    CHARGE_ENDED = "CHARGE_ENDED"
    STILL_CHARGING = "STILL_CHARGING"
    UNLOCKED = "UNLOCKED"
    UNLOCK_FAILED = "UNLOCK_FAILED"
    UNLOCK_NOT_SUPPORTED = "UNLOCK_NOT_SUPPORTED"
    STOPPED = "STOPPED"  # a safety message ended it before its next step
    UNKNOWN = "UNKNOWN"


GOOD_RESULTS = frozenset(
    {
        RunResult.ALREADY_CLEAR, RunResult.CLEARED, RunResult.REBOOTED, RunResult.OUT_OF_SERVICE,
        RunResult.CHARGE_STARTED, RunResult.CHARGE_ENDED, RunResult.UNLOCKED,
    }
)  # fmt: skip


class ProcedureRun(Base):
    """A procedure under way or ended. One at a time a charger. `restore` is what must be put back after a crash.

    `restore`: `{"connectors": [1, 2]}` that we made inoperative and that were operative before.
    `steps`: `[{"at", "step", "outcome", …}]`, the evidence.
    """

    __tablename__ = "procedure_run"
    __table_args__ = (
        Index(
            "uq_procedure_run_open_charger",
            "charger_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        Index("ix_procedure_run_charger_id_started_at", "charger_id", "created_at"),
        Index("ix_procedure_run_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    kind: Mapped[RunKind]
    charger_id: Mapped[str] = mapped_column(ForeignKey("charger.id"))
    connector: Mapped[int | None]
    args: Mapped[dict[str, Any]]
    step: Mapped[str] = mapped_column(String(40), default="waiting")
    snapshot: Mapped[dict[str, Any] | None]
    restore: Mapped[dict[str, Any] | None]
    steps: Mapped[list[Any]]
    result: Mapped[RunResult | None]
    facts: Mapped[dict[str, Any] | None]
    stop_asked: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime]
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incident.id"))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]


class OcppFrame(Base):
    """A frame as it crossed the wire, secrets blanked. `direction`: `in` from the charger, `out` to it."""

    __tablename__ = "ocpp_frame"
    __table_args__ = (
        Index("ix_ocpp_frame_charger_id_id", "charger_id", "id"),
        Index("ix_ocpp_frame_at", "at"),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    charger_id: Mapped[str] = mapped_column(String(48))
    at: Mapped[datetime]
    direction: Mapped[str] = mapped_column(String(3))
    action: Mapped[str | None] = mapped_column(String(48))
    frame: Mapped[str]


class ChargerVariable(Base):
    """A configuration key or device-model variable last read from a charger."""

    __tablename__ = "charger_variable"
    __table_args__ = (UniqueConstraint("charger_id", "key"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    charger_id: Mapped[str] = mapped_column(ForeignKey("charger.id"))
    key: Mapped[str] = mapped_column(String(120))
    value: Mapped[str | None]
    readonly: Mapped[bool] = mapped_column(default=False)
    read_at: Mapped[datetime]
