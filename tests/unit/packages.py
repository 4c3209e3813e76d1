"""Packages of others as an installation leaves them, without a network."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, name: str, entry_points: str, version: str = "1.0") -> None:
    """Say in a folder to import from that a package is there, and what it offers."""
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir(exist_ok=True)
    (about / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (about / "METADATA").write_text(head, encoding="utf-8")
