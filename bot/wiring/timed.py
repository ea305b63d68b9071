"""A classifier whose time is measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from models.ports import MessageClassifier
from models.reading import Reading, Registers


@dataclass(frozen=True)
class TimedClassifier:
    """Reads as the other does, and tells how long it took, in seconds."""

    inner: MessageClassifier
    took: Callable[[float], None]

    def read(self, text: str, registers: Registers) -> Reading:
        """Never raises, whatever the text."""
        began = time.perf_counter()
        reading = self.inner.read(text, registers)
        self.took(time.perf_counter() - began)
        return reading
