# SPDX-License-Identifier: Apache-2.0
"""Checks JSON against schemas of an OpenAPI 3.1 file: schema.py FILE, then on standard input lines
"NAME JSON" with the name of a schema. Prints what does not fit; the exit code counts. Only the
words of JSON Schema that the file uses are known, and another one is an error, so none is left out."""
import json
import re
import sys

KNOWN = {"type", "required", "properties", "patternProperties", "additionalProperties", "items", "enum",
         "const", "minimum", "maximum", "minLength", "maxLength", "pattern", "oneOf", "$ref",
         "description", "default", "format"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def type_fits(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def check(root, schema, value, at):
    """Every way in which a value does not fit a schema."""
    unknown = set(schema) - KNOWN
    if unknown:
        raise SystemExit(f"schema.py does not know {sorted(unknown)}")
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from check(root, target, value, at)
        return
    if "type" in schema and not type_fits(value, schema["type"]):
        yield f"{at}: {value!r} is no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "oneOf" in schema:
        fits = [not list(check(root, one, value, at)) for one in schema["oneOf"]]
        if sum(fits) != 1:
            yield f"{at}: {value!r} fits {sum(fits)} of {len(fits)}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{at}: {value!r} is out of range"
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{at}: a text of {len(value)}"
        if not re.search(schema.get("pattern", ""), value):
            yield f"{at}: {value!r} is not {schema['pattern']}"
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            yield from check(root, schema["items"], item, f"{at}[{i}]")
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                yield f"{at}.{name} is missing"
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name)
            for pattern, one in schema.get("patternProperties", {}).items():
                inner = inner or (one if re.search(pattern, name) else None)
            if inner:
                yield from check(root, inner, item, f"{at}.{name}")
            elif schema.get("additionalProperties", True) is False:
                yield f"{at}.{name} is not in the schema"


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        root = json.load(f)
    faults = 0
    for line in sys.stdin:
        name, text = line.rstrip("\n").split(" ", 1)
        for fault in check(root, root["components"]["schemas"][name], json.loads(text), name):
            print(fault)
            faults += 1
    sys.exit(min(faults, 100))


if __name__ == "__main__":
    main()
