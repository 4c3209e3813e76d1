"""Settings of the documentation: ``sphinx-build -W docs docs/_build``."""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path
from typing import Any

# A build makes millions of nodes, and ends: looking for those to free takes a fifth of its time.
gc.disable()

# The pages tell of this checkout, whatever is installed; make_pages.py stands beside this file.
_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE.parent), str(_HERE)]

import make_pages  # noqa: E402
from sphinx.domains.python import PythonDomain  # noqa: E402

import optimodels  # noqa: E402

make_pages.main()

project = "optimodels"
author = "The optimodels developers"
release = version = optimodels.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Equations and names are told as they are written.
smartquotes = False
html_theme = "furo"
html_title = f"optimodels {version}"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_show_copyright = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# By their own names, not by what NumPy makes of them.
autodoc_type_aliases = {name: name for name in ("Complexes", "Floats", "Ints", "Mask")}
autodoc_typehints_format = "short"
autodoc_default_options = {"no-value": True, "ignore-module-all": True}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
add_module_names = False
toc_object_entries = False


def as_plain_text(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Read a docstring as prose with ``code``: its formulas (p_b, |x|, 2*x) are no markup.

    Lines that stand further in than their paragraph begins are kept as they are.
    """
    text = "\n".join(lines).strip()
    shown: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        rows = paragraph.split("\n")
        listed = rows[0].lstrip().startswith("- ")
        inside = [row.startswith(" ") for row in rows]
        if inside[0] and not listed:
            shown += ["::", "", *(f"   {row}" for row in rows), ""]
        elif any(inside) and not listed:
            shown += [*(f"| {_escaped(row.rstrip())}" for row in rows), ""]
        else:
            shown += [*map(_escaped, rows), ""]
    lines[:] = shown


def without_factories(app: Any, *given: Any) -> tuple[str | None, str | None]:
    """Write the default of a data class that is made anew each time as ``...``."""
    arguments, returned = given[-2:]
    return arguments and arguments.replace("<factory>", "..."), returned


def _escaped(text: str) -> str:
    parts = re.split(r"(``.+?``)", text)
    return "".join(
        part if part.startswith("``") else re.sub(r"([\\*_|`])", r"\\\1", part) for part in parts
    )


class Entries(PythonDomain):
    """Python's entries; a type's short name is linked to the only class of that name."""

    def find_obj(
        self, env: Any, modname: Any, classname: Any, name: str, type: Any, searchmode: int = 0
    ) -> list[Any]:
        found = super().find_obj(env, modname, classname, name, type)
        if found or not searchmode:
            return found
        if not hasattr(self, "_short"):
            self._short: dict[str, list[Any]] = {}
            for full, entry in self.objects.items():
                self._short.setdefault(full.rpartition(".")[2], []).append((full, entry))
        only = self._short.get(name, [])
        return only if len(only) == 1 else []


def setup(app: Any) -> None:
    app.add_domain(Entries, override=True)
    app.connect("autodoc-process-docstring", as_plain_text)
    app.connect("autodoc-process-signature", without_factories)
