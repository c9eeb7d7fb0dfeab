"""Mistral's SDK."""
import json

from mistralai.client import Mistral, errors
from simulator import ARGUMENTS, KEY, SCHEMA, check, raises, root, same, script, settings, tokens, user

SMALL = "mistral-small-latest"
TOOLS = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in ("weather", "forecast")]


def mistral_client(key=KEY):
    return Mistral(api_key=key, server_url=f"{root()}/mistral", **settings(timeout_ms=20_000))


def complete(messages, key=KEY, **more):
    return mistral_client(key).chat.complete(**{"model": SMALL, "messages": messages, **more})


def streamed(messages, **more):
    with mistral_client().chat.stream(model=SMALL, messages=messages, **more) as stream:
        return [event.data for event in stream]


@check
def mistral_chat():
    reply = complete(user("hello"), temperature=0.2, random_seed=7)
    same((reply.choices[0].message.content, reply.choices[0].finish_reason), ("You said: hello", "stop"), "text")
    same((reply.usage.prompt_tokens, reply.usage.completion_tokens), (3 + tokens("hello"), tokens("You said: hello")), "usage")


@check
def mistral_stream_is_the_unary_answer():
    whole = complete(user("Ça va — 你好 👋?"))
    chunks = streamed(user("Ça va — 你好 👋?"))
    same("".join(chunk.choices[0].delta.content for chunk in chunks), whole.choices[0].message.content, "text")
    same(chunks[-1].usage, whole.usage, "usage on the last chunk")
    same(chunks[-1].choices[0].finish_reason, "stop", "finish")
    script({"piece_bytes": 7}, provider="mistral")
    same("".join(chunk.choices[0].delta.content for chunk in streamed(user("你好 👋"))), "You said: 你好 👋", "cut text")


@check
def mistral_reasoning():
    reply = complete(user("hello"), reasoning_effort="high")
    same([chunk.type for chunk in reply.choices[0].message.content], ["thinking", "text"], "chunks")
    same(reply.usage.completion_tokens, 256 + 4, "output includes reasoning")
    thoughts = [chunk for data in streamed(user("hello"), reasoning_effort="high") for chunk in data.choices[0].delta.content if not isinstance(data.choices[0].delta.content, str)]
    same("".join(t.text for thought in thoughts for t in thought.thinking), reply.choices[0].message.content[0].thinking[0].text, "thought")


@check
def mistral_calls_and_the_way_back():
    reply = complete(user("[sim:tools]"), tools=TOOLS)
    message = reply.choices[0].message
    same([(c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls], [("weather", ARGUMENTS), ("forecast", ARGUMENTS)], "calls")
    last = streamed(user("[sim:tools]"), tools=TOOLS)[-1].choices[0]
    same([c.function.arguments for c in last.delta.tool_calls], [c.function.arguments for c in message.tool_calls], "streamed calls")
    answered = user("[sim:tools]") + [message]
    answered += [{"role": "tool", "tool_call_id": c.id, "name": c.function.name, "content": "18 C"} for c in message.tool_calls]
    same(complete(answered, tools=TOOLS).choices[0].message.content, "The tool said: 18 C", "text after the results")
    raises(errors.SDKError, lambda: complete(answered[:-1], tools=TOOLS))


@check
def mistral_schema_limit_and_scripted_usage():
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    same(json.loads(complete(user("hello"), response_format=wanted).choices[0].message.content), ARGUMENTS, "value")
    cut = complete(user("hello"), max_tokens=2).choices[0]
    same((cut.message.content, cut.finish_reason), ("You said", "length"), "limit")
    script({"usage": {"input": 53, "cache_read": 960, "output": 30}}, provider="mistral")
    usage = complete(user("hello")).usage
    same((usage.prompt_tokens, usage.completion_tokens), (1013, 30), "usage")


@check
def mistral_embeddings_and_models():
    create = mistral_client().embeddings.create
    reply = create(model="mistral-embed", inputs=["hello", "other"])
    same(([len(row.embedding) for row in reply.data], reply.usage.prompt_tokens), ([1024, 1024], 4), "vectors")
    reply = create(model="codestral-embed", inputs="x", output_dimension=8, output_dtype="int8")
    same(len(reply.data[0].embedding), 8, "asked dimensions")
    models = {model.id: model for model in mistral_client().models.list().data}
    assert models[SMALL].capabilities.completion_chat and not models["mistral-embed"].capabilities.completion_chat
    same(mistral_client().models.retrieve(model_id=SMALL).id, SMALL, "one model")
    same(raises(errors.SDKError, lambda: mistral_client().models.retrieve(model_id="nope")).status_code, 404, "no model")


@check
def mistral_errors():
    for key, status in (("bad-key-1", 401), ("quota-key-1", 429), ("ratelimited-key-1", 429), ("forbidden-key-1", 403)):
        same(raises(errors.SDKError, lambda key=key: complete(user("x"), key=key)).status_code, status, key)
    error = raises(errors.HTTPValidationError, lambda: complete(user("x"), temperature=1.6))
    same(list(error.data.detail[0].loc), ["body", "temperature"], "place")
    error = raises(errors.SDKError, lambda: complete(user("x"), model="mistral-nope"))
    assert error.status_code == 400 and "invalid_model" in error.body, error
    script({"fixture": "mistral/503.error"}, provider="mistral")
    same(raises(errors.SDKError, lambda: complete(user("x"))).status_code, 503, "unavailable")
