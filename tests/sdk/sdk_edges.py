"""What only makes sense through Keyway: its headers, its errors, asynchronous clients, the SDKs' own
helpers and retries, clients that leave."""
import asyncio
import json
import os
import subprocess
import time
from pathlib import Path

import anthropic
import openai
from exa_py import AsyncExa, Exa
from google import genai
from google.genai import errors as google_errors
from google.genai import types
from mistralai.client import Mistral, errors as mistral_errors
from pydantic import BaseModel
from simulator import KEY, check, control, raises, root, same, script, user

CHAT, CLAUDE, GEMINI, SMALL = "gpt-4.1-mini", "claude-haiku-4-5", "gemini-3.8-flash", "mistral-small-latest"
FIXTURES = Path(__file__).resolve().parents[1] / "provider-sim" / "fixtures" / "manifest.json"
SOURCE = os.environ.get("KEYWAY_EXPECT_SOURCE", "hosted")


class Place(BaseModel):
    city: str
    days: int


def gpt(key=KEY, **more):
    return openai.OpenAI(api_key=key, base_url=f"{root()}/openai/v1", **more)


def claude(key=KEY, **more):
    return anthropic.Anthropic(api_key=key, base_url=f"{root()}/anthropic", **more)


def gemini(key=KEY):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=f"{root()}/google"))


def mistral(key=KEY):
    return Mistral(api_key=key, server_url=f"{root()}/mistral")


def exa(key=KEY):
    return Exa(api_key=key, base_url=f"{root()}/exa")


def ask_gpt(client, **more):
    return client.chat.completions.create(model=CHAT, messages=user("hello"), **more)


def ask_claude(client, **more):
    return client.messages.create(model=CLAUDE, max_tokens=64, messages=user("hello"), **more)


def ask_gemini(client):
    return client.models.generate_content(model=GEMINI, contents="hello")


def ask_mistral(client):
    return client.chat.complete(model=SMALL, messages=user("hello"))


ASK = {
    "openai": lambda key=KEY, **more: ask_gpt(gpt(key, **more)),
    "anthropic": lambda key=KEY, **more: ask_claude(claude(key, **more)),
    "google": lambda key=KEY, **_more: ask_gemini(gemini(key)),
    "mistral": lambda key=KEY, **_more: ask_mistral(mistral(key)),
    "exa": lambda key=KEY, **_more: exa(key).search("hello", contents=False),
}


def new_key(provider):
    """Stores another version of the own key, and waits until it is used."""
    request = {"owner": "workspaces/demo", "provider": provider, "secret": f"sk-keyway-test-{time.time_ns()}"}
    subprocess.run(
        ["grpcurl", "-plaintext", "-expand-headers", "-H", "authorization: Bearer ${KEYWAY_ADMIN_TOKEN}", "-d", "@",
         os.environ["KEYWAY_VAULT"], "keyway.vault.v1.KeyService/PutKey"],
        input=json.dumps(request), text=True, check=True, stdout=subprocess.DEVNULL,
    )
    until = time.monotonic() + 20
    while True:
        try:
            return ASK[provider]()
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


@check
def edges_say_whose_call_it_was_on_whose_key():
    reply = gpt().chat.completions.with_raw_response.create(model=CHAT, messages=user("hello"))
    same(reply.headers["keyway-source"], SOURCE, "source")
    same(reply.headers["keyway-workspace"], "demo", "workspace")
    key = "platform" if SOURCE == "hosted" else "workspaces/demo/keys/openai/default"
    same(reply.headers["keyway-key"], key, "key")
    assert len(reply.headers["keyway-call-id"]) == 36
    reply = claude().messages.with_raw_response.create(model=CLAUDE, max_tokens=64, messages=user("hello"))
    same(reply.headers["keyway-source"], SOURCE, "source")


@check
def edges_serve_asynchronous_clients():
    async def all_of_them():
        reply = await ask_gpt(openai.AsyncOpenAI(api_key=KEY, base_url=f"{root()}/openai/v1"))
        same(reply.choices[0].message.content, "You said: hello", "openai")
        stream = await ask_gpt(openai.AsyncOpenAI(api_key=KEY, base_url=f"{root()}/openai/v1"), stream=True)
        text = "".join([c.choices[0].delta.content or "" async for c in stream])
        same(text, "You said: hello", "openai, streamed")
        async with anthropic.AsyncAnthropic(api_key=KEY, base_url=f"{root()}/anthropic") as client:
            same((await ask_claude(client)).content[0].text, "You said: hello", "anthropic")
            async with client.messages.stream(model=CLAUDE, max_tokens=64, messages=user("hello")) as stream:
                same("".join([t async for t in stream.text_stream]), "You said: hello", "anthropic, streamed")
        google = gemini()  # it closes when nobody holds it
        reply = await google.aio.models.generate_content(model=GEMINI, contents="hello")
        same(reply.text, "You said: hello", "google")
        chunks = await google.aio.models.generate_content_stream(model=GEMINI, contents="hello")
        same("".join([c.text or "" async for c in chunks]), "You said: hello", "google, streamed")
        reply = await mistral().chat.complete_async(model=SMALL, messages=user("hello"))
        same(reply.choices[0].message.content, "You said: hello", "mistral")
        found = await AsyncExa(api_key=KEY, api_base=f"{root()}/exa").search("hello", contents=False)
        assert found.results

    asyncio.run(all_of_them())


