#!/usr/bin/env python3
"""Reads every request of the feature tables with the types of the provider's own SDK.

    python3 tests/sdk/check_features.py tests/e2e/features/cases

A request that was answered must be one that the SDK's own types accept, and that comes out of them as
it went in: a field that they do not know is lost on the way, and that is a fault. Exit code 0: all are.
"""
import json
import pathlib
import sys

from anthropic.types.message_create_params import MessageCreateParams
from exa_py import Exa
from exa_py.api import to_snake_case
from google.genai import types as google
from mistralai.client import models as mistral
from openai.types.chat.completion_create_params import CompletionCreateParams
from openai.types.embedding_create_params import EmbeddingCreateParams
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import TypeAdapter

ADAPTERS = {}


def plain(value):
    """Lists of what pydantic reads lazily."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, (str, bytes, int, float, type(None))):
        return value
    return [plain(item) for item in value]


def typed(shape):
    """A TypedDict: what it does not name is dropped by pydantic, which the comparison shows."""

    def through(_path, body):
        adapter = ADAPTERS.setdefault(shape, TypeAdapter(shape))
        return plain(adapter.validate_python(body))

    return through


def modelled(shape):
    """A model of Mistral's SDK, written as it writes it."""

    def through(_path, body):
        return shape.model_validate(body).model_dump(mode="json", by_alias=True, exclude_unset=True)

    return through


def mistral_chat(path, body):
    shape = mistral.ChatCompletionStreamRequest if body.get("stream") else mistral.ChatCompletionRequest
    return modelled(shape)(path, body)


def strictly(shape, value):
    """A model of Google's SDK: a name that it does not know is refused. It writes bytes in its own way."""
    read = shape.model_validate(value)
    assert read is not None
    return value


GOOGLE = {
    "contents": lambda value: [strictly(google.Content, content) for content in value],
    "systemInstruction": lambda value: strictly(google.Content, value),
    "tools": lambda value: [strictly(google.Tool, tool) for tool in value],
    "toolConfig": lambda value: strictly(google.ToolConfig, value),
    "safetySettings": lambda value: [strictly(google.SafetySetting, setting) for setting in value],
    "generationConfig": lambda value: strictly(google.GenerationConfig, value),
}


def google_chat(_path, body):
    return {name: GOOGLE[name](value) for name, value in body.items() if name in GOOGLE}


def google_embeddings(_path, body):
    for row in body["requests"]:
        strictly(google.Content, row["content"])
        options = {name: value for name, value in row.items() if name not in ("model", "content")}
        strictly(google.EmbedContentConfig, options)
    return {"requests": body["requests"]}


def exa(path, body):
    """What the client itself sends when it is asked for the same."""
    sent = {}

    class Listening(Exa):
        def request(self, endpoint, data=None, *_args, **_named):
            sent[endpoint] = data
            raise StopIteration

    client = Listening(api_key="none")
    options = to_snake_case(body)
    if "outputSchema" in body:
        options["output_schema"] = body["outputSchema"]
    try:
        if path.endswith("/contents"):
            client.get_contents(options.pop("urls"), **options)
        elif path.endswith("/answer"):
            client.answer(options.pop("query"), **options)
        else:
            # Without a word about contents the SDK asks for text.
            options.setdefault("contents", False)
            client.search(options.pop("query"), **options)
    except StopIteration:
        pass
    said = sent[path]
    return {name: value for name, value in said.items() if name in body or value not in (False, None)}


READERS = {
    "openai_chat": typed(CompletionCreateParams),
    "openai_responses": typed(ResponseCreateParams),
    "openai_embeddings": typed(EmbeddingCreateParams),
    "anthropic": typed(MessageCreateParams),
    "google": google_chat,
    "google_embeddings": google_embeddings,
    "mistral": mistral_chat,
    "mistral_embeddings": modelled(mistral.EmbeddingRequest),
    "exa": exa,
}


def requests(case):
    """The requests of a case that were answered."""
    if "answer" in case:
        yield from (case[which] for which in ("request", "streamed") if which in case)


def main():
    tables = sorted(pathlib.Path(sys.argv[1]).glob("*.json"))
    assert {table.stem for table in tables} == set(READERS), "a table without a reader"
    read, wrong = 0, []
    for table in tables:
        for case in json.loads(table.read_text())["cases"]:
            for request in requests(case):
                body = json.loads(request["body"])
                try:
                    out = READERS[table.stem](request["path"], body)
                    fault = None if out == body else f"comes out as {json.dumps(out)}"
                except Exception as error:  # whatever the SDK raises is its refusal
                    fault = f"{type(error).__name__}: {error}"
                read += 1
                if fault:
                    wrong.append(f"{table.stem}: {case['feature']}: {request['body']}\n    {fault}")
    print("\n".join(wrong))
    print(f"{read} requests read by the SDKs' own types, {len(wrong)} not accepted")
    sys.exit(bool(wrong) or not read)


main()
