"""From the optima of the flexibility family to the start and the neighbours of an experiment."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimodels.arrays import Ints
from optimodels.families.flexibility import aggregator_mapping, self_sustainability
from optimodels.families.flexibility.results import assigned, rewiring, whole
from optimodels.families.flexibility.spin_assignment import FORMULATION as SPINS
from optimodels.families.flexibility.spin_assignment import Spins as BusSpins
from optimodels.families.ising.data import Society
from optimodels.families.ising.ensemble import REWIRING, generator, starts
from optimodels.families.ising.parameters import Ensemble
from optimodels.families.ising.recount import Spins, by_bus, constraint
from optimodels.model import Compute, Done, Outcome, Solve
from optimodels.result import Check, Row


@dataclass(frozen=True)
class Prepared:
    """A society with its neighbours as asked, the start (R, N) of its replicas, and the
    aggregator (B,) of every bus where there are any."""

    society: Society
    start: Spins
    mapping: Ints | None
    notes: tuple[str, ...]


def stages(parameters: Ensemble) -> tuple[Solve | Compute, ...]:
    """What has to be solved before the spins move: a balanced start, the aggregators' buses."""
    found: list[Solve | Compute] = []
    if parameters.start == "feasible":
        found += [
            Solve(
                "balance",
                self_sustainability.FORMULATION,
                lambda society, done: {"": self_sustainability.instance(society.customers)},
            ),
            Compute("rewiring", _rewire, _REWIRING),
            Solve("spins", SPINS, _bus_spins),
        ]
    if parameters.with_aggregators and parameters.mapping is None:
        found.append(
            Solve(
                "mapping",
                aggregator_mapping.FORMULATION,
                lambda society, done: {"": aggregator_mapping.instance(society.mapped_customers)},
            )
        )
    return tuple(found)


def prepare(society: Society, done: Done) -> Prepared:
    """Take up what the stages before have found."""
    feasible = None
    notes = list(society.notes)
    if "rewiring" in done.outcomes:
        found = done.outcomes["rewiring"]
        society = society.rewired(found.arrays["bus"])
        feasible = _feasible(society, done)
        moved = len(found.arrays["rows"])
        if moved:
            notes.append(
                f"{moved} customer{'s' * (moved > 1)} moved to another bus, so that every bus has "
                "its state"
            )
    mapping = society.mapping
    if mapping is None and "mapping" in done.solutions:
        mapping = assigned(done.solution("mapping"))
    if society.parameters.boundaries == "aggregators" and mapping is not None:
        society = society.bounded(mapping)
    start = starts(society, feasible)
    return Prepared(society, start, mapping, (*notes, *_warnings(society, start)))


def _warnings(society: Society, start: Spins) -> list[str]:
    given, n = society.parameters, society.sites
    notes = []
    if given.update == "sweep" and given.steps % n:
        whole = -(-given.steps // n)
        notes.append(f"{given.steps} proposals are rounded up to {whole} sweeps of {n} customers")
    beside = getattr(given, "beside", ())
    alone = int((society.graph.degrees == 0).sum())
    if given.update == "sweep" and alone and 0 in given.field:
        notes.append(
            f"{alone} customers have no neighbours: without a field every sweep turns them over, "
            "always; update: random-site does not"
        )
    if "constrained" in (given.algorithm, *beside) and society.unit == 1:
        notes.append(
            f"{len(set(society.members.tolist()))} different numbers of customers on a bus: C is "
            "exact in every figure and verdict, but constrained dynamics compare |C| in doubles, "
            "where a tie may be missed"
        )
    if (
        "constrained" in (given.algorithm, *beside)
        and "perturbations" not in type(given).model_fields
    ):
        worst = max(abs(c) for c in constraint(society, start) or [0])
        if worst:
            notes.append(
                "constrained dynamics from a start that is not feasible: |C| is up to "
                f"{worst / society.scale:.3g} there, and can only fall"
            )
    return notes


_REWIRING = (
    "m_b: magnetisation of bus b from stage balance; N_b: its customers",
    "a bus with m_b = 0 and odd N_b gives a random customer to the next such,",
    "a last one to a bus with m_b = 1 or -1              001, section 4.2, step 1",
    "a bus with N_b = 1 receives; none is left without customers            ours",
)


def _rewire(society: Society, done: Done) -> Outcome:
    """Regularise: move one random customer between two odd buses with m = 0."""
    m = whole(done.solution("balance"))
    bad = np.flatnonzero((m == 0) & (society.members % 2 == 1)).tolist()
    rows: list[Row] = rewiring(society.customers, m, bad)
    index = {int(bus) + 1: b for b, bus in enumerate(society.customers.buses)}
    bus = society.bus.copy()
    rng = generator(society, REWIRING, 0)
    for row in rows:
        row["site"] = int(rng.choice(np.flatnonzero(bus == index[row["from_bus"]])))
        bus[row["site"]] = index[row["to_bus"]]
    members = np.bincount(bus, minlength=len(m))
    # A bus with a single customer can only receive.
    needed = max((len(bad) + 1) // 2, int((society.members[bad] == 1).sum()))
    checks = (
        Check.of("customers lost or won", abs(int(members.sum() - society.members.sum())), 0),
        Check.of("customers beyond those that had to move",
                 int((bus != society.bus).sum()) - needed, 0),
        Check.of("buses left without customers", int((members == 0).sum()), 0),
    )  # fmt: skip
    return Outcome("balance", checks, {"bus": bus, "rows": rows, "magnetisation": m})


def _bus_spins(society: Society, done: Done) -> dict[BusSpins, BusSpins]:
    """One problem per kind of bus, after the rewiring."""
    found = done.outcomes["rewiring"].arrays
    members = np.bincount(found["bus"], minlength=len(found["magnetisation"]))
    pairs = zip(members.tolist(), found["magnetisation"].tolist(), strict=True)
    return {spins: spins for spins in (BusSpins(*pair) for pair in sorted(set(pairs)))}


def _feasible(society: Society, done: Done) -> Spins:
    """The state (N,) of every customer: each bus's spins on its sites in order."""
    m = done.outcomes["rewiring"].arrays["magnetisation"]
    found = np.empty(society.sites, dtype=np.int8)
    for b, size in enumerate(society.members.tolist()):
        up = done.solutions["spins"][(size, int(m[b]))].arrays["up"]
        found[society.bus == b] = np.where(up > 0.5, 1, -1)
    return found


def balance_check(prepared: Prepared, done: Done) -> tuple[Check, ...]:
    """A start that was solved for meets (30) exactly, and every bus its magnetisation."""
    if "rewiring" not in done.outcomes:
        return ()
    society, start = prepared.society, prepared.start[:1]
    (c,) = constraint(society, start) or [0]
    m = done.outcomes["rewiring"].arrays["magnetisation"]
    off = np.abs(by_bus(society, start)[0] - m * society.members)
    return (
        Check.of("C of the feasible start, whole", abs(c), 0),
        Check.of("customers of the feasible start off their bus's state", int(off.sum()), 0),
    )


def bounded(prepared: Prepared) -> Society:
    """The same society with neighbours within aggregators only."""
    society = prepared.society
    if society.within is not None or prepared.mapping is None:
        return society
    return society.bounded(prepared.mapping)


def free(prepared: Prepared, read: Society) -> Society:
    """The same society with all neighbours, as it was read."""
    return replace(prepared.society, graph=read.graph, within=None)
