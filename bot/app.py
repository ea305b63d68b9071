"""Joins everything: settings in, a running Chargehand out, and an end within five seconds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.routing import BaseRoute, Mount

from bot import migrate
from bot.assistant.decide import Context
from bot.assistant.knowledge_file import KnowledgeFile
from bot.brain import serving
from bot.cards import CardClerk
from bot.channels.files import Links
from bot.channels.files import routes as file_routes
from bot.channels.webchat.inbound import CHANNEL as WEB
from bot.channels.webchat.inbound import parse as parse_web
from bot.channels.webchat.outbound import WebSender
from bot.channels.webchat.routes import routes as webchat_routes
from bot.channels.webchat.socket import WebChat
from bot.channels.whatsapp.inbound import CHANNEL as WHATSAPP
from bot.channels.whatsapp.inbound import parse as parse_whatsapp
from bot.channels.whatsapp.missed import MissedMessages
from bot.channels.whatsapp.outbound import TwilioSender
from bot.channels.whatsapp.reconcile import TwilioReconciler
from bot.channels.whatsapp.routes import routes as whatsapp_routes
from bot.channels.whatsapp.settings import WhatsAppSettings
from bot.clock import SystemClock
from bot.media import MediaFetcher, MediaSource
from bot.media_download import FileSource
from bot.pulse import Pulse
from bot.receive import Parse, Receiver, Typing
from bot.reconcile import OutcomeFinder, Preview
from bot.reporter import Reporter
from bot.second_opinion import SecondOpinions
from bot.send import Dispatcher, Pace
from bot.serving import ModelKeeper, ServingModel
from bot.settings import ROLES, Settings
from bot.shadow import ShadowReader
from bot.staff import StaffDoor
from bot.teacher import Teacher
from bot.team_chat.door import TeamDoor
from bot.team_chat.news import followed
from bot.telegram_intake import webhook_path, webhook_secret
from bot.tidy import Tidier
from bot.web import WebServer, application
from bot.wiring.charging import ChargingAdapter
from bot.wiring.orders import OrderClerk, OrderRunner
from bot.wiring.timed import TimedClassifier
from console import health, metrics
from console.api.app import build_api
from console.app import build_console
from console.house import ChannelHealth, ConsoleHouse, HouseHealth
from console.live import LivePage
from console.metrics import Measured, Metrics
from desk import inbox, outbox
from desk.office import Office
from desk.retention import Keep
from desk.work import House
from integrations.bus import LocalBus
from integrations.ocpp.transport import CentralSystem, OcppSettings
from jobs.clock import Metronome
from jobs.table import jobs
from jobs.tick import run_job
from models.access import ASSISTANT, Actor
from models.ports import Bus, Clock, MessageClassifier, Reconciler, Sender
from procedures.patience import Patience
from procedures.runner import ProcedureRunner

if TYPE_CHECKING:
    from bot.channels.team.channel import TeamChannel
    from bot.channels.telegram.door import TelegramDoor
    from bot.wiring.nats import Neighbours

log = logging.getLogger(__name__)

TELEGRAM = "telegram"
"""bot.channels.telegram.inbound.CHANNEL, whose module is loaded only where there is a bot."""
WHATSAPP_PACE = Pace(chat_per_s=1 / 6, chat_burst=10, account_per_s=10, account_burst=20)
TELEGRAM_PACE = Pace(chat_per_s=1, chat_burst=3, account_per_s=30, account_burst=30)
TEAM_PACE = replace(TELEGRAM_PACE, group_per_s=0.25, group_burst=3)
"""Telegram takes 20 messages a minute for a group: these are 18 at the most."""
RESTART_S = 1.0
STOP_S = 4.0


@dataclass
class App:
    """A Chargehand in this process. `viewer` opens the live page at `/` (the demonstration's), None leaves it out.

    Everything that a test replaces is a field with the real thing as its default.
    """

    settings: Settings
    roles: frozenset[str] = frozenset(ROLES)
    clock: Clock = field(default_factory=SystemClock)
    viewer: Callable[[Request], Actor | None] | None = None
    patience: Patience = field(default_factory=Patience)
    classifier: MessageClassifier | None = None
    metronome: bool = True
    heartbeat_interval_s: int = 300

    def __post_init__(self) -> None:
        settings = self.settings
        # The tail keeps apart containers that share a host name and count their processes from 1.
        self.node = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        neighbours = _neighbours(settings.nats_url, self.node)
        self.nats = neighbours.bus if neighbours else None
        self.bus: Bus = self.nats or LocalBus()
        self.house = House(
            currency=settings.currency, region=settings.default_region, timezone=settings.timezone, node=self.node,
            team_account=settings.twilio_whatsapp_from or "" if self.whatsapp is not None else "",
            team_bot=(settings.telegram_team_token or "").partition(":")[0], media_dir=str(settings.media_dir),
            secret=settings.secret_key.encode(), public_url=settings.public_url,
        )  # fmt: skip
        self.keep = Keep(
            raw_days=settings.retention_raw_days, media_days=settings.retention_media_days,
            frames_days=settings.retention_frames_days,
        )  # fmt: skip
        self.office = Office(settings.database_url, clock=self.clock, bus=self.bus, house=self.house)
        self.desk_adapter = ChargingAdapter(
            self.office, self.clock, unknown_chargers=settings.ocpp_unknown_chargers,
            heartbeat_interval_s=self.heartbeat_interval_s,
        )  # fmt: skip
        self.central = CentralSystem(self.desk_adapter, self.clock, self._ocpp_settings())
        self.presence = neighbours.presence(self.central) if neighbours else None
        self.clerk = OrderClerk(self.office, bus=self.bus, clock=self.clock, presence=self.presence)
        self.metrics = Metrics(self._totals, self._poll_ages)
        self.reader = ServingModel(self.classifier or serving(settings).reader)
        self.keeper = ModelKeeper(
            self.office, self.bus, self.reader, settings.models_dir, review_threshold=settings.review_threshold
        )  # fmt: skip
        self.knowledge = KnowledgeFile(settings.knowledge_file or Path(__file__).with_name("knowledge.sample.toml"))
        self.webchat = WebChat(
            self.office, self.bus, self.clock, settings.secret_key.encode(), frozenset(settings.webchat_origins),
            settings.timezone,
        )  # fmt: skip
        self.console = ConsoleHouse(self.office, self.clerk, health=self._health, model=self.keeper)
        self.telegram = self._telegram_door()
        self.team = self._team_channel()
        self.live = LivePage(self.office, self.bus, self.viewer, settings.timezone) if self.viewer else None
        self.web: WebServer | None = None
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._workers: list[asyncio.Task[None]] = []

    @property
    def whatsapp(self) -> WhatsAppSettings | None:
        """The account at Twilio, or None where the channel is off."""
        s = self.settings
        if not (s.twilio_account_sid and s.twilio_auth_token and s.twilio_whatsapp_from):
            return None
        account = WhatsAppSettings(
            account_sid=s.twilio_account_sid, auth_token=s.twilio_auth_token, sender=s.twilio_whatsapp_from,
            public_url=s.public_url, auth_token_secondary=s.twilio_auth_token_secondary or "",
            api_key=s.twilio_api_key or "", api_secret=s.twilio_api_secret or "",
        )  # fmt: skip
        account = replace(account, api_url=s.twilio_api_url) if s.twilio_api_url else account
        return replace(account, templates=s.twilio_templates) if s.twilio_templates else account

    def _telegram_door(self) -> TelegramDoor | None:
        """The drivers' bot, or None where the channel is off."""
        s = self.settings
        if s.telegram_customer_token is None or not self.roles & {"web", "worker"}:
            return None
        from bot.channels.telegram.door import TelegramDoor  # noqa: PLC0415 - slow to import; not everybody has a bot
        from bot.channels.telegram.settings import TELEGRAM_API, TelegramSettings  # noqa: PLC0415

        given = TelegramSettings(s.telegram_customer_token, s.telegram_api_url or TELEGRAM_API)
        given = replace(given, webhook=self._telegram_webhook("telegram", given.account))
        return TelegramDoor(
            given, self.office, self.clock, owner=self.node, timezone=s.timezone, media_dir=s.media_dir
        )  # fmt: skip

    def _team_channel(self) -> TeamChannel | None:
        """The team's bot, or None where that door is off."""
        s = self.settings
        if s.telegram_team_token is None or not self.roles & {"web", "worker"}:
            return None
        from bot.channels.team.channel import TeamChannel, TeamSettings  # noqa: PLC0415 - slow to import, as above

        given = TeamSettings(
            s.telegram_team_token, s.telegram_api_url,
            chat=str(s.telegram_team_chat_id) if s.telegram_team_chat_id is not None else None,
        )  # fmt: skip
        given = replace(given, webhook=self._telegram_webhook(outbox.TEAM, given.account))
        return TeamChannel(
            given, self.office, self.bus, self.clock, owner=self.node, timezone=s.timezone, media_dir=s.media_dir
        )  # fmt: skip

    def _telegram_webhook(self, channel: str, account: str) -> tuple[str, str] | None:
        """Where Telegram calls for a bot, and the secret that it shows; None where we poll."""
        s = self.settings
        if s.telegram_mode != "webhook":
            return None
        return s.public_url + webhook_path(channel), webhook_secret(s.secret_key, s.telegram_webhook_secret, account)

    def _ocpp_settings(self) -> OcppSettings:
        s = self.settings
        return OcppSettings(
            host=s.ocpp_host, port=s.ocpp_port, security_profile=s.ocpp_security_profile, tls_cert=s.ocpp_tls_cert,
            tls_key=s.ocpp_tls_key, tls_ca=s.ocpp_tls_ca, tls_port=s.ocpp_tls_port,
            journal=s.data_dir / "ocpp-journal.jsonl", heartbeat_interval_s=self.heartbeat_interval_s,
        )  # fmt: skip

    @property
    def _pulses(self) -> list[Pulse]:
        """How the channels that we have to ask for their messages are doing."""
        return [door.pulse for door in (self.telegram, self.team) if door is not None]

    def _troubles(self) -> list[str]:
        now = self.clock.now()
        return [line for pulse in self._pulses if (line := pulse.trouble(now)) is not None]

    def _health(self) -> HouseHealth:
        """What the console's status page tells of this process."""
        now, (count, seconds) = self.clock.now(), self.metrics.readings()
        ailing = {pulse.name: line for pulse in self._pulses if (line := pulse.trouble(now)) is not None}
        notes = self.settings.channels()
        known = {note.name for note in notes}
        channels = [ChannelHealth(note.name, note.on, note.why, ailing.get(note.name, "")) for note in notes]
        channels += [ChannelHealth(name, on=True, trouble=line) for name, line in ailing.items() if name not in known]
        return HouseHealth(tuple(channels), count, 1000 * seconds / count if count else 0.0)

    def _poll_ages(self) -> dict[str, float]:
        """Since each channel that we poll was last asked with success, in seconds."""
        now = self.clock.now()
        return {
            pulse.name.lower(): (now - pulse.last_good_at).total_seconds()
            for pulse in self._pulses
            if pulse.last_good_at is not None
        }

    def _totals(self) -> dict[str, float]:
        totals = {f"ocpp_{name}": float(value) for name, value in self.central.stats().items()}
        if self.nats is not None:
            totals |= {f"nats_{name}": float(value) for name, value in self.nats.stats().items()}
        now = self.clock.now()
        totals |= {f"{pulse.name.lower()}_failing_seconds": pulse.silent_s(now) for pulse in self._pulses}
        return totals

    # Starting ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the doors and set everybody to work. OSError when a port is taken."""
        if "web" in self.roles:
            app = Measured(application(self._routes(), live=self.live is not None), self.metrics)
            s = self.settings
            self.web = WebServer(app, host=s.http_host, port=s.http_port, trusted_proxies=s.trusted_proxies)
        if self.nats is not None:
            await self.nats.start()
            self._closers.append(self.nats.stop)
        if "ocpp" in self.roles:
            if self.presence is not None:
                self._work("presence", self.presence.run)
            await self.central.start()
            self._work("orders", OrderRunner(self.office, self.central, self.clock, self.bus, self.node).run)
        own_model = self.classifier is None and self.settings.classifier_brain is None
        if own_model and self.roles & {"web", "worker"}:
            await self.keeper.look()
            self._work("model", self.keeper.run)
        if "worker" in self.roles:
            await self._start_workers()
        if "clock" in self.roles and self.metronome:
            beat = Metronome(jobs(self.keep), lambda job: run_job(self.office, job))
            beat.start()
            self._closers.append(beat.stop)
            self._work("tidy", Tidier(self.office, self.clock, self.keep).run)
        if self.web is not None:
            self._work("web", self.web.run_until_stopped)

    async def _start_workers(self) -> None:
        if self.office.sqlite:  # whatever is leased was leased by an earlier life of this only process
            await self.office.run(ASSISTANT, inbox.release_owned, "")
            await self.office.run(ASSISTANT, outbox.interrupted, "")
        staff = StaffDoor(self.office, self.clerk)
        typing: dict[str, Typing] = {}
        receiver = Receiver(
            self.office, clock=self.clock, bus=self.bus,
            classifier=TimedClassifier(self.reader, self.metrics.classified), parsers=self._parsers(),
            context=self._context, staff=staff, owner=self.node, team=self._team_door(), typing=typing,
        )  # fmt: skip
        senders: dict[str, Sender] = {WEB: WebSender(self.settings.timezone)}
        reconcilers: dict[str, Reconciler] = {}
        previews: dict[str, Preview] = {}
        sources: dict[str, MediaSource | FileSource] = {}
        if self.whatsapp is not None:
            sender = TwilioSender(
                self.whatsapp, clock=self.clock, timezone=self.settings.timezone,
                links=Links(self.house.secret, self.house.public_url, self.clock).to_file,
            )  # fmt: skip
            reconciler = TwilioReconciler(self.whatsapp, office=self.office)
            senders[WHATSAPP], reconcilers[WHATSAPP], previews[WHATSAPP] = sender, reconciler, sender.preview
            typing[WHATSAPP] = sender.typing.show
            self._closers += [sender.close, reconciler.close]
            self._work("missed", MissedMessages(self.office, reconciler, self.clock).run)
            sources[WHATSAPP] = MediaSource(self.whatsapp.api_url, *self.whatsapp.credentials)
        if self.telegram is not None:
            senders[TELEGRAM], sources[TELEGRAM] = self.telegram.sender, self.telegram.files
            self._work("telegram", self.telegram.intake.run)
        if self.team is not None:
            senders[outbox.TEAM], sources[outbox.TEAM] = self.team.sender, self.team.files
            for name, run in self.team.workers().items():
                self._work(name, run)
        if sources:
            self._work("media", MediaFetcher(self.office, self.clock, self.bus, self.house, sources).run)
        dispatcher = Dispatcher(
            self.office, clock=self.clock, bus=self.bus, senders=senders,
            paces={WHATSAPP: WHATSAPP_PACE, TELEGRAM: TELEGRAM_PACE, outbox.TEAM: TEAM_PACE}, owner=self.node,
            counted=self.metrics.sent, follow={outbox.TEAM: followed},
        )  # fmt: skip
        finder = OutcomeFinder(self.office, clock=self.clock, reconcilers=reconcilers, previews=previews)
        runner = ProcedureRunner(self.office, self.clerk, self.clock, self.bus, self.node, patience=self.patience)
        self._work("receive", receiver.run)
        self._work("send", dispatcher.run)
        self._work("outcomes", finder.run)
        self._work("procedures", runner.run)
        self._work("reports", Reporter(self.office, self.bus, self.clock).run)
        self._work("cards", CardClerk(self.office, self.bus).run)
        opinions = SecondOpinions.chosen(self.settings, self.office, self.clock, self.bus)
        if opinions is not None:
            self._work("second opinions", opinions.run)
            self._closers.append(opinions.close)
        self._work("teacher", Teacher(self.office, self.bus, self.settings.models_dir, self.node).run)
        shadow = ShadowReader(
            self.office, self.bus, self.settings.models_dir, review_threshold=self.settings.review_threshold
        )  # fmt: skip
        self._work("shadow", shadow.run)

    def _parsers(self) -> dict[str, Parse]:
        parsers: dict[str, Parse] = {WEB: parse_web, WHATSAPP: parse_whatsapp}
        if self.telegram is not None:
            parsers[TELEGRAM] = self.telegram.parse
        if self.team is not None:
            parsers[outbox.TEAM] = self.team.parse
        return parsers

    def _team_door(self) -> TeamDoor | None:
        if self.team is None:
            return None
        return self.team.door(self.clerk, lambda _kind: self.metrics.webhook(outbox.TEAM, "passed_over"))

    def _context(self) -> Context:
        return Context(knowledge=self.knowledge.index)

    def _routes(self) -> list[BaseRoute]:
        routes: list[BaseRoute] = []
        if self.live is not None:
            routes += self.live.routes()
        routes += webchat_routes(self.webchat)
        if self.whatsapp is not None:
            routes += whatsapp_routes(self.office, self.whatsapp, self.metrics.webhook)
            routes += file_routes(self.office, self.settings.media_dir)
        if self.telegram is not None:
            routes += self.telegram.routes(self.metrics.webhook)
        if self.team is not None:
            routes += self.team.routes(self.metrics.webhook)
        routes += health.build(
            self.office, classifier_loaded=lambda: self.reader is not None, troubles=self._troubles
        )  # fmt: skip
        routes += metrics.build(self.office, self.metrics, token=self.settings.metrics_token)
        routes.append(Mount("/api/v1", build_api(self.office, self.clerk)))
        routes += build_console(self.console)
        return routes

    def _work(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        self._workers.append(asyncio.create_task(_keep_running(name, run), name=name))

    # Stopping ------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Close the doors, let work in hand end, let go of everything: within five seconds."""
        self.webchat.stopping.set()
        self.console.stopping.set()
        if self.live is not None:
            self.live.stopping.set()
        if self.web is not None:
            self.web.stop()
        for task in self._workers:
            if task.get_name() != "web":
                task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await asyncio.gather(self.central.stop(), *self._workers, return_exceptions=True)
        self._closers += [door.client.close for door in (self.telegram, self.team) if door is not None]
        for close in reversed(self._closers):
            with contextlib.suppress(Exception):
                await close()
        await asyncio.to_thread(self.office.close)


def _neighbours(url: str | None, name: str) -> Neighbours | None:
    if url is None:
        return None
    from bot.wiring.nats import Neighbours  # noqa: PLC0415 - slow to import, and most installations have none

    return Neighbours(url, name)


async def _keep_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """A worker that fails is started again: one fault must not silence a channel."""
    while True:
        try:
            await run()
            return
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("worker %s failed and is started again", name)
            await asyncio.sleep(RESTART_S)


async def serve(settings: Settings, *, roles: frozenset[str] = frozenset(ROLES), demo: bool = False) -> None:
    """Run until SIGINT or SIGTERM. SchemaError and OSError are the caller's to word."""
    await asyncio.to_thread(migrate.prepare, settings.database_url, demo=demo)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    if demo:
        from bot.demo import run_demo  # noqa: PLC0415 - the simulator is no part of a real installation

        await run_demo(settings, stop)
        return
    app = App(settings, roles)
    try:
        await app.start()
        _print_addresses(app)
        await stop.wait()
    finally:
        await app.stop()


def _print_addresses(app: App) -> None:
    lines = [f"Chargehand is running ({', '.join(sorted(app.roles))})."]
    if app.web is not None:
        lines.append(
            f"  web        http://{app.settings.http_host}:{app.web.port}/   (public: {app.settings.public_url})"
        )
    if "ocpp" in app.roles:
        lines.append(f"  chargers   ws://{app.settings.ocpp_host}:{app.central.port}/ocpp/{{charger_id}}")
    for note in app.settings.channels():
        lines.append(f"  {note.name:<22} {'on' if note.on else 'off: ' + note.why}")
    print("\n".join(lines), flush=True)  # noqa: T201 - for the person who started it
