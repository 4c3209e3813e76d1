"""The game among agents: equilibria of groups, what coalitions are worth, and who joins whom."""
