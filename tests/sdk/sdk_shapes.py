"""Anthropic's SDK, OpenAI's responses and LangChain at Keyway's base URL for every provider."""
import asyncio
import json

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from pydantic import BaseModel
from sdk_compatible import MODELS, PIXEL, SOURCE, client
from simulator import ARGUMENTS, KEY, SCHEMA, check, control, raises, root, same, script, tokens, user

# Models that reason, and how much they are asked to in each shape.
THINKING = {
    "openai/gpt-5.4-pro": {"output_config": {"effort": "high"}, "max_tokens": 4096},
    "anthropic/claude-opus-4-6": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4096},
    "google/gemini-3.8-flash": {"output_config": {"effort": "high"}, "max_tokens": 4096},
    "mistral/mistral-small-latest": {"output_config": {"effort": "high"}, "max_tokens": 4096},
}
REASONING = {
    "openai/gpt-5.4-pro": {"reasoning": {"effort": "high"}},
    "anthropic/claude-opus-4-6": {"extra_body": {"keyway": {"reasoning_budget_tokens": 1024}}, "max_output_tokens": 4096},
    "google/gemini-3.8-flash": {"reasoning": {"effort": "high"}},
    "mistral/mistral-small-latest": {"reasoning": {"effort": "high"}},
}
TOOLS = [{"name": name, "description": "Weather.", "input_schema": SCHEMA} for name in ("weather", "forecast")]
FUNCTIONS = [{"type": "function", "name": tool["name"], "description": "Weather.", "parameters": SCHEMA} for tool in TOOLS]
CALLS = [("weather", ARGUMENTS), ("forecast", ARGUMENTS)]


class Place(BaseModel):
    city: str
    days: int


def claude(key=KEY, **more):
    return anthropic.Anthropic(api_key=key, base_url=root(), **more)


def ask(model, text="hello", **more):
    return claude().messages.create(**{"model": model, "max_tokens": 64, "messages": user(text), **more})


def respond(model, text="hello", **more):
    return client().responses.create(model=model, input=text, **more)


@check
def messages_whole_and_streamed_on_every_provider():
    for model in MODELS:
        reply = claude().messages.with_raw_response.create(model=model, max_tokens=64, messages=user("hello"))
        same(reply.headers["keyway-source"], SOURCE, "source")
        same(reply.parse().id, f"msg_{reply.headers['keyway-call-id']}", "id")
        whole = reply.parse()
        same([(block.type, block.text) for block in whole.content], [("text", "You said: hello")], model)
        same(whole.stop_reason, "end_turn", model)
        same(whole.usage.output_tokens, tokens("You said: hello"), f"{model}, output")
        with claude().messages.stream(model=model, max_tokens=64, messages=user("hello")) as stream:
            same("".join(stream.text_stream), "You said: hello", f"{model}, streamed")
            final = stream.get_final_message()
        same(final.content[0].text, whole.content[0].text, f"{model}, helper")
        same((final.usage.input_tokens, final.usage.output_tokens), (whole.usage.input_tokens, whole.usage.output_tokens), f"{model}, usage")
        kinds = [event.type for event in ask(model, stream=True)]
        same((kinds[0], kinds[-2:]), ("message_start", ["message_delta", "message_stop"]), f"{model}, events")


@check
def messages_give_back_what_reasoning_providers_demand():
    for model, more in THINKING.items():
        for stream in (False, True):
            turns = user("[sim:tools]")
            if stream:
                with claude().messages.stream(model=model, messages=turns, tools=TOOLS, **more) as events:
                    message = events.get_final_message()
            else:
                message = claude().messages.create(model=model, messages=turns, tools=TOOLS, **more)
            calls = [block for block in message.content if block.type == "tool_use"]
            same([(call.name, call.input) for call in calls], CALLS, model)
            turns.append({"role": "assistant", "content": message.content})
            turns.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]})
            reply = claude().messages.create(model=model, messages=turns, tools=TOOLS, **more)
            assert "sunny" in "".join(block.text for block in reply.content if block.type == "text"), reply


@check
def messages_see_images_follow_schemas_and_serve_asynchronous_clients():
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL.split(",")[1]}
    picture = [{"type": "text", "text": "What is this?"}, {"type": "image", "source": source}]
    schema = {"format": {"type": "json_schema", "schema": SCHEMA}}
    for model in MODELS:
        same(ask(model, messages=[{"role": "user", "content": picture}]).content[0].text, "You said: What is this?", f"{model}, image")
        reply = ask(model, output_config=schema, extra_body={"keyway": {"schema_name": "place"}})
        same(json.loads(reply.content[0].text), ARGUMENTS, f"{model}, schema")

    async def all_of_them():
        async with anthropic.AsyncAnthropic(api_key=KEY, base_url=root()) as api:
            for model in MODELS:
                async with api.messages.stream(model=model, max_tokens=64, messages=user("hello")) as stream:
                    same("".join([text async for text in stream.text_stream]), "You said: hello", model)

    asyncio.run(all_of_them())


