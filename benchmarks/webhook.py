"""A webhook committed before its 200, against the same endpoint without a database, at 64 connections."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.load import Load, load, percentile
from benchmarks.report import Finding, median, show, spread
from benchmarks.signed import webhooks

CONNECTIONS = 64
ROUNDS = 6
SECONDS = 2.0
LIMITS = {"sqlite": 0.4, "postgresql": 0.5}


@contextmanager
def server(target: str) -> Iterator[int]:
    """A door in a process of its own; gives its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.webhook_server", target], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


def run(databases: dict[str, str]) -> None:
    """Interleaved rounds: no database, then each database."""
    targets = {"none": "none", **databases}
    results: dict[str, list[Load]] = {name: [] for name in targets}
    with ExitStack() as stack:
        ports = {name: stack.enter_context(server(target)) for name, target in targets.items()}
        for number in range(ROUNDS + 1):
            for name, port in ports.items():
                feed = webhooks(int(SECONDS * 8_000), customers=2_000)
                outcome = asyncio.run(load(port, feed, connections=CONNECTIONS, seconds=SECONDS))
                if outcome.bad:
                    raise SystemExit(f"{outcome.bad} webhooks were not answered 200 by {name}")
                if number:  # the first round warms up
                    results[name].append(outcome)
    findings = [Finding("no database, requests/s", median([r.per_s for r in results["none"]]), "/s")]
    for name in databases:
        ratios = [mine.per_s / base.per_s for mine, base in zip(results[name], results["none"], strict=True)]
        p99 = median([percentile(r.latencies_ms, 0.99) for r in results[name]])
        findings.append(
            Finding(
                f"{name}, committed before the 200, ratio to no database", median(ratios),
                at_least=LIMITS.get(name), note=f"{spread(ratios)}; p99 {p99:.0f} ms",
            )
        )  # fmt: skip
    show(f"Durable webhook, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS:g} s", findings)
