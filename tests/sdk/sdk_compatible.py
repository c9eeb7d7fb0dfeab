"""OpenAI's SDK and LangChain at Keyway's one base URL for every provider, http://ADDR/v1."""
import asyncio
import json
import os

import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel
from simulator import ARGUMENTS, KEY, SCHEMA, check, control, raises, root, same, script, tokens, user

MODELS = ["openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5", "google/gemini-3.8-flash", "mistral/mistral-small-latest"]
# Models that reason, and how much they are asked to: what their providers sign must come back.
REASONING = {
    "openai/gpt-5.4-pro": {"reasoning_effort": "high"},
    "anthropic/claude-opus-4-6": {"extra_body": {"keyway": {"reasoning_budget_tokens": 1024}}, "max_tokens": 4096},
    "google/gemini-3.8-flash": {"reasoning_effort": "high"},
    "mistral/mistral-small-latest": {"reasoning_effort": "high"},
}
VECTORS = {"openai/text-embedding-3-small": 1536, "google/gemini-embedding-001": 3072, "mistral/mistral-embed": 1024}
TOOLS = [{"type": "function", "function": {"name": name, "description": "Weather.", "parameters": SCHEMA}} for name in ("weather", "forecast")]
PIXEL = "data:image/png;base64,iVBORw0KGgo="
SOURCE = os.environ.get("KEYWAY_EXPECT_SOURCE", "hosted")


class Place(BaseModel):
    city: str
    days: int


def client(key=KEY, **more):
    return openai.OpenAI(api_key=key, base_url=f"{root()}/v1", **more)


def ask(model, text="hello", **more):
    return client().chat.completions.create(model=model, messages=user(text), **more)


