"""How far the work is, told on one line of a terminal."""

from __future__ import annotations

import sys


class Progress:
    """How far a sweep is, its rate and what remains, on one line of a terminal."""

    def __init__(self, what: str = "runs") -> None:
        import time

        self._what = what
        self._clock = time.monotonic
        self._started = self._said = self._clock()

    def __call__(self, done: int, of: int) -> None:
        now = self._clock()
        if now - self._said < 0.2 and done < of:
            return
        self._said = now
        text = f"{done} of {of} {self._what}"
        if done:
            rate = done / max(now - self._started, 1e-9)
            text += f", {rate:.3g} per second, {(of - done) / rate:.0f} s left"
        end = "\n" if done == of else ""
        print(f"\r\033[K{text[: width() - 1]}", end=end, file=sys.stderr, flush=True)


class Parts:
    """The same of the long computations of one case; the line goes when they are done."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, stage: str, done: int, of: int, step: str) -> None:
        if step == "compute" and of > 1:
            if stage != self._stage:
                # What the stages before took is no part of this one's rate.
                self._stage, self._line = stage, Progress("parts")
            self._line(done, of)

    def clear(self) -> None:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def width() -> int:
    """Return the columns of the terminal, 80 where there is none."""
    import shutil

    return shutil.get_terminal_size((80, 24)).columns


def say_round(instance: str, solver: str, number: int, of: int) -> None:
    """Say which round of a benchmark is run, on the same line."""
    said = "warms up" if number == 0 else f"round {number} of {of}"
    print(f"\r\033[K{f'{instance}: {solver}, {said}'[: width() - 1]}", end="\r", file=sys.stderr,
          flush=True)  # fmt: skip
