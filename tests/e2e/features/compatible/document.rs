//! The tables as a document.

use std::fmt::Write as _;

use super::Cell;

/// Titles of the endpoints, and a row per feature.
type Table = (
    Vec<&'static str>,
    Vec<(&'static str, &'static str, Vec<Cell>)>,
);

pub(super) fn of(tables: &[Table]) -> String {
    let mut text = String::from(HEAD);
    for (titles, rows) in tables {
        writeln!(
            text,
            "\n| feature | in the neutral schema | {} |",
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
# OpenAI's shape for every provider

`/v1/chat/completions`, `/v1/embeddings` and `/v1/models` on the router's port take requests in OpenAI's shape and reach every
provider through the neutral schema. The base URL is `http://HOST:7103/v1`, the API key a call token, a model
`provider/model` or an alias, as with gRPC.

- What the neutral schema can't say is refused by the field's name (`param`), never dropped; so are fields that nobody knows. Values
  that change nothing (`n: 1`, `store: false`, `frequency_penalty: 0`) pass.
- `metadata` becomes labels, `user` or `safety_identifier` the caller's own user, the header `idempotency-key` the request id.
- Beside OpenAI's fields a request may have `keyway` (with the SDKs: `extra_body={\"keyway\": …}`): `provider_options`, an object of the
  provider's own fields; `credential_mode`; `reasoning_budget_tokens`. An answer has `keyway` too: `finish_reason` and
  `provider_finish` in the neutral schema's and the provider's words, and the `receipt`; of a stream, the chunk with the `finish_reason`.
- `usage` is left out, or `null` in the chunk that `stream_options.include_usage` asks for, where the provider said nothing.
- Reasoning is readable in `reasoning_content`, which need not be given back. What the provider needs back (signatures, and the
  reasoning before a call) travels in the `id` of the tool call, sealed for the workspace; such ids are long, and a changed one is
  refused. Reasoning that its provider did not sign, or that came after an answer's last call, is not given back; another provider
  than the one that made it gets none.
- An answer that its provider cut for reasons of its own has the `finish_reason` `content_filter`, one that it asks to continue
  `length`.

The tables are made by `KEYWAY_WRITE_DOCS=1 cargo test -p keyway-tests features` on a workspace's own key against the simulator, and kept
current by the same test. *works* means: whole and streamed, the provider was sent byte for byte what the same request by gRPC
makes it be sent (`docs/providers.md`), and both answers say the same. Anything else is the error's exact text.
";
