# SPDX-License-Identifier: Apache-2.0
# Bid requests in protobuf as Google's own library writes and reads them, for wire.sh.
#
#   wire.py PROTO_DIR REQUESTS FOLDER PORT COUNT
#
# Asks the first COUNT requests that protobuf can say in JSON and in protobuf, prints what differs in the answers and at
# last "asked N bids N"; FOLDER/request.pb becomes one that gets a bid. PROTO_DIR holds the module that protoc made of
# plugin/openrtb/openrtb.proto, with texts as string.
import http.client
import json
import re
import sys

sys.path.insert(0, sys.argv[1])
import openrtb_pb2 as pb  # noqa: E402


class Unsaid(Exception):
    pass


def scalar(field, value):
    if field.type == field.TYPE_STRING:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise Unsaid
        return str(value)
    if field.type == field.TYPE_BOOL:
        if not isinstance(value, (bool, int)):
            raise Unsaid
        return bool(value)
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
        raise Unsaid
    return float(value) if field.type == field.TYPE_DOUBLE else int(value)


def fill(message, data):
    if not isinstance(data, dict):
        raise Unsaid
    for field in message.DESCRIPTOR.fields:
        value = data.get(field.name)
        if value is None or value == "":
            continue
        repeated = field.label == field.LABEL_REPEATED
        if repeated != isinstance(value, list):
            raise Unsaid
        for element in value if repeated else [value]:
            if field.type == field.TYPE_MESSAGE:
                inner = getattr(message, field.name)
                inner = inner.add() if repeated else inner
                inner.SetInParent() if not repeated else None
                fill(inner, element)
                # what our schema does not list makes a site, an app or a screen no less of one
                if element and field.name in ("site", "app", "dooh") and inner.ByteSize() == 0:
                    inner.MergeFromString(b"\x12\x01x")  # its name, the IAB's field 2
            elif repeated:
                getattr(message, field.name).append(scalar(field, element))
            else:
                setattr(message, field.name, scalar(field, element))


# What belongs to one bid alone: its number, and the token and number inside its URLs and markup.
def neutral(text):
    text = re.sub(r"\?t=[A-Za-z0-9_-]{96}", "?t=TOKEN", text)
    return re.sub(r"\d{12,}", "NUMBER", text)


def differs(data, message, path=""):
    named = {field.name: (field, value) for field, value in message.ListFields()}
    if set(named) != set(data) - {"ext"}:
        return f"{path}: fields {sorted(named)} against {sorted(data)}"
    for name, (field, value) in named.items():
        other, where = data[name], f"{path}.{name}"
        if name in ("bidid", "id") and field.containing_type.name in ("Bid", "Response") and where != ".id":
            continue
        if field.type == field.TYPE_MESSAGE:
            if len(value) != len(other):
                return f"{where}: {len(value)} against {len(other)}"
            for mine, theirs in zip(value, other):
                found = differs(theirs, mine, where)
                if found:
                    return found
        elif field.label == field.LABEL_REPEATED:
            if list(value) != other:
                return f"{where}: {list(value)} against {other}"
        elif (neutral(value) != neutral(other)) if isinstance(value, str) else value != other:
            return f"{where}: {value} against {other}"
    return None


def compare(json_answer, protobuf_answer):
    return differs(json.loads(json_answer), pb.Response.FromString(protobuf_answer))


def post(connection, kind, body):
    connection.request("POST", "/bid?x=2", body, {"Content-Type": f"application/{kind}"})
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.read()


def ask(source, folder, port, count):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    asked = bids = 0
    for line in open(source, encoding="utf-8"):
        try:
            request = pb.Request()
            fill(request, json.loads(line))
            raw = request.SerializeToString()
        except (Unsaid, ValueError, UnicodeEncodeError):
            continue
        if asked == count:
            break
        asked += 1
        first, _, first_body = post(connection, "json", line.rstrip("\n").encode())
        status, kind, body = post(connection, "x-protobuf", raw)
        found = f"{first} in JSON, {status} in protobuf" if first != status else None
        if status == 200 and not found:
            bids += 1
            found = compare(first_body, body) if kind == "application/x-protobuf" else f"type {kind}"
            if bids == 1:
                open(f"{folder}/request.pb", "wb").write(raw)
        if found:
            print(f"request {asked}: {found}")
    print(f"asked {asked} bids {bids}")


ask(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
