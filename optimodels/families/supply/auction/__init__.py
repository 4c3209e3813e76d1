"""The auction: its market, the equilibrium of bids, and what checks it."""
