// Calls Keyway with the providers' own SDKs for Node, and with the AI SDK: one changed line each.
//
//     . .keyway/keyway.env
//     KEYWAY_EDGE=http://$KEYWAY_ROUTER node tests/sdk/node/check.mjs
//
// The provider behind Keyway is the simulator. Exit code 0: all checks passed.
import assert from "node:assert/strict";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { embed, generateText, streamText } from "ai";
import OpenAI from "openai";

const { KEYWAY_EDGE: edge, KEYWAY_CALL_TOKEN: token } = process.env;
const SAID = "You said: hello";
const messages = [{ role: "user", content: "hello" }];
const schema = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
  additionalProperties: false,
};

const openai = (apiKey = token) => new OpenAI({ apiKey, baseURL: `${edge}/openai/v1` });
const anthropic = (apiKey = token) => new Anthropic({ apiKey, baseURL: `${edge}/anthropic` });
const google = (apiKey = token) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${edge}/google` } });

const checks = {
  async "openai: chat, stream, helper, tools, parse, responses, embeddings, models"() {
    const chat = { model: "gpt-4.1-mini", messages };
    const whole = await openai().chat.completions.create(chat);
    assert.equal(whole.choices[0].message.content, SAID);
    let text = "";
    for await (const chunk of await openai().chat.completions.create({ ...chat, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    assert.equal(text, SAID);
    assert.equal(await openai().chat.completions.stream(chat).finalContent(), SAID);
    const tools = [{ type: "function", function: { name: "weather", parameters: schema, strict: true } }];
    const called = await openai().chat.completions.create({ model: chat.model, messages: [{ role: "user", content: "[sim:tools]" }], tools });
    assert.equal(called.choices[0].message.tool_calls[0].function.name, "weather");
    const format = { type: "json_schema", json_schema: { name: "place", schema, strict: true } };
    const value = await openai().chat.completions.create({ ...chat, response_format: format });
    assert.deepEqual(JSON.parse(value.choices[0].message.content), { city: "sample", days: 1 });
    const response = await openai().responses.create({ model: "gpt-5.4-mini", input: "hello" });
    assert.equal(response.output_text, SAID);
    const vectors = await openai().embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"] });
    assert.equal(vectors.data.length, 2);
    assert.equal(vectors.data[0].embedding.length, 1536);
    const names = [];
    for await (const model of openai().models.list()) names.push(model.id);
    assert(names.includes("gpt-4.1-mini"));
  },

  async "openai: the reply says whose call it was, and errors have their class"() {
    const { response } = await openai().chat.completions.create({ model: "gpt-4.1-mini", messages }).withResponse();
    assert.match(response.headers.get("keyway-call-id"), /^[0-9a-f-]{36}$/);
    await assert.rejects(openai("kwc_nobody").models.list(), OpenAI.AuthenticationError);
    await assert.rejects(openai().files.list(), OpenAI.NotFoundError);
    const controller = new AbortController();
    // The test has the simulator take its time with this one: what is given up is under way. An abort of
    // what has just come whole leaves now and then a promise of Node's own fetch that nothing settles.
    const slowly = [{ role: "user", content: "hello, slowly" }];
    const stream = await openai().chat.completions.create({ model: "gpt-4.1-mini", messages: slowly, stream: true }, { signal: controller.signal });
    for await (const _chunk of stream) controller.abort();
    assert.equal((await openai().chat.completions.create({ model: "gpt-4.1-mini", messages })).choices[0].message.content, SAID);
  },

  async "anthropic: message, stream, helper, tools, errors"() {
    const ask = { model: "claude-haiku-4-5", max_tokens: 64, messages };
    assert.equal((await anthropic().messages.create(ask)).content[0].text, SAID);
    assert.equal(await anthropic().messages.stream(ask).finalText(), SAID);
    const tools = [{ name: "weather", input_schema: schema }];
    const called = await anthropic().messages.create({ ...ask, messages: [{ role: "user", content: "[sim:tools]" }], tools });
    assert.equal(called.content.find((block) => block.type === "tool_use").name, "weather");
    assert((await anthropic().messages.countTokens({ model: ask.model, messages })).input_tokens > 0);
    await assert.rejects(anthropic("kwc_nobody").messages.create(ask), Anthropic.AuthenticationError);
  },

  async "google: content, stream, embeddings, errors"() {
    const ask = { model: "gemini-3.8-flash", contents: "hello" };
    assert.equal((await google().models.generateContent(ask)).text, SAID);
    let text = "";
    for await (const chunk of await google().models.generateContentStream(ask)) text += chunk.text ?? "";
    assert.equal(text, SAID);
    const vectors = await google().models.embedContent({ model: "gemini-embedding-001", contents: ["a", "b"] });
    assert.equal(vectors.embeddings.length, 2);
    await assert.rejects(google("kwc_nobody").models.generateContent(ask), (error) => error.status === 401);
  },

  async "openai's shape for every provider: chat, stream, tools over two turns, parse, embeddings, models, errors"() {
    const everyone = (apiKey = token) => new OpenAI({ apiKey, baseURL: `${edge}/v1` });
    const models = ["openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5", "google/gemini-3.8-flash", "mistral/mistral-small-latest"];
    const tools = [{ type: "function", function: { name: "weather", parameters: schema } }];
    const format = { type: "json_schema", json_schema: { name: "place", schema, strict: true } };
    for (const model of models) {
      const { data, response } = await everyone().chat.completions.create({ model, messages }).withResponse();
      assert.equal(data.choices[0].message.content, SAID);
      assert.equal(data.keyway.receipt.call_id, response.headers.get("keyway-call-id"));
      assert.equal(await everyone().chat.completions.stream({ model, messages }).finalContent(), SAID);
      const value = await everyone().chat.completions.create({ model, messages, response_format: format });
      assert.deepEqual(JSON.parse(value.choices[0].message.content), { city: "sample", days: 1 });
      const turns = [{ role: "user", content: "[sim:tools]" }];
      const called = await everyone().chat.completions.stream({ model, messages: turns, tools }).finalMessage();
      turns.push(called, ...called.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "sunny" })));
      const answered = await everyone().chat.completions.create({ model, messages: turns, tools });
      assert.match(answered.choices[0].message.content, /sunny/);
    }
    for (const [model, length] of [["openai/text-embedding-3-small", 1536], ["google/gemini-embedding-001", 3072], ["mistral/mistral-embed", 1024]]) {
      const vectors = await everyone().embeddings.create({ model, input: ["a", "b"] });
      assert.deepEqual(vectors.data.map((vector) => vector.embedding.length), [length, length]);
    }
    const names = [];
    for await (const model of everyone().models.list()) names.push(model.id);
    assert(models.every((model) => names.includes(model)));
    await assert.rejects(everyone("kwc_nobody").models.list(), OpenAI.AuthenticationError);
    await assert.rejects(everyone().chat.completions.create({ model: models[1], messages, n: 2 }), (error) => error instanceof OpenAI.BadRequestError && error.param === "n");
  },

  async "messages and responses for every provider: whole, stream helpers, tools over two turns, errors"() {
    const everyone = (apiKey = token) => new OpenAI({ apiKey, baseURL: `${edge}/v1` });
    const claude = (apiKey = token) => new Anthropic({ apiKey, baseURL: edge });
    const models = ["openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5", "google/gemini-3.8-flash", "mistral/mistral-small-latest"];
    for (const model of models) {
      const ask = { model, max_tokens: 64, messages };
      assert.equal((await claude().messages.create(ask)).content[0].text, SAID);
      assert.equal(await claude().messages.stream(ask).finalText(), SAID);
      const tools = [{ name: "weather", input_schema: schema }];
      const turns = [{ role: "user", content: "[sim:tools]" }];
      const { content } = await claude().messages.stream({ ...ask, messages: turns, tools }).finalMessage();
      const results = content.filter((block) => block.type === "tool_use");
      assert.equal(results[0].name, "weather");
      turns.push({ role: "assistant", content });
      turns.push({ role: "user", content: results.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "sunny" })) });
      assert.match((await claude().messages.create({ ...ask, messages: turns, tools })).content.at(-1).text, /sunny/);

      assert.equal((await everyone().responses.create({ model, input: "hello" })).output_text, SAID);
      const functions = [{ type: "function", name: "weather", parameters: schema, strict: null }];
      const input = [{ role: "user", content: "[sim:tools]" }];
      const called = await everyone().responses.stream({ model, input, tools: functions }).finalResponse();
      const calls = called.output.filter((item) => item.type === "function_call");
      assert.deepEqual(JSON.parse(calls[0].arguments), { city: "sample", days: 1 });
      input.push(...called.output, ...calls.map(({ call_id }) => ({ type: "function_call_output", call_id, output: "sunny" })));
      assert.match((await everyone().responses.create({ model, input, tools: functions })).output_text, /sunny/);
    }
    await assert.rejects(claude("kwc_nobody").messages.create({ model: models[0], max_tokens: 5, messages }), Anthropic.AuthenticationError);
    await assert.rejects(claude().messages.create({ model: models[0], max_tokens: 5, messages, top_k: 5 }), Anthropic.BadRequestError);
    await assert.rejects(everyone().responses.create({ model: models[1], input: "x", store: true }), (error) => error instanceof OpenAI.BadRequestError && error.param === "store");
  },

  async "ai: text, stream and vectors of both providers"() {
    const gpt = createOpenAI({ apiKey: token, baseURL: `${edge}/openai/v1` });
    const claude = createAnthropic({ apiKey: token, baseURL: `${edge}/anthropic/v1` });
    const everyone = createOpenAI({ apiKey: token, baseURL: `${edge}/v1` });
    const anyone = createAnthropic({ apiKey: token, baseURL: `${edge}/v1` });
    for (const model of [gpt.chat("gpt-4.1-mini"), gpt("gpt-5.4-mini"), claude("claude-haiku-4-5"), everyone.chat("mistral/mistral-small-latest"), everyone.responses("google/gemini-3.8-flash"), anyone("mistral/mistral-small-latest"), anyone("openai/gpt-4.1-mini")]) {
      assert.equal((await generateText({ model, prompt: "hello" })).text, SAID);
      let text = "";
      for await (const piece of streamText({ model, prompt: "hello" }).textStream) text += piece;
      assert.equal(text, SAID);
    }
    const { embedding } = await embed({ model: gpt.embedding("text-embedding-3-small"), value: "hello" });
    assert.equal(embedding.length, 1536);
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}`);
    console.log(error);
  }
}
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
