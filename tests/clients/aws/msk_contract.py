"""Checks requests and responses of the MSK API against the service model that botocore ships.

botocore reads leniently: it passes over members that it does not know and does not ask for those
that must be there. Here the raw JSON of every answer is compared with the shape: no unknown
members, required ones present, types, enumerations, limits, timestamps in ISO 8601, nothing null;
and every error with the exceptions that the operation declares.
"""

import base64
import binascii
import datetime
import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

PAGE = Path(__file__).resolve().parents[3] / "docs/operations/msk-api.md"
# Shapes that every document about a cluster has although the model does not require them.
WHOLE = {
    "ClusterInfo": [
        "clusterArn",
        "clusterName",
        "creationTime",
        "currentVersion",
        "state",
        "brokerNodeGroupInfo",
        "currentBrokerSoftwareInfo",
        "encryptionInfo",
        "numberOfBrokerNodes",
    ],
    "Cluster": [
        "clusterArn",
        "clusterName",
        "clusterType",
        "creationTime",
        "currentVersion",
        "state",
        "provisioned",
    ],
    "ClusterOperationInfo": [
        "clusterArn",
        "creationTime",
        "operationArn",
        "operationState",
        "operationType",
    ],
}
NUMBERS = {"integer": int, "long": int, "double": (int, float), "float": (int, float)}


class Broken(AssertionError):
    """A response that the model does not allow."""


def check(shape, value, path="answer"):
    """The JSON `value` is one of `shape`."""
    def need(condition, what):
        if not condition:
            raise Broken(f"{path}: {what}: {value!r:.200}")

    need(value is not None, "null instead of absent")
    kind, facts = shape.type_name, shape.metadata
    if kind == "structure":
        need(isinstance(value, dict), "no object")
        names = {
            member.serialization.get("name", name): member
            for name, member in shape.members.items()
            if "location" not in member.serialization
        }
        need(value.keys() <= names.keys(), f"unknown members {sorted(value.keys() - names.keys())}")
        wire = {
            shape.members[name].serialization.get("name", name) for name in shape.required_members
        }
        missing = (wire | set(WHOLE.get(shape.name, []))) - value.keys()
        need(not missing, f"without {sorted(missing)}")
        for name, inner in value.items():
            check(names[name], inner, f"{path}.{name}")
    elif kind == "list":
        need(isinstance(value, list), "no list")
        for index, inner in enumerate(value):
            check(shape.member, inner, f"{path}[{index}]")
    elif kind == "map":
        need(isinstance(value, dict), "no map")
        for key, inner in value.items():
            check(shape.value, inner, f"{path}[{key!r}]")
    elif kind == "string":
        need(isinstance(value, str), "no text")
        need(not getattr(shape, "enum", None) or value in shape.enum, f"none of {shape.enum}")
        need(
            facts.get("min", 0) <= len(value) <= facts.get("max", len(value)),
            f"length not within {facts}",
        )
        need(
            not facts.get("pattern") or re.search(facts["pattern"], value),
            f"not like {facts.get('pattern')}",
        )
    elif kind == "timestamp":
        need(
            isinstance(value, str)
            and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value),
            "not ISO 8601",
        )
        datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    elif kind == "boolean":
        need(isinstance(value, bool), "no boolean")
    elif kind == "blob":
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError, TypeError):
            need(False, "not Base64")
    elif kind in NUMBERS:
        need(isinstance(value, NUMBERS[kind]) and not isinstance(value, bool), f"no {kind}")
        need(kind != "double" or isinstance(value, float), "a double is written with a fraction")
    else:
        need(False, f"a shape of type {kind}")


