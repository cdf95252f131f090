"""Counts checks, and prints one line for each."""

import time
import traceback


class Checks:
    """Runs steps one after the other. A step that raises has failed; the steps after it still run."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def run(self, name: str, step) -> None:
        """Runs `step()`; what it returns is shown behind its name."""
        started = time.monotonic()
        try:
            note = step()
        except Exception as error:  # A broken step of any kind is a finding, never the end of the run.
            self.failed += 1
            print(f"FAIL  {name}\n      {_where(error)}{type(error).__name__}: {error}", flush=True)
            return
        self.passed += 1
        elapsed_ms = (time.monotonic() - started) * 1000
        print(f"ok    {name}{f' - {note}' if note else ''} ({elapsed_ms:.0f} ms)", flush=True)


def _where(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}: "


def equal(actual, expected, what: str) -> None:
    """Demands that two values are equal."""
    if actual != expected:
        raise AssertionError(f"{what} is {actual!r}, not {expected!r}")


def true(condition, what: str) -> None:
    """Demands a condition; `what` says what should have been."""
    if not condition:
        raise AssertionError(what)
