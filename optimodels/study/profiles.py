"""The profiles of a case, read from where it says: inline, CSV, SimBench, or the defaults."""

from __future__ import annotations

from typing import Any

from optimodels.case import Case
from optimodels.case.schema import CsvProfile, InlineProfile, SimbenchProfile
from optimodels.errors import DataError
from optimodels.model import Profile


def read_profiles(case: Case) -> dict[str, Profile]:
    """Read every profile of the case's model; those it does not name take their defaults."""
    found = {}
    for name, default in case.model.profiles.items():
        given = case.file.profiles.get(name)
        try:
            found[name] = default if given is None else _read(case, name, given, default.unit)
        except DataError as error:
            raise DataError(f"profiles.{name}", error.message) from error
    return found


def _read(case: Case, name: str, profile: Any, usual: str) -> Profile:
    from optimodels.grid.profiles import read_csv_column, simbench_profile

    if isinstance(profile, CsvProfile):
        path = case.path(profile.csv, f"profiles.{name}.csv")
        return Profile(read_csv_column(path, profile.column).tolist(), profile.unit or usual)
    if isinstance(profile, SimbenchProfile):
        if name != "load":
            raise DataError(name, "SimBench has no prices; give a list or {csv: ...}")
        quarters = simbench_profile(
            profile.simbench, "load", profile.start, profile.steps * profile.every
        )
        return Profile(quarters.reshape(profile.steps, profile.every).mean(axis=1).tolist(), "kw")
    if isinstance(profile, InlineProfile):
        return Profile(profile.values, profile.unit)
    return Profile(profile, usual)
