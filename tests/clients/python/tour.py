"""The README's tour with stubs of grpcio, in a workspace of its own. Prints what it found, as one JSON object."""

import itertools
import json
import os
import sys

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

sys.path.insert(0, os.environ["KEYWAY_STUBS"])
from keyway.billing.v1 import billing_service_pb2 as billing  # noqa: E402
from keyway.billing.v1 import billing_service_pb2_grpc as billing_rpc  # noqa: E402
from keyway.billing.v1 import usage_pb2 as usage  # noqa: E402
from keyway.router.v1 import chat_pb2 as chat  # noqa: E402
from keyway.router.v1 import embed_pb2 as embed  # noqa: E402
from keyway.router.v1 import execution_service_pb2 as execution  # noqa: E402
from keyway.router.v1 import execution_service_pb2_grpc as execution_rpc  # noqa: E402
from keyway.vault.v1 import key_service_pb2 as keys  # noqa: E402
from keyway.vault.v1 import key_service_pb2_grpc as keys_rpc  # noqa: E402
from keyway.vault.v1 import member_service_pb2 as members  # noqa: E402
from keyway.vault.v1 import token_service_pb2 as tokens  # noqa: E402
from keyway.vault.v1 import token_service_pb2_grpc as tokens_rpc  # noqa: E402
from keyway.vault.v1 import workspace_service_pb2 as workspaces  # noqa: E402
from keyway.vault.v1 import workspace_service_pb2_grpc as workspaces_rpc  # noqa: E402

SECRET = "sk-ant-keyway-python-0123456789"
WORKSPACE = "workspaces/tour-python"
DEADLINE = 30

vault = grpc.insecure_channel(os.environ["KEYWAY_VAULT"])
router = grpc.insecure_channel(os.environ["KEYWAY_ROUTER"])
key_stub = keys_rpc.KeyServiceStub(vault)
token_stub = tokens_rpc.TokenServiceStub(vault)
workspace_stub = workspaces_rpc.WorkspaceServiceStub(vault)
execution_stub = execution_rpc.ExecutionServiceStub(router)
billing_stub = billing_rpc.BillingServiceStub(router)


def as_(token):
    return {"metadata": [("authorization", f"Bearer {token}")], "timeout": DEADLINE}


def failure(call):
    """The code and the stable reason with which a call fails."""
    try:
        call()
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        info = error_details_pb2.ErrorInfo()
        found = [detail for detail in status.details if detail.Unpack(info)]
        assert found and info.domain == "keyway", status
        return [error.code().name, info.reason]
    raise AssertionError("it did not fail")


def ask(text):
    part = chat.Part(text=text)
    message = chat.Message(role=chat.CHAT_ROLE_USER, parts=[part])
    return chat.ChatRequest(model="anthropic/claude-haiku-4-5", messages=[message], max_output_tokens=64)


def workspace():
    operator = as_(os.environ["KEYWAY_OPERATOR_TOKEN"])
    who = token_stub.WhoAmI(tokens.TokenServiceWhoAmIRequest(), **operator)
    assert who.role == members.ROLE_OPERATOR, who
    subject = "service:tour-admin"
    request = workspaces.WorkspaceServiceCreateRequest(workspace_id="tour-python", first_admin=subject)
    assert workspace_stub.Create(request, **operator).workspace.name == WORKSPACE
    request = tokens.TokenServiceCreateRequest(
        workspace=WORKSPACE, role=members.ROLE_ADMIN, subject=subject, reason="the first admin"
    )
    return token_stub.Create(request, **operator).secret


def store_key(admin):
    request = keys.PutKeyRequest(owner=WORKSPACE, provider="anthropic", secret=SECRET)
    key_stub.PutKey(request, **as_(admin))
    listed = key_stub.ListKeys(keys.ListKeysRequest(owner=WORKSPACE), **as_(admin))
    (key,) = listed.keys
    assert key.mask == "…6789" and SECRET not in str(listed), listed
    return key.name


def token(admin, role):
    request = tokens.TokenServiceCreateRequest(workspace=WORKSPACE, role=role, label="tour")
    return token_stub.Create(request, **as_(admin))


def one_chat(caller):
    answer = execution_stub.Chat(ask("Who pays for this call?"), **as_(caller))
    assert answer.message.parts[0].text == "You said: Who pays for this call?", answer
    return answer.receipt


def one_stream(caller):
    request = execution.StreamChatRequest(request=ask("In pieces, please."))
    events = list(execution_stub.StreamChat(request, **as_(caller)))
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[0] == "call_id" and kinds[-1] == "end", kinds
    assert "".join(event.text for event in events) == "You said: In pieces, please.", events
    return events[-1].end.receipt


def one_embedding(caller):
    request = embed.EmbedRequest(model="openai/text-embedding-3-small", inputs=["one text"])
    answer = execution_stub.Embed(request, **as_(caller))
    assert len(answer.embeddings[0].values) > 0
    return answer.receipt


def stream(admin, follow, *acknowledged):
    """The workspace's events behind what the consumer acknowledged, and cursors to acknowledge."""
    chosen = billing.UsageFilter(workspace=WORKSPACE)
    opened = billing.StreamUsageOpen(filter=chosen, follow=follow, consumer="tour")
    requests = [billing.StreamUsageRequest(open=opened)]
    requests += [billing.StreamUsageRequest(acknowledge=cursor) for cursor in acknowledged]
    return billing_stub.StreamUsage(iter(requests), **as_(admin))


def events(admin, count):
    """The first events of the workspace, waited for and then acknowledged."""
    following = stream(admin, True)
    found = list(itertools.islice((said for said in following if said.HasField("event")), count))
    following.cancel()
    list(stream(admin, False, found[-1].cursor))
    behind = [said for said in stream(admin, False) if said.HasField("event")]
    assert not behind, behind
    return [said.event for said in found]


def brief(receipt):
    (attempt,) = receipt.attempts
    source = usage.Source.Name(attempt.source)
    return {"call_id": receipt.call_id, "source": source, "charge_usd": attempt.charge_usd}


def main():
    admin = workspace()
    key = store_key(admin)
    reader = token(admin, members.ROLE_READER).secret
    denied = failure(lambda: key_stub.DeleteKey(keys.DeleteKeyRequest(name=key), **as_(reader)))
    nobody = failure(lambda: key_stub.ListKeys(keys.ListKeysRequest(owner=WORKSPACE), timeout=DEADLINE))
    created = token(admin, members.ROLE_CALLER)
    caller = created.secret
    receipts = [one_chat(caller), one_stream(caller), one_embedding(caller)]
    key_stub.DeleteKey(keys.DeleteKeyRequest(name=key, wait_for_routers=True), **as_(admin))
    receipts.append(one_chat(caller))
    request = tokens.TokenServiceRevokeRequest(
        workspace=WORKSPACE, accessor=created.token.accessor, wait_for_routers=True
    )
    token_stub.Revoke(request, **as_(admin))
    revoked = failure(lambda: one_chat(caller))
    billed = [event.event_id for event in events(admin, len(receipts))]
    receipts = [brief(receipt) for receipt in receipts]
    found = {"receipts": receipts, "billed": billed, "denied": denied, "nobody": nobody, "revoked": revoked}
    print(json.dumps(found))


main()
