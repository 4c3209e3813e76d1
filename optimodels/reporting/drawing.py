"""SVG made fit to stand inside a page: only drawing, no scripts, no styles of its own, no links."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"

_DRAW = """svg g defs path use rect circle ellipse line polyline polygon text tspan clipPath mask
image linearGradient radialGradient stop pattern marker symbol"""
# Geometry, text and paint; what is not named here is left out.
_SAY = """viewBox preserveAspectRatio width height x y x1 y1 x2 y2 cx cy r rx ry dx dy d points
transform gradientTransform gradientUnits clipPathUnits patternUnits offset refX refY markerWidth
markerHeight orient fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap
stroke-linejoin stroke-dasharray stroke-dashoffset stroke-miterlimit opacity clip-path clip-rule
mask stop-color stop-opacity font-size font-family font-weight font-style text-anchor
dominant-baseline display visibility"""
_ELEMENTS, _ATTRIBUTES = frozenset(_DRAW.split()), frozenset(_SAY.split())
#: What something in the picture refers to.
_TARGET = re.compile(r"#([^\s\"')]+)")
_REFERENCE = re.compile(r"url\(\s*#([^)\s]+)\s*\)")


def parse(text: str) -> ElementTree.Element:
    """Return the root of an SVG; raises ValueError where the text is none."""
    if "<!ENTITY" in text:
        raise ValueError("defines entities")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error
    if root.tag != f"{{{_SVG}}}svg":
        raise ValueError("its root is not svg")
    return root


def drawing_in(path: Path, left_out: list[str]) -> str | None:
    """Return the SVG in a file; None where there is none, which ``left_out`` is told."""
    try:
        text = path.read_text("utf-8")
        parse(text)
    except (OSError, ValueError) as error:
        left_out.append(f"{path.name}: is no picture: {error}")
        return None
    return text


def inline(text: str, name: str, title: str) -> str:
    """Return the SVG as part of a page.

    ``name`` goes before every id, so that two pictures do not share one; ``title`` is what is read
    aloud. Raises ValueError where the text is no SVG.
    """
    root = _kept(parse(text), name, set(_TARGET.findall(text)))
    if "viewBox" not in root.attrib:
        size = [re.match(r"[\d.]+", root.get(side, "")) for side in ("width", "height")]
        if all(size):
            root.set("viewBox", " ".join(["0 0", *(match[0] for match in size if match)]))
    for side in ("width", "height"):
        root.attrib.pop(side, None)
    # What matplotlib says for the whole picture in a style sheet.
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    spoken = ElementTree.Element("title", {"id": f"{name}-title"})
    spoken.text = title
    root.insert(0, spoken)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _kept(element: ElementTree.Element, name: str, targets: set[str]) -> ElementTree.Element:
    """Copy what draws, without namespaces: in HTML an svg element needs none."""
    tag = element.tag.removeprefix(f"{{{_SVG}}}")
    made = ElementTree.Element(tag, _attributes(element, tag, name, targets))
    made.text, made.tail = element.text, element.tail
    for child in element:
        if isinstance(child.tag, str) and child.tag.removeprefix(f"{{{_SVG}}}") in _ELEMENTS:
            made.append(_kept(child, name, targets))
    return made


def _attributes(
    element: ElementTree.Element, tag: str, name: str, targets: set[str]
) -> dict[str, str]:
    given = dict(element.attrib)
    # Styles become attributes, so that the page can forbid styles that it does not know.
    for rule in given.pop("style", "").split(";"):
        key, _, value = rule.partition(":")
        given[key.strip()] = value.strip()
    kept = {}
    for key, value in given.items():
        if key in (_LINK, "href"):
            if value.startswith("#"):
                kept["href"] = f"#{name}-{value[1:]}"
            elif tag == "image" and value.startswith("data:image/png;base64,"):
                kept["href"] = value
        elif key == "id":
            if value in targets:
                kept["id"] = f"{name}-{value}"
        elif key in _ATTRIBUTES and "url(" not in _REFERENCE.sub("", value):
            kept[key] = _REFERENCE.sub(rf"url(#{name}-\1)", value)
    return kept
