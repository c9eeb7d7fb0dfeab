#!/usr/bin/env python3
"""Reads the simulator's replies with the providers' own SDKs.

    KEYWAY_SIM_BIN=target/debug/provider-sim python3 tests/sdk/check_sdks.py
    KEYWAY_SIM=127.0.0.1:7129 python3 tests/sdk/check_sdks.py

With KEYWAY_SIM_BIN it starts that program on a free port and stops it; with KEYWAY_SIM it uses one
that runs (with a token factor of 1), and leaves it without rules. Exit code 0: all checks passed.

Every reply goes through the SDK's own HTTP, framing, types and errors; what it saw is compared with
the counting rule (a token for every four bytes begun, three more for a message).
"""
import json
import os
import subprocess
import sys
import traceback
import urllib.request

import anthropic
import openai
from exa_py import Exa

KEY = "sk-keyway-test-sdk-0001"
CHAT = "gpt-4.1-mini"
CLAUDE = "claude-haiku-5-5"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
ARGUMENTS = {"city": "sample", "days": 1}
CHECKS = []
ROOT = ""


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
    with urllib.request.urlopen(urllib.request.Request(f"{ROOT}/_sim/{path}", data=data), timeout=20) as reply:
        return json.load(reply)


def script(action, times=1, **match):
    control("script", {"match": match, "times": times, "action": action})


def openai_client(key=KEY):
    return openai.OpenAI(api_key=key, base_url=f"{ROOT}/openai/v1", max_retries=0, timeout=20)


def claude_client(key=KEY):
    return anthropic.Anthropic(api_key=key, base_url=f"{ROOT}/anthropic", max_retries=0, timeout=20)


def exa_client(key=KEY):
    return Exa(api_key=key, base_url=f"{ROOT}/exa")


def user(text):
    return [{"role": "user", "content": text}]


# ---------------------------------------------------------------- OpenAI
@check
def openai_chat():
    reply = openai_client().chat.completions.create(model=CHAT, messages=user("hello"), temperature=0.2)
    same(reply.choices[0].message.content, "You said: hello", "text")
    same(reply.choices[0].finish_reason, "stop", "finish")
    same(reply.model, "gpt-4.1-mini-2025-04-14", "served model")
    same(reply.usage.prompt_tokens, 3 + tokens("hello"), "input")
    same(reply.usage.completion_tokens, tokens("You said: hello"), "output")
    same(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens, "total")


@check
def openai_stream_is_the_unary_answer():
    from openai.lib.streaming.chat import ChatCompletionStreamState

    messages = user("Ça va — 你好 👋?")
    whole = openai_client().chat.completions.create(model=CHAT, messages=messages)
    for options in ({"include_usage": True}, None):
        state, usage, text = ChatCompletionStreamState(), None, ""
        extra = {"stream_options": options} if options else {}
        for chunk in openai_client().chat.completions.create(model=CHAT, messages=messages, stream=True, **extra):
            state.handle_chunk(chunk)
            usage = chunk.usage or usage
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
        same(text, whole.choices[0].message.content, "text")
        same(state.current_completion_snapshot.choices[0].message.content, text, "the SDK's own accumulation")
        same(usage, whole.usage if options else None, "usage")


@check
def openai_pieces_cut_through_characters_are_the_same_stream():
    script({"piece_bytes": 7}, provider="openai")
    stream = openai_client().chat.completions.create(model=CHAT, messages=user("你好 👋"), stream=True)
    same("".join(c.choices[0].delta.content or "" for c in stream if c.choices), "You said: 你好 👋", "text")


