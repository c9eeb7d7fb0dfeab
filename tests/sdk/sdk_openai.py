"""OpenAI's SDK: chat completions, embeddings, models."""
import json

import openai
from simulator import ARGUMENTS, KEY, SCHEMA, check, raises, root, same, script, settings, tokens, user

CHAT = "gpt-4.1-mini"

def openai_client(key=KEY):
    return openai.OpenAI(api_key=key, base_url=f"{root()}/openai/v1", **settings(max_retries=0, timeout=20))


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
    same(openai_client().models.retrieve(CHAT).id, CHAT, "one model")
    raises(openai.NotFoundError, lambda: openai_client().models.retrieve("gpt-nope"))


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
