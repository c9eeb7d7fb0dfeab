"""Google's SDK."""
import functools
import json

from google import genai
from google.genai import errors, types
from simulator import ARGUMENTS, KEY, SCHEMA, check, raises, root, same, script, settings, tokens

FLASH = "gemini-3.8-flash"
TOOLS = [types.Tool(function_declarations=[types.FunctionDeclaration(name=name, parameters_json_schema=SCHEMA) for name in ("weather", "forecast")])]


@functools.cache  # a client that nobody holds closes its connections under its requests
def google_client(key=KEY, version=None):
    options = types.HttpOptions(base_url=f"{root()}/google", api_version=version, **settings(timeout=20_000))
    return genai.Client(api_key=key, http_options=options)


def generate(contents, key=KEY, model=FLASH, **config):
    return google_client(key).models.generate_content(model=model, contents=contents, config=config or None)


def streamed(contents, **config):
    return list(google_client().models.generate_content_stream(model=FLASH, contents=contents, config=config or None))


@check
def google_content_in_both_versions():
    for version in (None, "v1", "v1beta"):
        models = google_client(version=version).models
        reply = models.generate_content(model=FLASH, contents="hello", config={"system_instruction": "Terse.", "temperature": 0.2})
        same((reply.text, reply.candidates[0].finish_reason), ("You said: hello", types.FinishReason.STOP), "text")
        usage = reply.usage_metadata
        same(usage.prompt_token_count, 3 + tokens("Terse.") + 3 + tokens("hello"), "input")
        same((usage.candidates_token_count, usage.total_token_count), (tokens("You said: hello"), usage.prompt_token_count + 4), "output")


@check
def google_stream_is_the_unary_answer():
    config = dict(thinking_config={"include_thoughts": True, "thinking_level": "LOW"})
    whole = generate("Ça va — 你好 👋?", **config)
    chunks = streamed("Ça va — 你好 👋?", **config)
    same("".join(chunk.text or "" for chunk in chunks), whole.text, "text")
    same(chunks[-1].usage_metadata, whole.usage_metadata, "usage")
    same(whole.usage_metadata.thoughts_token_count, 64, "thoughts")
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    same("".join(part.text for part in parts if part.thought), whole.candidates[0].content.parts[0].text, "thought")
    same(parts[-1].thought_signature, whole.candidates[0].content.parts[-1].thought_signature, "signature")


@check
def google_pieces_cut_through_characters_are_the_same_stream():
    script({"piece_bytes": 7}, provider="google")
    same("".join(chunk.text or "" for chunk in streamed("你好 👋")), "You said: 你好 👋", "text")


@check
def google_calls_and_the_way_back():
    config = dict(tools=TOOLS, automatic_function_calling={"disable": True})
    asked = types.UserContent("[sim:tools]")
    reply = generate([asked], **config)
    same([(call.name, call.args) for call in reply.function_calls], [("weather", ARGUMENTS), ("forecast", ARGUMENTS)], "calls")
    names = [call.name for chunk in streamed([asked], **config) for call in chunk.function_calls or []]
    same(names, ["weather", "forecast"], "streamed calls")
    content = reply.candidates[0].content
    assert content.parts[0].thought_signature and not content.parts[1].thought_signature
    results = [types.Part(function_response=types.FunctionResponse(id=c.id, name=c.name, response={"output": "18 C"})) for c in reply.function_calls]
    back = types.Content(role="user", parts=results)
    same(generate([asked, content, back], **config).text, "The tool said: 18 C 18 C", "text after the results")
    content.parts[0].thought_signature = None
    error = raises(errors.ClientError, lambda: generate([asked, content, back], **config))
    assert error.code == 400 and "thought_signature" in error.message, error


@check
def google_calls_functions_by_itself():
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"18 C in {city}"

    chat = google_client().chats.create(model=FLASH, config={"tools": [weather]})
    reply = chat.send_message("weather?")
    same(reply.text, 'The tool said: {"result":"18 C in sample"}', "text after what the SDK called")
    same([content.role for content in chat.get_history()], ["user", "model", "user", "model"], "turns")


@check
def google_schema_limit_image_and_blocks():
    reply = generate("hello", response_mime_type="application/json", response_json_schema=SCHEMA)
    same(json.loads(reply.text), ARGUMENTS, "value")
    cut = generate("hello", max_output_tokens=2)
    same((cut.text, cut.candidates[0].finish_reason), ("You said", types.FinishReason.MAX_TOKENS), "limit")
    image = types.Part.from_bytes(data=b"png", mime_type="image/png")
    details = generate(["hello", image]).usage_metadata.prompt_tokens_details
    same([(d.modality.name, d.token_count) for d in details], [("TEXT", 5), ("IMAGE", 85)], "modalities")
    same(generate("[sim:refuse]").prompt_feedback.block_reason, types.BlockedReason.PROHIBITED_CONTENT, "block")
    same(generate("[sim:filter]").candidates[0].finish_reason, types.FinishReason.SAFETY, "filter")
    same(google_client().models.count_tokens(model=FLASH, contents="hello").total_tokens, 5, "count")


@check
def google_scripted_usage():
    script({"usage": {"input": 17, "cache_read": 40, "tool_use": 7, "output": 9, "reasoning": 4}}, provider="google")
    usage = generate("hello").usage_metadata
    same((usage.prompt_token_count, usage.cached_content_token_count, usage.tool_use_prompt_token_count), (50, 40, 7), "input")
    same((usage.candidates_token_count, usage.thoughts_token_count, usage.total_token_count), (5, 4, 66), "output")


@check
def google_embeddings_and_models():
    models = google_client().models
    reply = models.embed_content(model="gemini-embedding-001", contents=["hello", "other"], config={"output_dimensionality": 8})
    same([len(row.values) for row in reply.embeddings], [8, 8], "dimensions")
    same(len(models.embed_content(model="gemini-embedding-001", contents="x").embeddings[0].values), 3072, "own dimensions")
    names = [model.name for model in models.list(config={"page_size": 5})]
    assert f"models/{FLASH}" in names and len(names) > 20, names
    same(models.get(model=FLASH).input_token_limit, 1_048_576, "window")


@check
def google_errors():
    error = raises(errors.ClientError, lambda: generate("x", key="bad-key-1"))
    same((error.code, error.status), (400, "INVALID_ARGUMENT"), "bad key")
    for key, code in (("quota-key-1", 429), ("ratelimited-key-1", 429), ("forbidden-key-1", 403)):
        same(raises(errors.ClientError, lambda key=key: generate("x", key=key)).code, code, key)
    same(raises(errors.ClientError, lambda: generate("x", model="gemini-nope")).code, 404, "model")
    error = raises(errors.ClientError, lambda: generate("x", thinking_config={"thinking_budget": 1, "thinking_level": "LOW"}))
    same(error.code, 400, "budget and level")
    script({"fixture": "google/503_overloaded.error"}, provider="google")
    same(raises(errors.ServerError, lambda: generate("x")).status, "UNAVAILABLE", "overloaded")
    script({"error_after_chunks": 1}, provider="google")
    same(raises(errors.ServerError, lambda: streamed("a longer text")).code, 503, "error in a stream")
