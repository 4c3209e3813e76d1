"""The physical side of regulation: governors, swing equation, area control, and their checks."""
