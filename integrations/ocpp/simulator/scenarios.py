"""How virtual chargers live and what ails them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ailment:
    """A fault that is there from the start. `cured_by`: `soft`, `hard` (resets), `unlock`, `cycle` (availability).

    Cured, it comes back after `returns_after_s`, where that is given.
    """

    error_code: str
    cured_by: frozenset[str] = frozenset()
    returns_after_s: float | None = None
    vendor_error: str | None = None
    info: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A way to live. `drops_after_s`: the line goes after a time between these, and comes back within a minute."""

    about: str
    connects: bool = True
    busy: bool = False
    obeys_reset: bool = True
    reports_when_asked: bool = True
    drops_after_s: tuple[float, float] | None = None
    ailment: Ailment | None = field(default=None)


BOTH_RESETS = frozenset({"soft", "hard"})

SCENARIOS: dict[str, Scenario] = {
    "healthy": Scenario("stands ready and does what it is told"),
    "busy": Scenario("cars come, charge and go, by its seed", busy=True),
    "transient_fault": Scenario(
        "InternalError that a reset clears and that comes back",
        ailment=Ailment("InternalError", BOTH_RESETS, returns_after_s=120, info="controller hung"),
    ),
    "lock_fault": Scenario(
        "the cable lock is stuck until it is unlocked", ailment=Ailment("ConnectorLockFailure", frozenset({"unlock"}))
    ),
    "hard_fault": Scenario(
        "InternalError that nothing clears", ailment=Ailment("InternalError", info="rectifier module missing")
    ),
    "ground_failure": Scenario(
        "a safety fault that only an engineer may clear", ailment=Ailment("GroundFailure", info="insulation monitor")
    ),
    "silent": Scenario("never connects", connects=False),
    "flaky": Scenario("its line drops and returns", drops_after_s=(60, 240)),
    "ignores_reset": Scenario(
        "says Accepted to a reset and does nothing",
        obeys_reset=False,
        ailment=Ailment("InternalError", BOTH_RESETS),
    ),
    "accepts_trigger_but_silent": Scenario("says Accepted to a trigger and sends nothing", reports_when_asked=False),
}
