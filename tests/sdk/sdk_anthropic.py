"""Anthropic's SDK."""
import json

import anthropic
from simulator import ARGUMENTS, KEY, SCHEMA, check, raises, root, same, script, settings, tokens, user

CLAUDE = "claude-haiku-5-5"

def claude_client(key=KEY):
    return anthropic.Anthropic(api_key=key, base_url=f"{root()}/anthropic", **settings(max_retries=0, timeout=20))


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
    models = claude_client().models
    same([m.id for m in models.list(limit=2).data], ["claude-fable-5", "claude-fable-5-1"], "models")
    names = [model.id for model in models.list(limit=3)]  # page after page
    assert CLAUDE in names and len(names) == len(set(names)) > 6, names
    same(models.retrieve(CLAUDE).id, CLAUDE, "one model")
    raises(anthropic.NotFoundError, lambda: models.retrieve("claude-nope"))


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