@check
def openai_tool_calls():
    tools = [{"type": "function", "function": {"name": name, "parameters": SCHEMA, "strict": True}} for name in ("weather", "forecast")]
    ask = dict(model=CHAT, messages=user("[sim:tools]"), tools=tools)
    message = openai_client().chat.completions.create(**ask).choices[0]
    same(message.finish_reason, "tool_calls", "finish")
    calls = message.message.tool_calls
    same([(c.function.name, json.loads(c.function.arguments)) for c in calls], [("weather", ARGUMENTS), ("forecast", ARGUMENTS)], "calls")
    streamed = {}
    for chunk in openai_client().chat.completions.create(stream=True, **ask):
        for call in chunk.choices[0].delta.tool_calls or []:
            name, text = streamed.get(call.index, (None, ""))
            streamed[call.index] = (call.function.name or name, text + (call.function.arguments or ""))
    same(list(streamed.values()), [(c.function.name, c.function.arguments) for c in calls], "streamed calls")
    answered = ask["messages"] + [message.message.model_dump(exclude_none=True, include={"role", "tool_calls"})]
    answered += [{"role": "tool", "tool_call_id": c.id, "content": "18 C"} for c in calls]
    reply = openai_client().chat.completions.create(model=CHAT, messages=answered, tools=tools)
    same(reply.choices[0].message.content, "The tool said: 18 C", "text after the results")
    lone = answered[:-1]
    raises(openai.BadRequestError, lambda: openai_client().chat.completions.create(model=CHAT, messages=lone, tools=tools))


@check
def openai_schema_refusal_reasoning_and_limit():
    create = openai_client().chat.completions.create
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    reply = create(model=CHAT, messages=user("hello"), response_format=wanted)
    same(json.loads(reply.choices[0].message.content), ARGUMENTS, "value")
    reply = create(model=CHAT, messages=user("[sim:refuse]"))
    same((reply.choices[0].message.content, reply.choices[0].finish_reason), (None, "stop"), "refusal")
    assert reply.choices[0].message.refusal
    reply = create(model="gpt-5.4-mini", messages=user("hello"), reasoning_effort="low")
    same(reply.usage.completion_tokens_details.reasoning_tokens, 64, "reasoning")
    same(reply.usage.completion_tokens, 64 + 4, "output includes reasoning")
    reply = create(model=CHAT, messages=user("hello"), max_completion_tokens=2)
    same((reply.choices[0].message.content, reply.choices[0].finish_reason), ("You said", "length"), "limit")


@check
def openai_scripted_usage():
    script({"usage": {"input": 48, "cache_read": 3072, "cache_write": 1280, "output": 12}}, model="gpt-5.6-luna")
    usage = openai_client().chat.completions.create(model="gpt-5.6-luna", messages=user("hello")).usage
    details = usage.prompt_tokens_details
    same((usage.prompt_tokens, details.cached_tokens, details.cache_write_tokens, usage.completion_tokens), (4400, 3072, 1280, 12), "usage")


@check
def openai_embeddings():
    create = openai_client().embeddings.create
    packed = create(model="text-embedding-3-small", input=["hello", "other"])
    plain = create(model="text-embedding-3-small", input=["hello", "other"], encoding_format="float")
    same(len(packed.data[0].embedding), 1536, "dimensions")
    same([list(map(float, row.embedding)) for row in packed.data], [row.embedding for row in plain.data], "base64 against floats")
    same((plain.usage.prompt_tokens, plain.usage.total_tokens), (4, 4), "usage")
    same(len(create(model="text-embedding-3-large", input="x", dimensions=256).data[0].embedding), 256, "asked dimensions")
    raises(openai.BadRequestError, lambda: create(model="text-embedding-3-small", input=""))


@check
def openai_models():
    ids = [model.id for model in openai_client().models.list()]
    assert CHAT in ids and "text-embedding-3-small" in ids, ids


@check
def openai_errors():
    create = openai_client().chat.completions.create
    error = raises(openai.AuthenticationError, lambda: openai_client("bad-key-0123456789").models.list())
    same(error.code, "invalid_api_key", "code")
    assert "bad-key***6789" in error.message, error.message
    error = raises(openai.RateLimitError, lambda: openai_client("quota-key-1").chat.completions.create(model=CHAT, messages=user("x")))
    same(error.code, "insufficient_quota", "code")
    raises(openai.PermissionDeniedError, lambda: openai_client("forbidden-key-1").models.list())
    error = raises(openai.NotFoundError, lambda: create(model="gpt-nope", messages=user("x")))
    same(error.code, "model_not_found", "code")
    error = raises(openai.BadRequestError, lambda: create(model="gpt-5.4-mini", messages=user("x"), max_tokens=5))
    same((error.param, error.code), ("max_tokens", "unsupported_parameter"), "param, code")
    error = raises(openai.BadRequestError, lambda: create(model=CHAT, messages=user("x"), extra_body={"top_k": 5}))
    same(error.code, "unknown_parameter", "code")
    script({"fixture": "openai/503_overloaded.error"}, provider="openai")
    raises(openai.InternalServerError, lambda: create(model=CHAT, messages=user("x")))
    script({"cut_after_bytes": 0}, provider="openai")
    raises(openai.APIConnectionError, lambda: create(model=CHAT, messages=user("x")))
    script({"error_after_chunks": 2}, provider="openai")
    error = raises(openai.APIError, lambda: list(create(model=CHAT, messages=user("x"), stream=True)))
    same(error.type, "server_error", "type")


