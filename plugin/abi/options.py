#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether struct qbid_options still begins as it did: plugin/abi/options.py BASELINE.abi LIBRARY.abi

Its callers say how long theirs is, so fields may follow the last one; those that were there keep name, place and
type. abidiff's own rule for members at the end passes changed types of the others as well.
"""
import sys
import xml.etree.ElementTree as ElementTree


def members(path):
    """(name, offset in bits, type) of each field; a type is written out down to its names and sizes."""
    tree = ElementTree.parse(path).getroot()
    types = {node.get("id"): node for node in tree.iter() if node.get("id")}

    def text(key, depth=0):
        node = types[key]
        inner = node.get("type-id")
        if node.tag == "function-type":
            parts = [text(part.get("type-id"), depth + 1) for part in node if part.get("type-id")]
            return f"function({', '.join(parts)})"
        name = node.get("name", "")
        if inner is None or node.tag == "enum-decl" or depth > 8:
            return f"{name}:{node.get('size-in-bits', '')}"
        qualifiers = "const " if node.get("const") == "yes" else ""
        return f"{node.tag} {qualifiers}{text(inner, depth + 1)}"

    for node in tree.iter("class-decl"):
        if node.get("name") == "qbid_options" and node.find("data-member") is not None:
            return [(m.find("var-decl").get("name"), m.get("layout-offset-in-bits"), text(m.find("var-decl").get("type-id")))
                    for m in node.findall("data-member")]
    sys.exit(f"{path}: abi: struct qbid_options is not there")


def main():
    old, new = members(sys.argv[1]), members(sys.argv[2])
    for i, field in enumerate(old):
        if i >= len(new) or new[i] != field:
            now = new[i] if i < len(new) else "nothing"
            print(f"struct qbid_options: field {i} was {field}, is {now}")
            sys.exit(1)


main()
