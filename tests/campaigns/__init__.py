"""Campaigns that try to break the suite; each is one command, its last figures in reports/proof.

    python -m tests.campaigns NAME [--scale 0.1] [--workers 2] [--first 0] > reports/proof/NAME.md

``catalogue`` lists them, ``ledger`` runs one over its seeds on all workers, ``tally`` is what it
counts, ``planted`` makes problems whose answers are known before anything solves them.
test_campaigns.py runs the first seeds of each. ``fuzz_reader`` is a command of its own: what guides
it counts no seeds.
"""
