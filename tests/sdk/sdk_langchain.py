"""LangChain's clients of OpenAI and Anthropic, which bring settings and retries of their own."""
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from simulator import ARGUMENTS, KEY, SCHEMA, check, root, same

TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather of a place.", "parameters": SCHEMA}}


def models():
    yield ChatOpenAI(model="gpt-4.1-mini", api_key=KEY, base_url=f"{root()}/openai/v1")
    yield ChatAnthropic(model="claude-haiku-4-5", api_key=KEY, base_url=f"{root()}/anthropic", max_tokens=64)


@check
def langchain_asks_streams_and_calls_tools():
    for model in models():
        name = type(model).__name__
        reply = model.invoke("hello")
        same(reply.text, "You said: hello", name)
        assert reply.usage_metadata["output_tokens"] == 4, reply.usage_metadata
        same("".join(chunk.text for chunk in model.stream("hello")), "You said: hello", f"{name}, streamed")
        calls = model.bind_tools([TOOL]).invoke("[sim:tools]").tool_calls
        same([(call["name"], call["args"]) for call in calls], [("weather", ARGUMENTS)], f"{name}, tools")


@check
def langchain_embeds():
    client = OpenAIEmbeddings(model="text-embedding-3-small", api_key=KEY, base_url=f"{root()}/openai/v1", check_embedding_ctx_length=False)
    same(len(client.embed_query("hello")), 1536, "length")