class Witness:
    """Checks every response of a boto3 client before its caller gets it."""

    def __init__(self, client):
        self.succeeded, self.failed = set(), set()
        client.meta.events.register("after-call.kafka", self.see)

    def see(self, http_response, parsed, model, **_):
        status, content = http_response.status_code, http_response.content
        headers = {name.lower(): value for name, value in http_response.headers.items()}
        if not headers.get("x-amzn-requestid"):
            raise Broken(f"{model.name}: no x-amzn-RequestId")
        if status >= 300:
            self.failed.add(model.name)
            self.see_error(model, status, headers.get("x-amzn-errortype"), json.loads(content))
            return
        self.succeeded.add(model.name)
        expected = model.http.get("responseCode", 200)
        if status != expected:
            raise Broken(f"{model.name}: status {status}, the model has {expected}")
        if model.output_shape is None or not model.output_shape.members:
            if content:
                raise Broken(f"{model.name}: a body where there is none: {content[:200]}")
        else:
            check(model.output_shape, json.loads(content), model.name)

    @staticmethod
    def see_error(model, status, name, body):
        declared = {shape.name: shape for shape in model.error_shapes}
        # Signatures are checked before the operation is known.
        if name not in declared and name != "UnauthorizedException":
            raise Broken(f"{model.name}: {name} is none of its errors {sorted(declared)}: {body}")
        if name in declared and declared[name].metadata["error"]["httpStatusCode"] != status:
            raise Broken(f"{model.name}: {name} with status {status}")
        if not body.keys() <= {"message", "invalidParameter"} or not body.get("message"):
            raise Broken(f"{model.name}: the body of an error: {body}")


def operations():
    """The operations of the model: name -> model."""
    model = botocore.session.get_session().get_service_model("kafka")
    return {name: model.operation_model(name) for name in model.operation_names}


def listed():
    """MSK's operations in the documentation, which is generated: name -> method, path, and whether
    it is offered, finds none, or is refused by name."""
    rows = re.findall(
        r"^\| (\w+) \| `(\w+) (\S+)` \| (offered|finds none|refused by name) \|$",
        PAGE.read_text(),
        re.M,
    )
    return {name: (method, re.sub(r"\{\w+\}", "{}", path), offered)
            for name, method, path, offered in rows if not path.startswith("/milena/")}


ARN = "arn:aws:kafka:us-east-1:000000000000:cluster/none/00000000-0000-4000-8000-000000000000-1"


def example(shape, name=""):
    """The least input of a shape: required members only."""
    kind = shape.type_name
    if kind == "structure":
        return {member: example(shape.members[member], member) for member in shape.required_members}
    if kind == "list":
        return [example(shape.member)]
    if kind == "map":
        return {"key": example(shape.value)}
    if kind == "string":
        if "arn" in name.lower():
            return ARN
        return (
            shape.enum[0]
            if getattr(shape, "enum", None)
            else "x" * max(8, shape.metadata.get("min", 0))
        )
    if kind in NUMBERS:
        return max(1, int(shape.metadata.get("min", 1)))
    return {"boolean": True, "blob": b"x", "timestamp": "2026-01-01T00:00:00Z"}[kind]


def wrong_bodies(shape, path="", seen=frozenset()):
    """For every member of a request's body, its path and a body in which it alone is of a wrong
    type."""
    if shape.type_name == "list":
        for inner, body in wrong_bodies(shape.member, f"{path}[0]", seen):
            yield inner, [body]
    elif shape.type_name == "structure" and shape.name not in seen:
        for name, member in shape.members.items():
            if "location" in member.serialization:
                continue
            wire = member.serialization.get("name", name)
            inner = f"{path}.{wire}".lstrip(".")
            yield inner, {wire: 5 if member.type_name in ("string", "blob") else "wrong"}
            for deeper, body in wrong_bodies(member, inner, seen | {shape.name}):
                yield deeper, {wire: body}


def passed_over(client, operation):
    """The members of an operation's body that may be anything: those are not looked at."""
    found = []
    uri = re.sub(r"\{\w+\}", urllib.request.quote(ARN, safe=""), operation.http["requestUri"])
    for path, body in wrong_bodies(operation.input_shape):
        request = AWSRequest(
            method=operation.http["method"],
            url=client.meta.endpoint_url + uri,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        credentials = client._get_credentials()
        SigV4Auth(credentials, "kafka", client.meta.region_name).add_auth(request)
        sent = urllib.request.Request(
            request.url, request.data, dict(request.headers), method=request.method
        )
        try:
            urllib.request.urlopen(sent, timeout=10)
            found.append(path)
        except urllib.error.HTTPError as error:
            said = json.loads(error.read())
            # What is refused as a whole need not be looked into.
            named = said.get("invalidParameter", "")
            if error.code != 400 or not named or not path.startswith(named):
                found.append(f"{path}: {error.code} {said}")
    return found
