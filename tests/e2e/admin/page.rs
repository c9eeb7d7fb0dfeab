//! The page that is made of the table.

use std::fmt::Write as _;

use super::table::{Row, Table};

/// How a block of the page begins that is run.
pub(crate) const BLOCK: &str = "```sh\n";

const HEAD: &str = r#"# Admin commands

Every RPC for operators, admins and auditors as a [grpcurl](https://github.com/fullstorydev/grpcurl) command. The page is one shell session from an
empty installation on: a test runs it as it stands, from top to bottom, and compares the answers. It is made of `tests/e2e/admin/commands.toml`:
`KEYWAY_WRITE_DOCS=1 cargo test -p keyway-tests admin` writes it again.

You need `KEYWAY_VAULT` and `KEYWAY_ROUTER` (addresses, `host:port`), `KEYWAY_OPERATOR_TOKEN` in the environment, and for two of the commands
`PROVIDER_KEY` and `PLATFORM_KEY`, keys of providers: `read -rs PROVIDER_KEY` asks for one unseen. Tokens reach grpcurl by the environment and
bodies by standard input, so no secret stands in a command line. In place of `-plaintext`, `-cacert ca.pem` speaks TLS.

```sh
call() { # TOKEN_VARIABLE ADDRESS SERVICE/METHOD, and the request on standard input
  grpcurl -plaintext -expand-headers -H "authorization: Bearer \${$1}" -d @ "$2" "keyway.$3"
}
fields() { # NAME: every field of that name in the answer on standard input
  sed -n "s/^ *\"$1\": *\"\(.*\)\",*$/\1/p"
}
```

An answer is shown by the part that stays; `"*"` is any text. A failure has a code, a stable reason ([errors.md](errors.md)), and a message
for people that says what to do.
"#;

/// The page of a table.
pub(super) fn made_of(table: &Table) -> String {
    let mut page = HEAD.to_owned();
    for section in &table.sections {
        let (title, says) = (&section.title, &section.says);
        write!(page, "\n## {title}\n\n{says}\n").expect("a string takes text");
        for row in &section.rows {
            page.push_str(&one(row));
        }
    }
    page.push_str("\n## What people do not call\n\n");
    for left in &table.left_out {
        let (service, why) = (&left.service, &left.why);
        writeln!(page, "- `{service}`: {why}").expect("a string takes text");
    }
    page
}

fn one(row: &Row) -> String {
    let mut text = format!("\n{}\n\n{BLOCK}{}```\n\n", row.says, command(row));
    if let Some(fails) = &row.fails {
        let (code, reason, message) = (&fails.code, &fails.reason, &fails.message);
        writeln!(text, "fails with {code}, `{reason}`: {message}").expect("a string takes text");
    }
    let answers = row.answers.iter().flatten();
    let answers: Vec<_> = answers.map(|message| format!("{message:#}\n")).collect();
    if !answers.is_empty() {
        write!(text, "```json\n{}```\n", answers.concat()).expect("a string takes text");
    }
    text
}

/// The call as a shell makes it. What is kept goes through a variable, so that it is not shown.
fn command(row: &Row) -> String {
    let place = if row.is_at_router() {
        "KEYWAY_ROUTER"
    } else {
        "KEYWAY_VAULT"
    };
    let name = row.rpc.strip_prefix("keyway.").unwrap_or(&row.rpc);
    let (token, request) = (row.token, &row.request);
    let call = format!("call {token} \"${place}\" {name} <<EOF\n{request}\nEOF\n");
    if row.keeps.is_empty() {
        return call;
    }
    let mut text = format!("answer=$({call})\n");
    for (variable, field) in &row.keeps {
        let which = if field.last { "tail" } else { "head" };
        let name = &field.name;
        let value = format!("$(fields {name} <<<\"$answer\" | {which} -n 1)");
        writeln!(text, "export {variable}={value}").expect("a string takes text");
    }
    text
}