# ---------------------------------------------------------------- Anthropic
@check
def anthropic_message():
    reply = claude_client().messages.create(model=CLAUDE, max_tokens=100, system="Terse.", messages=user("hello"))
    same([(b.type, b.text) for b in reply.content], [("text", "You said: hello")], "content")
    same(reply.stop_reason, "end_turn", "stop reason")
    same(reply.usage.input_tokens, 3 + tokens("Terse.") + 3 + tokens("hello"), "input")
    same(reply.usage.output_tokens, tokens("You said: hello"), "output")


@check
def anthropic_stream_is_the_unary_answer():
    ask = dict(model=CLAUDE, max_tokens=200, messages=user("Ça va — 你好 👋?"), thinking={"type": "adaptive"})
    whole = claude_client().messages.create(**ask)
    same([b.type for b in whole.content], ["thinking", "text"], "blocks")
    same(whole.usage.output_tokens_details.thinking_tokens, 40, "thinking")
    with claude_client().messages.stream(**ask) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    same(text, whole.content[1].text, "text")
    same([b.model_dump(exclude_none=True) for b in final.content], [b.model_dump(exclude_none=True) for b in whole.content], "blocks")
    same((final.stop_reason, final.usage.input_tokens, final.usage.output_tokens), (whole.stop_reason, whole.usage.input_tokens, whole.usage.output_tokens), "end")