@check
def compatible_chats_whole_and_streamed_on_every_provider():
    for model in MODELS:
        reply = client().chat.completions.with_raw_response.create(model=model, messages=user("hello"))
        same(reply.headers["keyway-source"], SOURCE, "source")
        same(len(reply.headers["keyway-call-id"]), 36, "call id")
        reply = reply.parse()
        same(reply.choices[0].message.content, "You said: hello", model)
        same(reply.choices[0].finish_reason, "stop", model)
        same(reply.usage.completion_tokens, tokens("You said: hello"), f"{model}, output")
        same(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens, f"{model}, total")
        attempt = reply.keyway["receipt"]["attempts"][0]
        same(attempt["source"], f"SOURCE_{SOURCE.upper()}", "source")
        for options in ({"include_usage": True}, None):
            extra = {"stream_options": options} if options else {}
            chunks = list(ask(model, stream=True, **extra))
            same("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), "You said: hello", f"{model}, streamed")
            usages = [c.usage for c in chunks if c.usage]
            same(usages, [reply.usage] if options else [], f"{model}, usage")
            same(len(chunks[-1].choices), 0 if options else 1, f"{model}, last chunk")


@check
def compatible_serves_asynchronous_clients_and_the_stream_helper():
    async def all_of_them():
        async with openai.AsyncOpenAI(api_key=KEY, base_url=f"{root()}/v1") as api:
            for model in MODELS:
                reply = await api.chat.completions.create(model=model, messages=user("hello"))
                same(reply.choices[0].message.content, "You said: hello", model)
                async with api.chat.completions.stream(model=model, messages=user("hello")) as stream:
                    async for _event in stream:
                        pass
                    final = await stream.get_final_completion()
                same(final.choices[0].message.content, "You said: hello", f"{model}, stream helper")

    asyncio.run(all_of_them())


@check
def compatible_gives_back_what_reasoning_providers_demand():
    for model, more in REASONING.items():
        for stream in (False, True):
            messages = user("[sim:tools]")
            for _turn in range(2):
                if stream:
                    with client().chat.completions.stream(model=model, messages=messages, tools=TOOLS, **more) as events:
                        for _event in events:
                            pass
                        message = events.get_final_completion().choices[0].message
                else:
                    message = client().chat.completions.create(model=model, messages=messages, tools=TOOLS, **more).choices[0].message
                calls = message.tool_calls
                same([(c.function.name, json.loads(c.function.arguments)) for c in calls], [("weather", ARGUMENTS), ("forecast", ARGUMENTS)], model)
                # As most applications do: only what OpenAI's own shape has.
                own = [{"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}} for c in calls]
                messages.append({"role": "assistant", "content": message.content, "tool_calls": own})
                messages += [{"role": "tool", "tool_call_id": c.id, "content": "sunny"} for c in calls]
                reply = client().chat.completions.create(model=model, messages=messages, tools=TOOLS, **more)
                assert "sunny" in reply.choices[0].message.content, reply
                messages += [{"role": "assistant", "content": reply.choices[0].message.content}, *user("[sim:tools]")]
    broken = [*user("[sim:tool]"), {"role": "assistant", "tool_calls": [{**own[0], "id": "kwtc1_AAAA"}]}, {"role": "tool", "tool_call_id": "kwtc1_AAAA", "content": "x"}]
    error = raises(openai.BadRequestError, lambda: client().chat.completions.create(model=MODELS[2], messages=broken, tools=TOOLS))
    same(error.param, "messages[1].tool_calls[0].id", "place")


@check
def compatible_parses_structured_output_and_sees_images():
    picture = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    for model in MODELS:
        reply = client().chat.completions.parse(model=model, messages=user("hello"), response_format=Place)
        same(reply.choices[0].message.parsed, Place(city="sample", days=1), f"{model}, parsed")
        reply = client().chat.completions.create(model=model, messages=[{"role": "user", "content": picture}])
        same(reply.choices[0].message.content, "You said: What is this?", f"{model}, image")


@check
def compatible_embeds_and_lists():
    for model, length in VECTORS.items():
        whole = client().embeddings.create(model=model, input=["a", "b"])
        same([len(v.embedding) for v in whole.data], [length, length], model)
        floats = client().embeddings.create(model=model, input=["a", "b"], encoding_format="float")
        for base64, plain in zip(whole.data, floats.data):
            assert max(abs(a - b) for a, b in zip(base64.embedding, plain.embedding)) < 1e-6, model
        same(whole.usage, floats.usage, f"{model}, usage (None where the provider says nothing)")
    names = [model.id for model in client().models.list()]
    assert set(MODELS) <= set(names), names
    same(client().models.retrieve(MODELS[0]).id, MODELS[0], "one model")


@check
def compatible_refuses_in_the_classes_of_the_sdk():
    raises(openai.AuthenticationError, lambda: client("kwc_nobody").models.list())
    same(raises(openai.BadRequestError, lambda: ask(MODELS[1], n=2)).param, "n", "field")
    same(raises(openai.BadRequestError, lambda: ask(MODELS[1], logprobs=True)).param, "logprobs", "field")
    same(raises(openai.BadRequestError, lambda: ask(MODELS[1], seed=7)).param, "seed", "field")
    same(raises(openai.NotFoundError, lambda: ask("a-model-that-no-list-names")).code, "MODEL_UNKNOWN", "code")
    raises(openai.NotFoundError, lambda: client().files.list())
    for model in MODELS[2:]:  # the others are tried at their own base URLs
        first = control("state")["last"]
        script({"status": 503, "body": "{}"}, provider=model.split("/")[0], times=50)
        raises(openai.InternalServerError, lambda model=model: ask(model))
        same(control("state")["last"] - first, 4, f"{model}: attempts in all, SDK and Keyway together")
        control("reset", {})
    error = raises(openai.APIError, lambda: list_cut(MODELS[1]))
    same(error.code, "STREAM_TRUNCATED", "code")


def list_cut(model):
    script({"cut_after_chunks": 5}, stream=True)
    return list(ask(model, stream=True))


@check
def compatible_serves_langchain():
    for model in MODELS:
        chat = ChatOpenAI(model=model, api_key=KEY, base_url=f"{root()}/v1")
        reply = chat.invoke("hello")
        same(reply.text, "You said: hello", model)
        same(reply.usage_metadata["output_tokens"], 4, f"{model}, usage")
        same("".join(chunk.text for chunk in chat.stream("hello")), "You said: hello", f"{model}, streamed")
        bound = chat.bind_tools(TOOLS)
        turns = [HumanMessage("[sim:tools]")]
        turns.append(bound.invoke(turns))
        turns += [ToolMessage("sunny", tool_call_id=call["id"]) for call in turns[-1].tool_calls]
        same(len(turns), 4, f"{model}, calls")
        assert "sunny" in bound.invoke(turns).text, model
        same(chat.with_structured_output(Place, method="json_schema").invoke("hello"), Place(city="sample", days=1), f"{model}, structured")
    for model, length in VECTORS.items():
        embeddings = OpenAIEmbeddings(model=model, api_key=KEY, base_url=f"{root()}/v1", check_embedding_ctx_length=False)
        same(len(embeddings.embed_query("hello")), length, model)
