"""The languages we answer in."""

from __future__ import annotations

LANGUAGES: tuple[str, ...] = ("en", "si", "ta", "es")
"""The first is the one for everybody else."""
