"""What every check uses: the running simulator, its control, and the counting rule."""
import json
import urllib.request

KEY = "sk-keyway-test-sdk-0001"
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
    """The simulator's base, as http://ADDR."""
    return ADDRESS[0]


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
    with urllib.request.urlopen(urllib.request.Request(f"{root()}/_sim/{path}", data=data), timeout=20) as reply:
        return json.load(reply)


def script(action, times=1, **match):
    control("script", {"match": match, "times": times, "action": action})


def user(text):
    return [{"role": "user", "content": text}]
