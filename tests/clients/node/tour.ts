// The README's tour with stubs for grpc-js, in a workspace of its own. Prints what it found, as one JSON object.

import assert from "node:assert/strict";

import {
  credentials,
  Metadata,
  status,
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ServiceError,
} from "@grpc/grpc-js";

import { ErrorInfo } from "./stubs/google/rpc/error_details.js";
import { Status } from "./stubs/google/rpc/status.js";
import { BillingServiceClient, type StreamUsageResponse } from "./stubs/keyway/billing/v1/billing_service.js";
import { Source, sourceToJSON } from "./stubs/keyway/billing/v1/usage.js";
import { ChatRequest, ChatRole } from "./stubs/keyway/router/v1/chat.js";
import { EmbedRequest } from "./stubs/keyway/router/v1/embed.js";
import { ExecutionServiceClient } from "./stubs/keyway/router/v1/execution_service.js";
import type { Receipt } from "./stubs/keyway/router/v1/receipt.js";
import {
  DeleteKeyRequest,
  KeyServiceClient,
  ListKeysRequest,
  ListKeysResponse,
  PutKeyRequest,
} from "./stubs/keyway/vault/v1/key_service.js";
import { Role } from "./stubs/keyway/vault/v1/member_service.js";
import {
  TokenServiceClient,
  TokenServiceCreateRequest,
  TokenServiceRevokeRequest,
} from "./stubs/keyway/vault/v1/token_service.js";
import { WorkspaceServiceClient, WorkspaceServiceCreateRequest } from "./stubs/keyway/vault/v1/workspace_service.js";

const SECRET = "sk-ant-keyway-node-0123456789";
const WORKSPACE = "workspaces/tour-node";

function variable(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
}

const plain = credentials.createInsecure();
const keys = new KeyServiceClient(variable("KEYWAY_VAULT"), plain);
const tokens = new TokenServiceClient(variable("KEYWAY_VAULT"), plain);
const workspaces = new WorkspaceServiceClient(variable("KEYWAY_VAULT"), plain);
const execution = new ExecutionServiceClient(variable("KEYWAY_ROUTER"), plain);
const billing = new BillingServiceClient(variable("KEYWAY_ROUTER"), plain);

const as = (token: string) => {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
};
const within = (): CallOptions => ({ deadline: Date.now() + 30_000 });

type Unary<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, answer: A) => void,
) => ClientUnaryCall;