@check
def edges_serve_the_helpers_of_the_sdks():
    with gpt().chat.completions.stream(model=CHAT, messages=user("hello")) as stream:
        for _event in stream:
            pass
        same(stream.get_final_completion().choices[0].message.content, "You said: hello", "openai's stream helper")
    reply = gpt().chat.completions.parse(model=CHAT, messages=user("hello"), response_format=Place)
    same(reply.choices[0].message.parsed, Place(city="sample", days=1), "openai's parse helper")
    with gpt().responses.stream(model="gpt-5.4-mini", input="hello") as stream:
        for _event in stream:
            pass
        same(stream.get_final_response().output_text, "You said: hello", "openai's responses helper")
    with claude().messages.stream(model=CLAUDE, max_tokens=64, messages=user("hello")) as stream:
        same(stream.get_final_text(), "You said: hello", "anthropic's stream helper")
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Place)
    google = gemini()  # it closes when nobody holds it
    reply = google.models.generate_content(model=GEMINI, contents="hello", config=config)
    same(reply.parsed, Place(city="sample", days=1), "google's schema helper")
    reply = mistral().chat.parse(model=SMALL, messages=user("hello"), response_format=Place)
    same(reply.choices[0].message.parsed, Place(city="sample", days=1), "mistral's parse helper")


@check
def edges_do_the_retries_so_that_no_sdk_repeats_a_spent_budget():
    for provider, client in (("openai", gpt()), ("anthropic", claude())):
        ask = ask_gpt if provider == "openai" else ask_claude
        first = control("state")["last"]
        script({"status": 503, "body": "{}"}, provider=provider, times=1)
        ask(client)
        same(control("state")["last"] - first, 2, f"{provider}: attempts until it worked")
        first = control("state")["last"]
        script({"status": 503, "body": "{}"}, provider=provider, times=50)
        kind = openai.InternalServerError if provider == "openai" else anthropic.ServiceUnavailableError
        raises(kind, lambda ask=ask, client=client: ask(client))
        same(control("state")["last"] - first, 4, f"{provider}: attempts in all, SDK and Keyway together")
        control("reset", {})


@check
def edges_refuse_in_the_classes_of_each_sdk():
    raises(openai.AuthenticationError, lambda: ASK["openai"]("kwc_nobody"))
    raises(anthropic.AuthenticationError, lambda: ASK["anthropic"]("kwc_nobody"))
    same(raises(google_errors.ClientError, lambda: ASK["google"]("kwc_nobody")).code, 401, "google")
    same(raises(mistral_errors.SDKError, lambda: ASK["mistral"]("kwc_nobody")).status_code, 401, "mistral")
    assert "401" in str(raises(ValueError, lambda: ASK["exa"]("kwc_nobody")))
    error = raises(openai.NotFoundError, lambda: gpt().files.list())
    assert "keeps files" in error.message, error.message
    error = raises(openai.NotFoundError, lambda: gpt().batches.list())
    assert "keeps jobs" in error.message, error.message
    error = raises(openai.NotFoundError, lambda: gpt().audio.speech.create(model="tts-1", voice="alloy", input="x"))
    assert "speech" in error.message, error.message
    if SOURCE == "hosted":
        response = gpt().responses
        error = raises(openai.BadRequestError, lambda: response.create(model=CHAT, input="x", previous_response_id="resp_1"))
        same(error.code, "HOSTED_STATE_FORBIDDEN", "code")


@check
def edges_outlive_clients_that_leave():
    for _round in range(3):
        stream = ask_gpt(gpt(), stream=True)
        next(iter(stream))
        stream.close()
        with claude().messages.stream(model=CLAUDE, max_tokens=64, messages=user("hello")) as stream:
            next(iter(stream))
    same(ask_gpt(gpt()).choices[0].message.content, "You said: hello", "the next call")


@check
def edges_pass_every_error_of_an_own_key_into_the_class_of_its_sdk():
    if SOURCE != "own":
        return
    rows = [row for row in json.loads(FIXTURES.read_text()) if row["kind"] == "error"]
    assert len(rows) > 50, len(rows)
    for row in rows:
        provider = row["id"].split("/")[0]
        if row["status"] in (401, 402, 429, 400):
            new_key(provider)
        script({"fixture": row["id"]}, provider=provider, times=50)
        try:
            ASK[provider]()
        except Exception as error:
            same(type(error).__name__, row["expect"]["cls"], row["id"])
            status = getattr(error, "status_code", None) or getattr(error, "code", None)
            if isinstance(status, int):
                same(status, row["status"], row["id"])
        else:
            raise AssertionError(f"{row['id']}: no error")
        control("reset", {})
        new_key(provider)
