"""Participation: how a needed change is shared by resources."""
