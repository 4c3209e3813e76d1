"""The JSON Schema of case files, for editors: the common keys, and each model's parameters."""

from __future__ import annotations

from typing import Any

from optimodels.case.schema import CaseFile
from optimodels.families import find_model, model_names
from optimodels.solvers.registry import solver_names


def case_schema() -> dict[str, Any]:
    """Return the schema; ``parameters`` and ``profiles`` depend on ``model``."""
    schema = CaseFile.model_json_schema()
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    rules = []
    for name in model_names():
        model = find_model(name)
        parameters = model.parameters_class().model_json_schema()
        definitions |= parameters.pop("$defs", {})
        definitions[name] = parameters
        then: dict[str, Any] = {"parameters": {"$ref": f"#/$defs/{name.replace('/', '~1')}"}}
        then["profiles"] = {"propertyNames": {"enum": list(model.profiles)}}
        rules.append(
            {
                "if": {"properties": {"model": {"const": name}}, "required": ["model"]},
                "then": {"properties": then},
            }
        )
    properties = schema["properties"]
    properties["model"] |= {"enum": model_names()}
    definitions["SolverChoice"]["properties"]["name"] |= {"examples": solver_names()}
    whole: dict[str, Any] = _standard_words(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "optimodels case",
            **{key: value for key, value in schema.items() if key != "title"},
            "allOf": rules,
        }
    )
    return whole


#: pydantic writes limits that stand behind a converter in its own words.
_WORDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
}


def _standard_words(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {_WORDS.get(key, key): _standard_words(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_standard_words(item) for item in schema]
    return schema
