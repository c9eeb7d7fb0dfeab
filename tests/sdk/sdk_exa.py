"""Exa's SDK."""
from exa_py import Exa
from simulator import KEY, check, raises, root, same

def exa_client(key=KEY):
    return Exa(api_key=key, base_url=f"{root()}/exa")


@check
def exa_search():
    reply = exa_client().search("rust", num_results=12, contents={"summary": True})
    same(len(reply.results), 12, "results")
    assert reply.results[0].url == "https://example.com/p1" and reply.results[0].summary, reply.results[0]
    same(reply.cost_dollars.total, 0.021, "cost: 7 + 2 extra results + 12 summaries, in thousandths")
    same(exa_client().search("rust", type="lite", contents=False).cost_dollars.total, 0.004, "cost")
    same(exa_client().search("[sim:empty]").results, [], "no results")
    similar = exa_client().find_similar("https://a.example/1", num_results=3, contents=False)
    same((len(similar.results), similar.cost_dollars.total), (3, 0.007), "pages like one")


@check
def exa_contents_and_answer():
    reply = exa_client().get_contents(["https://a.example/1", "https://a.example/gone"], text=True)
    same([page.url for page in reply.results], ["https://a.example/1"], "pages")
    same([status.status for status in reply.statuses], ["success", "error"], "statuses")
    same(reply.cost_dollars.total, 0.001, "cost")
    whole = exa_client().answer("why?")
    same(whole.answer, "You asked: why?", "answer")
    streamed = "".join(chunk.content or "" for chunk in exa_client().stream_answer("why?"))
    same(streamed, whole.answer, "streamed answer")


@check
def exa_errors():
    for key, status in (("bad-key-1", "401"), ("quota-key-1", "402"), ("ratelimited-key-1", "429")):
        error = raises(ValueError, lambda key=key: exa_client(key).search("x"))
        assert status in str(error), error
    error = raises(ValueError, lambda: exa_client().search("x", num_results=101))
    assert "400" in str(error) and "numResults" in str(error), error
