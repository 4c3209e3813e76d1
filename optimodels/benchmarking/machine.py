"""On what a benchmark ran: versions, processor, load."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

from optimodels.study import environment


def environment_now() -> dict[str, str]:
    """Return versions of what takes part, the processor and its cores, memory."""
    return {
        **environment(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity")
                     else os.cpu_count() or 1),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
    }  # fmt: skip


def load_now() -> str:
    """Return the processes that want to run, on average over the last minute."""
    return f"{psutil.getloadavg()[0]:.2f}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