@check
def messages_refuse_in_the_classes_of_the_sdk():
    raises(anthropic.AuthenticationError, lambda: claude("kwc_nobody").messages.create(model=MODELS[0], max_tokens=5, messages=user("x")))
    error = raises(anthropic.BadRequestError, lambda: ask(MODELS[0], extra_body={"top_k": 5}))
    assert "top_k" in error.message, error.message
    raises(anthropic.NotFoundError, lambda: ask("a-model-that-no-list-names"))
    error = raises(anthropic.NotFoundError, lambda: claude().messages.count_tokens(model=MODELS[0], messages=user("x")))
    assert "/anthropic/v1/messages/count_tokens" in error.message, error.message
    for model in MODELS[2:]:  # the others are tried at their own base URLs
        first = control("state")["last"]
        script({"status": 503, "body": "{}"}, provider=model.split("/")[0], times=50)
        raises(anthropic.ServiceUnavailableError, lambda model=model: ask(model))
        same(control("state")["last"] - first, 4, f"{model}: attempts in all, SDK and Keyway together")
        control("reset", {})
    script({"cut_after_chunks": 5}, stream=True)
    error = raises(anthropic.APIStatusError, lambda: list(ask(MODELS[1], stream=True)))
    assert "STREAM_TRUNCATED" in str(error.body), error.body


@check
def messages_outlive_clients_that_leave():
    for model in MODELS:
        with claude().messages.stream(model=model, max_tokens=64, messages=user("hello")) as stream:
            next(iter(stream))
    same(ask(MODELS[1]).content[0].text, "You said: hello", "the next call")


@check
def responses_whole_and_streamed_on_every_provider():
    for model in MODELS:
        reply = client().responses.with_raw_response.create(model=model, input="hello", instructions="Terse.")
        same(reply.headers["keyway-source"], SOURCE, "source")
        whole = reply.parse()
        same((whole.output_text, whole.status, whole.store), ("You said: hello", "completed", False), model)
        same(whole.usage.output_tokens, tokens("You said: hello"), f"{model}, output")
        same(whole.instructions, "Terse.", f"{model}, what was asked")
        with client().responses.stream(model=model, input="hello", instructions="Terse.") as stream:
            events = list(stream)
            final = stream.get_final_response()
        same([event.sequence_number for event in events], list(range(len(events))), f"{model}, numbers")
        same((events[0].type, events[-1].type), ("response.created", "response.completed"), f"{model}, events")
        same((final.output_text, final.usage), (whole.output_text, whole.usage), f"{model}, helper")


@check
def responses_give_back_what_reasoning_providers_demand():
    for model, more in REASONING.items():
        for stream in (False, True):
            items = user("[sim:tools]")
            if stream:
                with client().responses.stream(model=model, input=items, tools=FUNCTIONS, **more) as events:
                    for _event in events:
                        pass
                    reply = events.get_final_response()
            else:
                reply = client().responses.create(model=model, input=items, tools=FUNCTIONS, **more)
            calls = [item for item in reply.output if item.type == "function_call"]
            same([(call.name, json.loads(call.arguments)) for call in calls], CALLS, model)
            items += reply.output
            items += [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
            after = client().responses.create(model=model, input=items, tools=FUNCTIONS, **more)
            assert "sunny" in after.output_text, after


@check
def responses_parse_see_images_and_serve_asynchronous_clients():
    picture = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": PIXEL, "detail": "auto"}]
    for model in MODELS:
        same(client().responses.parse(model=model, input="hello", text_format=Place).output_parsed, Place(city="sample", days=1), f"{model}, parsed")
        same(respond(model, [{"role": "user", "content": picture}]).output_text, "You said: What is this?", f"{model}, image")

    async def all_of_them():
        async with openai.AsyncOpenAI(api_key=KEY, base_url=f"{root()}/v1") as api:
            for model in MODELS:
                async with api.responses.stream(model=model, input="hello") as stream:
                    async for _event in stream:
                        pass
                    same((await stream.get_final_response()).output_text, "You said: hello", model)

    asyncio.run(all_of_them())


@check
def responses_refuse_by_the_field():
    for more in ({"store": True}, {"background": True}, {"previous_response_id": "resp_1"}, {"conversation": "conv_1"}):
        error = raises(openai.BadRequestError, lambda more=more: respond(MODELS[1], **more))
        same((error.param, error.code), (next(iter(more)), "FIELD_UNSUPPORTED"), "field")
    error = raises(openai.BadRequestError, lambda: respond(MODELS[1], tools=[{"type": "web_search"}]))
    same(error.param, "tools[0].type", "field")
    error = raises(openai.NotFoundError, lambda: client().responses.retrieve("resp_1"))
    assert "nothing is stored" in error.message, error.message
    script({"cut_after_chunks": 5}, stream=True)
    same(raises(openai.APIError, lambda: list(respond(MODELS[1], stream=True))).code, "STREAM_TRUNCATED", "code")


@check
def messages_serve_langchain():
    for model in MODELS:
        chat = ChatAnthropic(model=model, api_key=KEY, base_url=root(), max_tokens=64)
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
