"""What the simulator writes down of a request."""
import json

from sdk_openai import CHAT, openai_client
from simulator import KEY, check, control, same, tokens, user

@check
def the_journal_has_the_request_and_no_key():
    before = control("journal?after=999999999")["last"]
    openai_client().chat.completions.create(model=CHAT, messages=user("journal me"))
    entries = control(f"journal?after={before}&wait_ms=5000")["entries"]
    same(len(entries), 1, "entries")
    same(json.loads(entries[0]["body"])["messages"], user("journal me"), "body")
    same(entries[0]["credential"]["last4"], "0001", "last four")
    assert KEY not in json.dumps(entries), "the key is in the journal"
    same(entries[0]["reported"]["counts"]["input"], 3 + tokens("journal me"), "input")
