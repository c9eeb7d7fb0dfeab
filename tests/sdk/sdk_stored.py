"""What the providers keep for a key, through their SDKs: the owner reads it, another key does not."""
import io

import anthropic
import openai
from google.genai import errors, types
from mistralai.client import errors as mistral_errors
from sdk_anthropic import CLAUDE, claude_client
from sdk_google import FLASH, google_client
from sdk_mistral import SMALL, mistral_client
from sdk_openai import CHAT, openai_client
from simulator import check, raises, same

OTHER = "sk-keyway-test-sdk-other"
SECRET = "the secret is 42"


@check
def openai_keeps_responses_conversations_and_files():
    mine, other = openai_client(), openai_client(OTHER)
    first = mine.responses.create(model=CHAT, input=SECRET)
    same(mine.responses.retrieve(first.id).output_text, f"You said: {SECRET}", "kept")
    same(mine.responses.create(model=CHAT, input="[sim:recall]", previous_response_id=first.id).output_text, f"You told me: {SECRET}", "gone on with")
    raises(openai.NotFoundError, lambda: other.responses.retrieve(first.id))
    raises(openai.BadRequestError, lambda: other.responses.create(model=CHAT, input="[sim:recall]", previous_response_id=first.id))
    talk = mine.conversations.create(items=[{"type": "message", "role": "user", "content": SECRET}])
    same(mine.responses.create(model=CHAT, input="[sim:recall]", conversation=talk.id).output_text, f"You told me: {SECRET}", "conversation")
    raises(openai.NotFoundError, lambda: other.conversations.items.list(talk.id))
    waiting = mine.responses.create(model=CHAT, input="hello", background=True)
    same((waiting.status, mine.responses.retrieve(waiting.id).output_text), ("queued", "You said: hello"), "background")
    file = mine.files.create(file=("a.txt", io.BytesIO(SECRET.encode())), purpose="user_data")
    same(mine.files.content(file.id).text, SECRET, "file")
    asked = [{"role": "user", "content": [{"type": "input_file", "file_id": file.id}]}]
    same(mine.responses.create(model=CHAT, input=asked).output_text, f"You said: {SECRET}", "file in an input")
    raises(openai.NotFoundError, lambda: other.files.content(file.id))
    raises(openai.NotFoundError, lambda: other.responses.create(model=CHAT, input=asked))
    same(list(other.files.list()), [], "the other's files")


@check
def anthropic_keeps_files():
    mine, other = claude_client(), claude_client(OTHER)
    file = mine.beta.files.upload(file=("a.txt", io.BytesIO(SECRET.encode()), "text/plain"))
    asked = [{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": file.id}}]}]
    ask = dict(model=CLAUDE, max_tokens=100, messages=asked, betas=["files-api-2025-04-14"])
    same(mine.beta.messages.create(**ask).content[0].text, f"You said: {SECRET}", "file in a message")
    same([row.id for row in mine.beta.files.list()], [file.id], "list")
    raises(anthropic.NotFoundError, lambda: other.beta.messages.create(**ask))
    raises(anthropic.NotFoundError, lambda: other.beta.files.retrieve_metadata(file.id))
    same([row.id for row in other.beta.files.list()], [], "the other's list")


@check
def google_keeps_files_and_cached_contents():
    mine, other = google_client(), google_client(OTHER)
    file = mine.files.upload(file=io.BytesIO(SECRET.encode()), config={"mime_type": "text/plain"})
    same(mine.models.generate_content(model=FLASH, contents=[file]).text, f"You said: {SECRET}", "file in contents")
    for call in (lambda: other.files.get(name=file.name), lambda: other.models.generate_content(model=FLASH, contents=[file])):
        same(raises(errors.ClientError, call).code, 403, "the other's file")
    cache = mine.caches.create(model=FLASH, config={"contents": [types.UserContent(SECRET)]})
    config = {"cached_content": cache.name}
    reply = mine.models.generate_content(model=FLASH, contents="[sim:recall]", config=config)
    same((reply.text, reply.usage_metadata.cached_content_token_count), (f"You told me: {SECRET}", cache.usage_metadata.total_token_count), "cache")
    error = raises(errors.ClientError, lambda: other.models.generate_content(model=FLASH, contents="x", config=config))
    same(error.status, "PERMISSION_DENIED", "the other's cache")
    same(list(other.caches.list()), [], "the other's caches")


@check
def mistral_keeps_files():
    mine, other = mistral_client(), mistral_client(OTHER)
    file = mine.files.upload(file={"file_name": "a.txt", "content": SECRET.encode()}, purpose="ocr")
    same(mine.files.download(file_id=file.id).read().decode(), SECRET, "content")
    asked = [{"role": "user", "content": [{"type": "file", "file_id": file.id}]}]
    same(mine.chat.complete(model=SMALL, messages=asked).choices[0].message.content, f"You said: {SECRET}", "file in a message")
    same(raises(mistral_errors.SDKError, lambda: other.files.retrieve(file_id=file.id)).status_code, 404, "the other's file")
    same(raises(mistral_errors.SDKError, lambda: other.chat.complete(model=SMALL, messages=asked)).status_code, 404, "the other's message")