@check
def anthropic_tool_use():
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    ask = dict(model=CLAUDE, max_tokens=200, messages=user("weather?"), tools=tools, tool_choice={"type": "auto"})
    whole = claude_client().messages.create(**ask)
    same((whole.stop_reason, whole.content[0].name, whole.content[0].input), ("tool_use", "weather", ARGUMENTS), "call")
    with claude_client().messages.stream(**ask) as stream:
        same(stream.get_final_message().content[0].input, ARGUMENTS, "streamed input")
    call = {"type": "tool_use", "id": whole.content[0].id, "name": "weather", "input": ARGUMENTS}
    result = {"type": "tool_result", "tool_use_id": whole.content[0].id, "content": "18 C"}
    turns = ask["messages"] + [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    reply = claude_client().messages.create(model=CLAUDE, max_tokens=200, messages=turns, tools=tools)
    same(reply.content[0].text, "The tool said: 18 C", "text after the result")


@check
def anthropic_cache_schema_refusal_and_counting():
    create = claude_client().messages.create
    marked = [{"type": "text", "text": "12345678", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    usage = create(model=CLAUDE, max_tokens=100, system=marked, messages=user("hello")).usage
    same((usage.cache_creation_input_tokens, usage.cache_creation.ephemeral_1h_input_tokens), (2, 2), "written")
    reply = create(model=CLAUDE, max_tokens=100, messages=user("x"), output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
    same(json.loads(reply.content[0].text), ARGUMENTS, "value")
    reply = create(model=CLAUDE, max_tokens=100, messages=user("[sim:refuse]"))
    same((reply.content, reply.stop_reason), ([], "refusal"), "refusal")
    reply = create(model=CLAUDE, max_tokens=2, messages=user("hello"))
    same(reply.stop_reason, "max_tokens", "limit")
    same(claude_client().messages.count_tokens(model=CLAUDE, messages=user("hello")).input_tokens, 5, "count")
    same([m.id for m in claude_client().models.list(limit=2).data], ["claude-fable-5", "claude-fable-5-1"], "models")


@check
def anthropic_errors():
    create = claude_client().messages.create
    hello = dict(model=CLAUDE, max_tokens=100, messages=user("x"))
    raises(anthropic.AuthenticationError, lambda: claude_client("bad-key-0123456789").messages.create(**hello))
    quota = claude_client("quota-key-1").messages
    error = raises(anthropic.PaymentRequiredError, lambda: quota.create(**hello))
    same(error.status_code, 402, "status")
    raises(anthropic.RateLimitError, lambda: claude_client("ratelimited-key-1").messages.create(**hello))
    raises(anthropic.PermissionDeniedError, lambda: claude_client("forbidden-key-1").messages.create(**hello))
    raises(anthropic.NotFoundError, lambda: create(**{**hello, "model": "claude-nope"}))
    error = raises(anthropic.BadRequestError, lambda: create(**hello, extra_body={"temperature": 1}))
    assert "temperature: Extra inputs" in str(error), error
    raises(anthropic.BadRequestError, lambda: create(**hello, extra_headers={"anthropic-version": "2024-01-01"}))
    script({"error_after_chunks": 3}, provider="anthropic")
    try:
        list(create(**hello, stream=True))
    except anthropic.APIError as error:
        assert "overloaded" in str(error).lower(), error
    else:
        raise AssertionError("no error from a broken stream")


# ---------------------------------------------------------------- Exa
@check
def exa_search():
    reply = exa_client().search("rust", num_results=12, contents={"summary": True})
    same(len(reply.results), 12, "results")
    assert reply.results[0].url == "https://example.com/p1" and reply.results[0].summary, reply.results[0]
    same(reply.cost_dollars.total, 0.021, "cost: 7 + 2 extra results + 12 summaries, in thousandths")
    same(exa_client().search("rust", type="lite", contents=False).cost_dollars.total, 0.004, "cost")
    same(exa_client().search("[sim:empty]").results, [], "no results")


@check
def exa_contents_and_answer():
    reply = exa_client().get_contents(["https://a.example/1", "https://a.example/gone"], text=True)
    same([page.url for page in reply.results], ["https://a.example/1"], "pages")
    same([status.status for status in reply.statuses], ["success", "error"], "statuses")
    same(reply.cost_dollars.total, 0.001, "cost")
    whole = exa_client().answer("why?")
    same(whole.answer, "You asked: why?", "answer")
    streamed = "".join(chunk.content or "" for chunk in exa_client().stream_answer("why?"))
    same(streamed, whole.answer, "streamed answer")


@check
def exa_errors():
    for key, status in (("bad-key-1", "401"), ("quota-key-1", "402"), ("ratelimited-key-1", "429")):
        error = raises(ValueError, lambda key=key: exa_client(key).search("x"))
        assert status in str(error), error
    error = raises(ValueError, lambda: exa_client().search("x", num_results=101))
    assert "400" in str(error) and "numResults" in str(error), error


# ---------------------------------------------------------------- the journal
@check
def the_journal_has_the_request_and_no_key():
    before = control("journal?after=999999999")["last"]
    openai_client().chat.completions.create(model=CHAT, messages=user("journal me"))
    entries = control(f"journal?after={before}&wait_ms=5000")["entries"]
    same(len(entries), 1, "entries")
    same(json.loads(entries[0]["body"])["messages"], user("journal me"), "body")
    same(entries[0]["credential"]["last4"], "0001", "last four")
    assert KEY not in json.dumps(entries), "the key is in the journal"
    same(entries[0]["reported"]["counts"]["input"], 3 + tokens("journal me"), "input")


def started():
    """The simulator's address, and the process if it is ours."""
    address = os.environ.get("KEYWAY_SIM")
    if address:
        return address, None
    binary = os.environ.get("KEYWAY_SIM_BIN")
    if not binary:
        sys.exit("set KEYWAY_SIM_BIN to the provider-sim program, or KEYWAY_SIM to the address of one that runs")
    args = [binary, "--listen", "127.0.0.1:0", "--parent-stdin"]
    child = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return child.stdout.readline().split()[-1], child


def main():
    global ROOT
    address, child = started()
    ROOT = f"http://{address}"
    failed = 0
    try:
        for function in CHECKS:
            control("reset", {})
            try:
                function()
                print(f"ok      {function.__name__}")
            except Exception:
                failed += 1
                print(f"FAILED  {function.__name__}")
                traceback.print_exc()
        control("reset", {})
    finally:
        if child:
            child.stdin.close()
            code = child.wait(timeout=20)
            if code != 0:
                failed += 1
                print(f"FAILED  the simulator ended with {code} when its standard input closed")
    print(f"{len(CHECKS) - min(failed, len(CHECKS))} passed, {failed} failed (openai {openai.__version__}, anthropic {anthropic.__version__})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
