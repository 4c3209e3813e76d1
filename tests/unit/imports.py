"""What a command imports."""

from __future__ import annotations

import subprocess
import sys

_CODE = (
    "import sys; from optimodels.cli import main\n"
    "try: main(sys.argv[1:])\n"
    "except SystemExit: pass\n"
    "print('LOADED', *sorted({m.partition('.')[0] for m in sys.modules}))"
)


def imported_by(*arguments: str) -> set[str]:
    """Return the packages that are loaded when a command is done in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, *arguments], capture_output=True, text=True, timeout=120
    )
    line = next(s for s in done.stdout.splitlines() if s.startswith("LOADED"))
    return set(line.split()[1:])
