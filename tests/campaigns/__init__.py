"""Campaigns that try to break the suite; each is one command, its last figures in reports/proof.

    python -m tests.campaigns NAME [--count N] [--workers 2] [--seed 0] > reports/proof/NAME.md

``__main__`` lists them, ``ledger`` runs one over its seeds on all workers and counts, ``planted``
makes problems whose answers are known before anything solves them. What test_campaigns.py runs is
the first few hundred seeds of each.
"""
