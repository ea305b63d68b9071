"""How long procedures wait for chargers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """All in seconds. The defaults suit real chargers; a demonstration may be quicker."""

    trigger_s: float = 10  # for a status after a trigger
    unavailable_s: float = 10  # for Unavailable after an accepted Inoperative
    verify_s: float = 30  # for the report that a step worked
    nudge_s: float = 15  # of silence, before one trigger
    stable_s: float = 30  # without another fault, before anything counts as cleared
    disconnect_s: float = 60  # for the socket to go, or a boot, after a reset
    reconnect_s: float = 300  # for the charger to come back
    begin_s: float = 120  # for a session to begin after it was ordered: a driver may have to plug in
    stop_s: float = 60  # for a session to end after it was told to
    grid_s: float = 600  # for the grid to recover
    grid_poll_s: float = 60
    reset_pause_s: float = 600  # between two resets of a charger
    poll_s: float = 5  # between looks when no wake-up comes
    lease_s: float = 60
    debt_s: float = 30  # between two tries to put a connector back into service
