"""Performance profile and cactus plot of a benchmark."""

from __future__ import annotations

from typing import Any

from optimodels.benchmarking.entry import Benchmark
from optimodels.benchmarking.scores import cactus, profiles
from optimodels.draw import GREY, line_style, picture

#: What is drawn.
PICTURES = ("performance-profile", "cactus")


def draw(benchmark: Benchmark) -> dict[str, bytes]:
    """Return the pictures as SVG by name; none where nobody solved anything."""
    if not any(entry.solved for entry in benchmark.entries):
        return {}
    return {
        "performance-profile": _profile(benchmark),
        "cactus": _cactus(benchmark),
    }


def _profile(benchmark: Benchmark) -> bytes:
    drawn = profiles(benchmark)
    far = max((ratio for corners in drawn.values() for ratio, _ in corners), default=1.0)
    end = max(2.0, far * 1.3)
    with picture(6.8, 3.8) as (made, axes):
        for k, (solver, corners) in enumerate(drawn.items()):
            if corners:
                steps = [(1.0, 0.0), *corners, (end, corners[-1][1])]
                x, y = zip(*steps, strict=True)
                axes.step(x, y, where="post", label=solver, **line_style(k))
        axes.set_xscale("log")
        axes.set_xlim(0.97, end)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel("time over the best solver's (log scale)")
        axes.set_ylabel("share of instances solved and verified")
        number = len(benchmark.instances)
        axes.set_title(f"Performance profile, {number} instance{'' if number == 1 else 's'}")
        _legend(axes)
        _stamp(made, benchmark)
    return made.svg


def _cactus(benchmark: Benchmark) -> bytes:
    with picture(6.8, 3.8) as (made, axes):
        for k, (solver, corners) in enumerate(cactus(benchmark).items()):
            if corners:
                number, seconds = zip(*corners, strict=True)
                axes.plot(number, seconds, marker="o", markersize=3, label=solver, **line_style(k))
        axes.set_yscale("log")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("instances solved and verified, easiest first")
        axes.set_ylabel("seconds, each (log scale)")
        axes.set_title("Cactus plot")
        _legend(axes)
        _stamp(made, benchmark)
    return made.svg


def _legend(axes: Any) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=7.5, handlelength=2.6)


def _stamp(made: Any, benchmark: Benchmark) -> None:
    settings = benchmark.settings
    made.figure.supxlabel(
        f"medians of {settings.repeat} repetitions, {settings.threads} thread(s), limit "
        f"{settings.time_limit:g} s; only verified answers count; a profile compares with the best "
        "of those shown",
        fontsize=7, color=GREY, x=0.01, ha="left",
    )  # fmt: skip