/** A call as a promise. */
function call<Q, A>(client: object, method: Unary<Q, A>, token: string, request: Q): Promise<A> {
  return new Promise((resolve, reject) => {
    const metadata = token === "" ? new Metadata() : as(token);
    method.call(client, request, metadata, within(), (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

/** The code and the stable reason with which a call fails. */
async function failure(call: Promise<unknown>): Promise<string[]> {
  const error = (await call.then(
    () => assert.fail("it did not fail"),
    (error: unknown) => error,
  )) as ServiceError;
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  assert(bytes instanceof Buffer, String(error));
  const [info] = Status.decode(bytes)
    .details.filter((detail) => detail.typeUrl.endsWith("/google.rpc.ErrorInfo"))
    .map((detail) => ErrorInfo.decode(detail.value));
  assert(info?.domain === "keyway", String(error));
  return [status[error.code] ?? "", info.reason];
}

const ask = (text: string) =>
  ChatRequest.fromPartial({
    model: "anthropic/claude-haiku-4-5",
    messages: [{ role: ChatRole.CHAT_ROLE_USER, parts: [{ text }] }],
    maxOutputTokens: 64,
  });

async function makeWorkspace(): Promise<string> {
  const operator = variable("KEYWAY_OPERATOR_TOKEN");
  const who = await call(tokens, tokens.whoAmI, operator, {});
  assert.equal(who.role, Role.ROLE_OPERATOR);
  const subject = "service:tour-admin";
  const request = WorkspaceServiceCreateRequest.fromPartial({ workspaceId: "tour-node", firstAdmin: subject });
  const made = await call(workspaces, workspaces.create, operator, request);
  assert.equal(made.workspace?.name, WORKSPACE);
  const token = { workspace: WORKSPACE, role: Role.ROLE_ADMIN, subject, reason: "the first admin" };
  return (await call(tokens, tokens.create, operator, TokenServiceCreateRequest.fromPartial(token))).secret;
}

async function storeKey(admin: string): Promise<string> {
  const request = PutKeyRequest.fromPartial({ owner: WORKSPACE, provider: "anthropic", secret: SECRET });
  await call(keys, keys.putKey, admin, request);
  const listed = await call(keys, keys.listKeys, admin, ListKeysRequest.fromPartial({ owner: WORKSPACE }));
  assert.deepEqual(listed.keys.map((key) => key.mask), ["…6789"]);
  assert(!JSON.stringify(ListKeysResponse.toJSON(listed)).includes(SECRET), "the secret came back");
  return listed.keys[0]?.name ?? "";
}

const makeToken = (admin: string, role: Role) =>
  call(tokens, tokens.create, admin, TokenServiceCreateRequest.fromPartial({ workspace: WORKSPACE, role, label: "tour" }));

function brief(receipt: Receipt | undefined) {
  const attempt = receipt?.attempts[0];
  assert(receipt && attempt && receipt.attempts.length === 1, "one attempt");
  return { call_id: receipt.callId, source: sourceToJSON(attempt.source as Source), charge_usd: attempt.chargeUsd };
}

async function oneChat(caller: string) {
  const answer = await call(execution, execution.chat, caller, ask("Who pays for this call?"));
  assert.equal(answer.message?.parts[0]?.text, "You said: Who pays for this call?");
  return brief(answer.receipt);
}

async function oneStream(caller: string) {
  const request = { request: ask("In pieces, please.") };
  const stream = execution.streamChat(request, as(caller), within());
  const events = await stream.toArray();
  assert(events[0].callId && events.at(-1).end, "the call's id first, the end last");
  const text = events.map((event) => event.text ?? "").join("");
  assert.equal(text, "You said: In pieces, please.");
  return brief(events.at(-1).end.receipt);
}

async function oneEmbedding(caller: string) {
  const request = EmbedRequest.fromPartial({ model: "openai/text-embedding-3-small", inputs: ["one text"] });
  const answer = await call(execution, execution.embed, caller, request);
  assert(answer.embeddings[0] && answer.embeddings[0].values.length > 0, "a vector");
  return brief(answer.receipt);
}

/** The workspace's events behind what the consumer acknowledged: so many of them, or to the end. */
async function stream(admin: string, most: number, acknowledge = ""): Promise<StreamUsageResponse[]> {
  const events = billing.streamUsage(as(admin), within());
  const filter = { workspace: WORKSPACE, provider: "", source: Source.SOURCE_UNSPECIFIED };
  events.write({ open: { filter, cursor: "", consumer: "tour", follow: most > 0 } });
  if (acknowledge !== "") {
    events.write({ acknowledge });
  }
  events.end();
  const found: StreamUsageResponse[] = [];
  for await (const said of events as unknown as ClientReadableStream<StreamUsageResponse>) {
    if (said.event) {
      found.push(said);
    }
    if (most > 0 && found.length === most) {
      break;
    }
  }
  return found;
}

const admin = await makeWorkspace();
const key = await storeKey(admin);
const reader = (await makeToken(admin, Role.ROLE_READER)).secret;
const denied = await failure(call(keys, keys.deleteKey, reader, DeleteKeyRequest.fromPartial({ name: key })));
const nobody = await failure(call(keys, keys.listKeys, "", ListKeysRequest.fromPartial({ owner: WORKSPACE })));
const created = await makeToken(admin, Role.ROLE_CALLER);
const caller = created.secret;
const receipts = [await oneChat(caller), await oneStream(caller), await oneEmbedding(caller)];
await call(keys, keys.deleteKey, admin, DeleteKeyRequest.fromPartial({ name: key, waitForRouters: true }));
receipts.push(await oneChat(caller));
const accessor = created.token?.accessor ?? "";
const revoke = { workspace: WORKSPACE, accessor, waitForRouters: true };
await call(tokens, tokens.revoke, admin, TokenServiceRevokeRequest.fromPartial(revoke));
const revoked = await failure(call(execution, execution.chat, caller, ask("Am I still here?")));
const events = await stream(admin, receipts.length);
await stream(admin, 0, events.at(-1)?.cursor);
assert.deepEqual(await stream(admin, 0), []);
const billed = events.map((said) => said.event?.eventId);
console.log(JSON.stringify({ receipts, billed, denied, nobody, revoked }));
