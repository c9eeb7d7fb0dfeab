"""OpenAI's SDK: responses."""
import json

import openai
from sdk_openai import CHAT, openai_client
from simulator import ARGUMENTS, SCHEMA, check, raises, same, script, tokens

REASONER = "gpt-5.6-sol"
TOOLS = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": True} for name in ("weather", "forecast")]


@check
def openai_response():
    reply = openai_client().responses.create(model=CHAT, instructions="Terse.", input="hello", store=False)
    same((reply.output_text, reply.status), ("You said: hello", "completed"), "text")
    same(reply.usage.input_tokens, 3 + tokens("Terse.") + 3 + tokens("hello"), "input")
    same(reply.usage.output_tokens, tokens("You said: hello"), "output")


@check
def openai_streamed_response_is_the_unary_one():
    ask = dict(model=REASONER, input="Ça va — 你好 👋?", store=False, reasoning={"effort": "low", "summary": "auto"})
    whole = openai_client().responses.create(**ask)
    with openai_client().responses.stream(**ask) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    same(text, whole.output_text, "text")
    same((final.output_text, final.usage), (whole.output_text, whole.usage), "the SDK's own accumulation")
    same([item.type for item in final.output], ["reasoning", "message"], "items")
    same(final.output[0].summary[0].text, whole.output[0].summary[0].text, "summary")


@check
def openai_response_calls_and_the_way_back():
    ask = dict(model=REASONER, tools=TOOLS, store=False, reasoning={"effort": "low"}, include=["reasoning.encrypted_content"])
    items = [{"role": "user", "content": "[sim:tools]"}]
    reply = openai_client().responses.create(input=items, **ask)
    calls = [item for item in reply.output if item.type == "function_call"]
    same([(c.name, json.loads(c.arguments)) for c in calls], [("weather", ARGUMENTS), ("forecast", ARGUMENTS)], "calls")
    with openai_client().responses.stream(input=items, **ask) as stream:
        streamed = [item.arguments for item in stream.get_final_response().output if item.type == "function_call"]
    same(streamed, [c.arguments for c in calls], "streamed calls")
    output = [item.model_dump(exclude_none=True) for item in reply.output]
    results = [{"type": "function_call_output", "call_id": c.call_id, "output": "18 C"} for c in calls]
    after = openai_client().responses.create(input=items + output + results, **ask)
    same(after.output_text, "The tool said: 18 C", "text after the results")
    lone = items + output[1:] + results
    raises(openai.BadRequestError, lambda: openai_client().responses.create(input=lone, **ask))


@check
def openai_response_ends():
    create = openai_client().responses.create
    wanted = {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}}
    same(json.loads(create(model=CHAT, input="hello", text=wanted).output_text), ARGUMENTS, "value")
    cut = create(model=CHAT, input="hello", max_output_tokens=2)
    same((cut.status, cut.incomplete_details.reason, cut.output_text), ("incomplete", "max_output_tokens", "You said"), "limit")
    same(create(model=CHAT, input="[sim:refuse]").output[0].content[0].type, "refusal", "refusal")
    script({"finish": "failed"}, provider="openai")
    same(create(model=CHAT, input="x").error.code, "server_error", "failed")
    script({"error_after_chunks": 3}, provider="openai")
    last = list(create(model=CHAT, input="x", stream=True))[-1]
    same((last.type, last.code), ("error", "rate_limit_exceeded"), "error in a stream")
    error = raises(openai.BadRequestError, lambda: create(model=CHAT, input="x", extra_body={"stop": "x"}))
    same(error.code, "unknown_parameter", "code")
    error = raises(openai.BadRequestError, lambda: create(model=CHAT, input="x", reasoning={"effort": "low"}))
    same(error.param, "reasoning.effort", "param")
