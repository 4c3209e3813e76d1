"""Changing a case's keys: from the command line as text, from a sweep as values."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from optimodels.case.source import (
    MOST_DEPTH,
    MOST_KEY,
    Keys,
    Source,
    form_error,
    one_line,
    read_value,
)
from optimodels.errors import CaseError, Finding


def apply_settings(source: Source, settings: Sequence[str]) -> Source:
    """Return the source with each "key.sub=VALUE" set; raises CaseError with all that are wrong.

    VALUE is YAML (nothing: null) and replaces what was there, it never merges. The key need not
    stand in the file: mappings on the way are created, and take the place of a text or number;
    only ``solver: NAME`` stays, as {name: NAME}. A number is a position in a list, from 0.
    """
    findings: list[Finding] = []
    for setting in settings:
        key, equals, text = setting.partition("=")
        label = "--set " + one_line(setting if len(setting) <= 60 else f"{key[:60]}=...")
        path = tuple(part.strip() for part in key.split("."))
        try:
            keys = all(path) and max(map(len, path)) <= MOST_KEY and len(path) <= MOST_DEPTH
            if not equals or not keys or not key.isprintable():
                raise form_error("", "write it as key=value or key.sub=value")
            value, set_key = _put(source.value, path, read_value(text, "", path).value)
            source = _changed(source, value, set_key, setting)
        except CaseError as error:
            findings += [Finding(label, 0, 0, f.key, f.message) for f in error.findings]
    if findings:
        raise CaseError(findings)
    return source


def _put(value: dict[str, Any], path: Keys, new: Any) -> tuple[dict[str, Any], Keys]:
    """Return a copy with the value at the path, and the first key on the way that is new."""
    root = dict(value)
    holder: Any = root
    set_key = path
    for depth, part in enumerate(path, start=1):
        key: str | int = part
        if isinstance(holder, list):
            if not re.fullmatch("[0-9]{1,9}", part) or int(part) >= len(holder):
                raise form_error(
                    "", f"no entry {part!r} in a list of {len(holder)}; they count from 0"
                )
            key = int(part)
        if depth == len(path):
            holder[key] = new
            break
        known = holder[key] if isinstance(key, int) else holder.get(key)
        if isinstance(known, str) and path[:depth] == ("solver",):
            known = {"name": known}
        if not isinstance(known, (dict, list)):
            known = {}
            set_key = min(set_key, path[:depth], key=len)
        holder[key] = holder = copy.copy(known)
    return root, set_key


def apply_values(source: Source, values: Mapping[str, Any]) -> Source:
    """Return the source with plain values at dotted keys, as a sweep sets them."""
    for key, value in values.items():
        changed, set_key = _put(source.value, tuple(key.split(".")), value)
        # JSON is YAML: as a setting it says the same.
        setting = f"{key}={json.dumps(value, ensure_ascii=False)}"
        source = _changed(source, changed, set_key, setting)
    return source


def no_place(source: Source, key: str) -> str:
    """Say why a dotted key cannot be set in the source; "" where it can."""
    try:
        _put(source.value, tuple(key.split(".")), None)
    except CaseError as error:
        return error.findings[0].message
    return ""


def _changed(source: Source, value: dict[str, Any], set_key: Keys, setting: str) -> Source:
    return replace(
        source,
        value=value,
        set_keys=(*source.set_keys, set_key),
        settings=(*source.settings, setting),
    )


def put_values(
    tree: Mapping[str, Any], source: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a copy of a case's tree, defaults and all, with plain values at dotted keys.

    They are set in ``source``, what the file says, as a run has it: what stands beside a value in
    a mapping or a list is the file's, never a default.
    """
    said = dict(source)
    for key, value in values.items():
        said, _ = _put(said, tuple(key.split(".")), value)
    changed = dict(tree)
    for key in values:
        head, _, rest = key.partition(".")
        if head in ("parameters", "profiles") and rest:
            name = rest.partition(".")[0]
            changed[head] = {**changed[head], name: said[head][name]}
        elif head == "solver" and isinstance(said[head], dict) and not said[head].get("name"):
            changed[head] = {"via": tree[head]["via"], **said[head], "name": tree[head]["name"]}
        else:
            changed[head] = said[head]
    return changed
