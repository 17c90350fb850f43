"""The OpenAPI description as a page: endpoints and bodies in a flat form that a template can print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def with_formats(api: dict[str, Any], formats: Sequence[str]) -> dict[str, Any]:
    """The description with the formats of `eutonia schema` among its components, each with its own parts."""
    from eutonia.schemas import json_schema

    schemas = api.setdefault("components", {}).setdefault("schemas", {})
    for name in formats:
        whole = json_schema(name)
        parts = whole.pop("$defs", {})
        whole.pop("$schema")
        schemas[name] = _moved(whole, name)
        schemas |= {f"{name}.{part}": _moved(schema, name) for part, schema in parts.items()}
    return api


def _moved(schema: Any, name: str) -> Any:
    """A schema whose references point to the components of the description."""
    if isinstance(schema, list):
        return [_moved(each, name) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _moved(value, name) for key, value in schema.items()}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = found["$ref"].replace("#/$defs/", f"#/components/schemas/{name}.")
    return found


def endpoints(api: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every path and method, with parameters and bodies."""
    return [
        {
            "id": each["operationId"],
            "method": method.upper(),
            "path": path,
            "text": each.get("description") or each.get("summary", ""),
            "parameters": [
                {
                    "name": p["name"],
                    "where": p["in"],
                    "type": kind_of(p.get("schema", {})),
                    "needed": bool(p.get("required")),
                }
                for p in each.get("parameters", ())
            ],
            "body": _body(each.get("requestBody")),
            "answers": ", ".join(each.get("responses", {})),
        }
        for path, methods in api["paths"].items()
        for method, each in methods.items()
    ]


def bodies(api: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The named objects that are sent, field by field; formats have small names, and `eutonia schema` for them."""
    schemas = api.get("components", {}).get("schemas", {})
    return [
        {
            "name": name,
            "text": schema.get("description", ""),
            "fields": [
                {
                    "name": field,
                    "type": kind_of(part),
                    "needed": field in schema.get("required", ()),
                    "otherwise": "" if part.get("default") is None else part["default"],
                }
                for field, part in schema["properties"].items()
            ],
        }
        for name, schema in schemas.items()
        if "properties" in schema and name[0].isupper() and not name.endswith("ValidationError")
    ]


def kind_of(schema: Mapping[str, Any]) -> str:
    """A schema in a word: `string`, `number or null`, `list of string`, the name of an object."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        kinds = [kind_of(each) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    kind = str(schema.get("type", "any"))
    return f"list of {kind_of(schema.get('items', {}))}" if kind == "array" else kind


def _body(body: Mapping[str, Any] | None) -> str:
    for kind, content in (body or {}).get("content", {}).items():
        schema = content.get("schema", {})
        said = schema.get("description") or kind_of(schema)
        return f"{kind}: {said}"
    return ""
