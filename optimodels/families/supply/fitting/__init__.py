"""Fits of curves: forms, variable projection, and what examines an optimum."""
