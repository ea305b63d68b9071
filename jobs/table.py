"""All jobs: what the clock does, and how often."""

from __future__ import annotations

from functools import partial

from desk import cases, charger_state, expiry, force_charge, inbox, outbox, paging, retention, sla, tally, tickets
from desk.retention import Keep
from desk.sla_timers import CHUNK
from jobs.job import Job

MINUTE_S = 60
HOUR_S = 3600


def jobs(keep: Keep | None = None) -> tuple[Job, ...]:
    """The table. `keep` says for how long what people sent is kept; the defaults where it is not given."""
    return (
        Job("fire_timers", 1, sla.fire_due, chunk=CHUNK),
        Job("sweep_outbox", 5, outbox.sweep),
        Job("watch_force_charges", 5, force_charge.sweep),
        Job("repeat_pages", 5, paging.repeat, chunk=paging.CHUNK),
        Job("release_inbox", 15, inbox.release_expired),
        Job("watch_silence", 15, charger_state.mark_silent),
        Job("fold_tally", MINUTE_S, tally.fold),
        Job("reap_pending_actions", 10 * MINUTE_S, expiry.drop_old_confirmations),
        Job("close_resolved", HOUR_S, tickets.close_quiet, chunk=tickets.CLOSE_CHUNK),
        Job("stale_cases", HOUR_S, cases.point_at_stale, chunk=cases.CHUNK),
        Job("retention", HOUR_S, partial(retention.sweep, keep=keep or Keep()), chunk=retention.CHUNK),
    )


JOBS: tuple[Job, ...] = jobs()
"""The table with the defaults."""
