//! The tables as a document.

use std::fmt::Write as _;

use super::Cell;

/// A feature, what it is in the neutral schema, and a cell per endpoint.
pub(super) type Row = (&'static str, &'static str, Vec<Cell>);
/// A path, titles of the endpoints, and a row per feature.
type Table = (&'static str, Vec<&'static str>, Vec<Row>);

pub(super) fn of(tables: &[Table]) -> String {
    let mut text = String::from(HEAD);
    for (path, titles, rows) in tables {
        writeln!(
            text,
            "\n## `{path}`\n\n| feature | in the neutral schema | {} |",
            titles.join(" | ")
        )
        .unwrap();
        writeln!(text, "|---|---|{}", "---|".repeat(titles.len())).unwrap();
        for (name, neutral, cells) in rows {
            let cells = cells.iter().map(|cell| match cell {
                Cell::Works => "works".to_owned(),
                Cell::Refused { reason, message } => format!("**`{reason}`**: {message}"),
                Cell::NoPlace(why) => format!("no place in this shape: {why}"),
            });
            let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
            let cells = cells.collect::<Vec<_>>().join(" | ");
            writeln!(text, "| {name} | {neutral} | {cells} |").unwrap();
        }
    }
    text
}

const HEAD: &str = "\
# Three shapes for every provider

`/v1/chat/completions`, `/v1/responses`, `/v1/embeddings` and `/v1/models` on the router's port take requests in OpenAI's shapes,
`/v1/messages` in Anthropic's, and reach every provider through the neutral schema. The base URL is `http://HOST:7103/v1`, for
Anthropic's SDKs `http://HOST:7103`, the API key a call token, a model `provider/model` or an alias, as with gRPC.

- What the neutral schema can't say is refused by the field's name (`param`, or the first word of the message), never dropped; so are
  fields that nobody knows. Values that change nothing (`n: 1`, `store: false`, `frequency_penalty: 0`) pass.
- `metadata` becomes labels, `user` or `safety_identifier` the caller's own user, the header `idempotency-key` the request id. In
  messages the user is `metadata.user_id`, and labels stand in `keyway.labels`.
- Beside the shape's own fields a request may have `keyway` (with the SDKs: `extra_body={\"keyway\": …}`): `provider_options`, an
  object of the provider's own fields; `credential_mode`; `reasoning_budget_tokens`; and what a shape has no place for: `seed` and
  `stop` in responses, `seed`, `schema_name` and `schema_strict` in messages. An answer has `keyway` too: `finish_reason` and
  `provider_finish` in the neutral schema's and the provider's words, and the `receipt`; of a stream, the event with the end.
- `usage` is left out or `null` where the provider said nothing. In messages the event `message_start` has zeros, since clients demand
  numbers before any are known; the true ones are in `message_delta`.
- Nothing is stored: `store: true`, `previous_response_id`, `conversation`, `background` and `item_reference` are refused; so are
  built-in tools. Where `store` is left out it is `false`, and reasoning always has its `encrypted_content`.
- Tokens can't be counted before a call at `/v1/messages/count_tokens`: not every provider can; those that do have it below their own
  base URL.
- What a provider needs back of its reasoning is sealed for the workspace and bound to the provider; a changed seal is refused, and
  another provider than the one that made it gets none. In messages it is the `signature` of a `thinking` block (or the `data` of a
  redacted one), in responses the `encrypted_content` of a `reasoning` item, and all reasoning goes back. In chat completions reasoning
  is readable in `reasoning_content`, which need not be given back: signatures, and the reasoning before a call, travel in the `id` of
  the tool call; reasoning that its provider did not sign, or that came after an answer's last call, is not given back. Ids of
  calls are sealed wherever a provider signs the call itself; such ids are long.
- An answer that its provider cut for reasons of its own has the `finish_reason` `content_filter` (in messages the `stop_reason`
  `refusal`), one that it asks to continue `length` (in messages `pause_turn`).
- In messages a call's `input` that is no JSON object stands there as a text.

The tables are made by `KEYWAY_WRITE_DOCS=1 cargo test -p keyway-tests features` on a workspace's own key against the simulator, and kept
current by the same test. *works* means: whole and streamed, the provider was sent byte for byte what the same request by gRPC
makes it be sent (`docs/providers.md`), and both answers say the same. Anything else is the error's exact text.
";
