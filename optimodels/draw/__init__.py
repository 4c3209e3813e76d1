"""The style of the suite's pictures and the few drawings that families share."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from optimodels.arrays import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from optimodels.grid import Network
    from optimodels.result import Result


# Okabe and Ito's colours: told apart with any kind of colour vision, and in grey.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK, GREY = "#CC79A7", "#56B4E9", "#1a1a1a", "#8a8a8a"
SERIES = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK)
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelcolor": BLACK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    # One picture of one result is one file: no random identifiers.
    "svg.hashsalt": "optimodels",
    "figure.constrained_layout.use": True,
}


def line_style(k: int) -> dict[str, Any]:
    """Return colour and dash of the ``k``-th of several lines: neighbours differ in both, and no
    two of the first 28 are alike."""
    return {"color": SERIES[k % len(SERIES)], "linestyle": _DASHES[k % len(_DASHES)]}


class Picture:
    """A figure that becomes SVG when it is left; ``svg`` holds it then."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.svg = b""


@contextmanager
def picture(
    width: float = 6.4, height: float = 3.6, columns: int = 1, rows: int = 1, **layout: Any
) -> Iterator[tuple[Picture, Any]]:
    """Open a figure of ``width`` x ``height`` inches in the suite's style, with its axes."""
    import matplotlib

    # Drawn through the figure class, not pyplot: no display, no global state.
    from matplotlib.backend_bases import GraphicsContextBase, RendererBase
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        made = Picture(figure)
        yield made, figure.subplots(rows, columns, **layout)
        text = io.BytesIO()
        with warnings.catch_warnings():
            # The file holds words, not shapes of letters: who shows it has the alphabet.
            warnings.filterwarnings("ignore", message="Glyph")
            # pandapower, where it has been imported, rounds the ends of strokes in all pictures of
            # the process: the same result would be another picture.
            with patch.object(RendererBase, "new_gc", lambda _: GraphicsContextBase()):
                figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "optimodels"})
        made.svg = text.getvalue()


def stamp(made: Picture, result: Result) -> None:
    """Write case, solver and verdict under a picture: no figure without a verdict."""
    used = result.solver
    foot(made, f"{result.case}: {used.name} {used.version}; {result.verdict.text}"[:110])


def stamp_runs(made: Picture, results: Sequence[Result]) -> None:
    """Write under a sweep's picture how many of its runs are verified: in red where not all are."""
    good = sum(result.verdict.status == "verified" for result in results)
    said = f"{results[0].case}: {good} of {len(results)} runs verified"
    foot(made, said, GREY if good == len(results) else RED)


def foot(made: Picture, text: str, colour: str = GREY) -> None:
    """Write a line under a picture as it stands: no formula begins at a dollar in a case's name."""
    text = text.replace("$", r"\$")
    made.figure.supxlabel(text, fontsize=7, color=colour, x=0.01, ha="left")


def network_map(
    axes: Axes,
    network: Network,
    values: Floats,
    label: str,
    *,
    colours: str = "viridis",
    limits: tuple[float, float] | None = None,
    marked: Sequence[int] = (),
    steps: Sequence[float] | None = None,
) -> None:
    """Draw buses coloured by ``values`` (n,) on their branches; NaN is drawn hollow.

    ``marked`` are positions of buses that get a red ring, ``steps`` the values that the scale
    names. Buses are numbered where they fit.
    """
    from matplotlib.collections import LineCollection

    xy = layout(network)
    ends = np.stack([xy[network.branch_from], xy[network.branch_to]], axis=1)
    axes.add_collection(LineCollection(list(ends), colors="#b0b0b0", linewidths=0.9, zorder=1))
    many = len(xy) > 150
    size = 14 if many else 90
    known = np.isfinite(values)
    axes.scatter(
        xy[~known, 0],
        xy[~known, 1],
        s=size * 0.6,
        c="white",
        edgecolors=GREY,
        linewidths=0.8,
        zorder=2,
    )
    drawn = axes.scatter(
        xy[known, 0],
        xy[known, 1],
        s=size,
        c=values[known],
        cmap=colours,
        vmin=None if limits is None else limits[0],
        vmax=None if limits is None else limits[1],
        edgecolors=BLACK,
        linewidths=0.3 if many else 0.6,
        zorder=3,
    )
    if len(marked):
        axes.scatter(
            xy[list(marked), 0],
            xy[list(marked), 1], s=size * 2.2, facecolors="none", edgecolors=RED, linewidths=1.4,
            zorder=4,
        )  # fmt: skip
    if len(xy) <= 60:
        for bus, (x, y) in enumerate(xy):
            axes.annotate(
                str(bus + 1), (x, y), (0, 6.5), textcoords="offset points", ha="center",
                fontsize=6, color=BLACK, zorder=5,
            )  # fmt: skip
    axes.set_axis_off()
    axes.margins(0.06)
    bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.02, ticks=steps)
    bar.set_label(label)
    bar.outline.set_visible(False)


def layout(network: Network) -> Floats:
    """Return drawing coordinates (n, 2): the network's own, or a layout computed from its graph
    where it has none or (in a small network) they put buses on top of each other."""
    xy = np.asarray(network.bus_xy, dtype=float)
    if len(xy) and np.isfinite(xy).all() and not (len(xy) <= 120 and _overlap(xy)):
        return xy
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(len(xy)))
    graph.add_edges_from(zip(network.branch_from.tolist(), network.branch_to.tolist(), strict=True))
    place = (
        nx.kamada_kawai_layout(graph)
        if len(xy) <= 120 and nx.is_connected(graph)
        else nx.spring_layout(graph, seed=1, iterations=80)
    )
    return np.array([place[node] for node in range(len(xy))])


def _overlap(xy: Floats) -> bool:
    apart = np.linalg.norm(xy[:, None] - xy[None, :], axis=2)
    np.fill_diagonal(apart, np.inf)
    return bool(apart.min() < 0.04 * np.ptp(xy, axis=0).max())


def tiles(axes: Axes, values: Floats, colours: Any, limits: tuple[float, float]) -> Any:
    """Draw a matrix as square tiles without ticks; row 0 is at the top."""
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="equal")
