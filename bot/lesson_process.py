"""A lesson in a process of its own: low in priority, killed when whoever waits goes away, and nothing is left of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from types import TracebackType

from classifiers.lesson import Learnt, Lesson, learn, sweep

_ENDS_S = 10
_NICE = 10


class LessonProcess:
    """A lesson under way. Leaving the block, however that happens, ends it."""

    def __init__(self, lesson: Lesson) -> None:
        context = multiprocessing.get_context("spawn")
        self._out = lesson.out
        self._ours, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_teach, args=(lesson, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> LessonProcess:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.end()

    def ended(self, seconds: float) -> bool:
        """Whether there is an outcome; waits this long for it."""
        return self._ours.poll(seconds)

    def outcome(self) -> Learnt | str:
        """What was learnt, or why nothing was."""
        try:
            received: Learnt | str = self._ours.recv()
        except EOFError:
            return "its process died"
        return received

    def end(self) -> None:
        """Stop it; what people wrote does not outlive the process that learnt from it."""
        self._process.kill()
        self._ours.close()
        self._process.join(_ENDS_S)
        sweep(self._out.parent, f"{self._out.name}-")


def _teach(lesson: Lesson, answer: Connection) -> None:
    """The other process: whoever answers people comes first on this machine, and Ctrl-C is for whoever waits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    os.nice(_NICE)
    try:
        answer.send(learn(lesson))
    except Exception as error:  # noqa: BLE001 - told to whoever waits
        answer.send(f"{type(error).__name__}: {error}")
