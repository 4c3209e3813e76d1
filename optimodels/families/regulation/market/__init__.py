"""The market half of the family: curves, clearing, participation."""
