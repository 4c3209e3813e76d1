"""The command line."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from optimodels.cli.output import let_marks_through, own_output
from optimodels.cli.parser import make_parser
from optimodels.errors import OptimodelsError

__all__ = ["main", "program"]

#: The exit code of what was interrupted, as shells have it.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake is never a traceback."""
    let_marks_through()
    parsed = make_parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        with own_output():
            return command(parsed)
    except OptimodelsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (MemoryError, OSError, ImportError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            print("no space left on the device that is written to", file=sys.stderr)
            return 5
        if _out_of_memory(error):
            print("out of memory; try a smaller case", file=sys.stderr)
        elif isinstance(error, OSError) and error.filename is not None:
            # A folder that is closed, a file that went away meanwhile.
            print(f"{os.fspath(error.filename)}: {error.strerror or error}", file=sys.stderr)
        else:
            raise
        return 5


def program() -> NoReturn:
    """Be the command line of a process of its own, which ends with it."""
    from optimodels.threads import others_at_work

    _end_as_interrupted(signal.SIGTERM)
    code = main()
    if code == INTERRUPTED and others_at_work():
        # A solver still works in native code; an orderly end would wait for it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _out_of_memory(error: Exception) -> bool:
    """Whether it is the machine's memory that is at its end, in whatever words it comes."""
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, ImportError) and "failed to map segment" in str(error))
    )


def _end_as_interrupted(number: int) -> None:
    """Let a signal end the work as Ctrl-C does: what was started is ended, nothing stays behind."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(number, interrupt)
