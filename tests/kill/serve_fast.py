"""The real product with short patience, for tests that kill it: `python -m tests.kill.serve_fast [ROLE]…`.

Like `chargehand run`, but it reads no `.env`, leases, deadlines and sweeps are short, and groups take more at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace

from bot import app as whole
from bot import logs, migrate, reconcile, telegram_intake
from bot.app import App
from bot.cli_serve import only_process
from bot.settings import ROLES, Settings, from_mapping
from desk import card_posts, inbox, outbox
from jobs.clock import Metronome
from jobs.table import JOBS
from jobs.tick import run_job
from procedures.patience import Patience

LEASE_S = 5
RECONCILE_S = 2
SWEEP_S = 1.0
PATIENCE = Patience(
    trigger_s=2, unavailable_s=1, verify_s=3, nudge_s=1, stable_s=1, disconnect_s=4, reconnect_s=12, poll_s=0.5,
    lease_s=LEASE_S, debt_s=1, begin_s=8,
)  # fmt: skip


async def serve(settings: Settings, roles: frozenset[str]) -> None:
    """Run until SIGTERM; says on standard output when it is ready."""
    await asyncio.to_thread(migrate.prepare, settings.database_url)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = App(settings, roles, patience=PATIENCE, metronome=False, heartbeat_interval_s=5)
    beat = Metronome([replace(job, every_s=SWEEP_S) for job in JOBS], lambda job: run_job(app.office, job))
    await app.start()
    if "clock" in roles:
        beat.start()
    print("READY", flush=True)
    await stop.wait()
    if "clock" in roles:
        await beat.stop()
    await app.stop()


def main() -> None:
    """Settings from the environment, roles from the command line."""
    inbox.LEASE_S = outbox.LEASE_S = LEASE_S
    outbox.RECONCILE_AFTER_S = RECONCILE_S
    reconcile.EVERY_S = SWEEP_S
    telegram_intake.POLL_S, telegram_intake.LEASE_S, telegram_intake.LOOK_AGAIN_S = 2, LEASE_S, 1
    whole.TEAM_PACE = replace(whole.TEAM_PACE, chat_per_s=20, chat_burst=20, group_per_s=20, group_burst=20)
    card_posts.CARDS_A_MINUTE = card_posts.ALL_A_MINUTE = card_posts.NEW_A_MINUTE = 500
    settings = from_mapping(os.environ)
    logs.configure(json=False, level="INFO")
    with only_process(settings):
        asyncio.run(serve(settings, frozenset(sys.argv[1:] or ROLES)))


if __name__ == "__main__":
    main()
