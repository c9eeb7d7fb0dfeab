"""What every check uses: the running simulator, its control, and the counting rule."""
import json
import os
import urllib.request

# At Keyway a call token stands where the key would, and Keyway where the provider would.
KEY = os.environ.get("KEYWAY_CALL_TOKEN", "sk-keyway-test-sdk-0001")
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
ARGUMENTS = {"city": "sample", "days": 1}
CHECKS = []
ADDRESS = []


def root():
    """What the SDKs' base URLs begin with, as http://ADDR."""
    return os.environ.get("KEYWAY_EDGE") or ADDRESS[0]


def settings(**plain):
    """Through Keyway the SDKs' own settings hold; at the simulator itself nothing is asked for twice."""
    return {} if os.environ.get("KEYWAY_EDGE") else plain


def check(function):
    CHECKS.append(function)
    return function


def same(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def raises(kind, call):
    try:
        call()
    except kind as error:
        same(type(error), kind, "exception class")
        return error
    raise AssertionError(f"no {kind.__name__}")


def tokens(text):
    return -(-len(text.encode()) // 4)


def control(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{ADDRESS[0]}/_sim/{path}", data=data), timeout=20) as reply:
        return json.load(reply)


def script(action, times=1, **match):
    control("script", {"match": match, "times": times, "action": action})


def user(text):
    return [{"role": "user", "content": text}]
