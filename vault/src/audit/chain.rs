//! A chain: each row's hash covers the one before it, so that a row can't be changed, dropped or
//! moved without a later hash being wrong.

use sha2::{Digest as _, Sha256};

use crate::store::audit::Row;

/// A SHA-256 value.
pub(crate) type Hash = [u8; 32];

/// What stands before the first row.
pub(crate) const BEFORE_FIRST: Hash = [0; 32];

/// The form in which rows are written now.
pub(crate) const FORM: i64 = 2;

/// The hash that a row must have behind `before`; `None` for a row that no vault writes: of an
/// unknown form, or with a column filled that its form does not cover.
///
/// It is SHA-256 over the form's domain, the hash before, and the columns, each with its length
/// (8 bytes, big-endian) before it. Numbers are 8 bytes, big-endian.
pub(crate) fn hash(before: &[u8], row: &Row) -> Option<Hash> {
    let domain: &[u8] = match row.form {
        1 if row.source.is_empty() && row.trace_id.is_empty() => b"keyway/audit/v1",
        2 => b"keyway/audit/v2",
        _ => return None,
    };
    let (sequence, time) = (row.sequence.to_be_bytes(), row.time.to_be_bytes());
    let mut digest = Sha256::new();
    add(&mut digest, &[domain, before, row.chain.as_bytes()]);
    add(&mut digest, &[&sequence, &time]);
    let texts = [
        &row.accessor,
        &row.subject,
        &row.rpc,
        &row.resource,
        &row.decision,
        &row.reason,
        &row.facts,
    ];
    add(&mut digest, &texts.map(String::as_bytes));
    if row.form == 2 {
        add(
            &mut digest,
            &[row.source.as_bytes(), row.trace_id.as_bytes()],
        );
    }
    Some(digest.finalize().into())
}

fn add(digest: &mut Sha256, parts: &[&[u8]]) {
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(form: i64) -> Row {
        let text = |text: &str| text.to_owned();
        Row {
            chain: text("workspaces/acme"),
            sequence: 3,
            time: 1_795_478_400_000_000,
            accessor: text("a1"),
            subject: text("service:ci"),
            rpc: text("keyway.vault.v1.KeyService/PutKey"),
            resource: text("workspaces/acme/keys/openai/default"),
            decision: text("ALLOWED"),
            reason: String::new(),
            facts: text("{\"version\":1}"),
            hash: Vec::new(),
            form,
            source: String::new(),
            trace_id: String::new(),
        }
    }

    /// Both were worked out with Python's `hashlib`; they must stay as they are for ever.
    #[test]
    fn the_bytes_of_both_forms_are_pinned() {
        let first = hash(&BEFORE_FIRST, &row(1)).unwrap();
        assert_eq!(hex::encode(first), FORM_1);
        let from = |form| Row {
            source: "192.0.2.7".to_owned(),
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            ..row(form)
        };
        assert_eq!(hex::encode(hash(&first, &from(2)).unwrap()), FORM_2);
        assert_eq!(hash(&first, &from(1)), None, "what the form does not cover");
    }

    #[test]
    fn every_column_and_the_hash_before_are_covered() {
        let changes: [fn(&mut Row); 13] = [
            |row| row.chain.push('x'),
            |row| row.sequence += 1,
            |row| row.time += 1,
            |row| row.accessor.push('x'),
            |row| row.subject.push('x'),
            |row| row.rpc.push('x'),
            |row| row.resource.push('x'),
            |row| row.decision.push('x'),
            |row| row.reason.push('x'),
            |row| row.facts.push('x'),
            |row| row.form = 1,
            |row| row.source.push('x'),
            |row| row.trace_id.push('x'),
        ];
        let good = hash(&BEFORE_FIRST, &row(FORM)).unwrap();
        for (at, change) in changes.iter().enumerate() {
            let mut changed = row(FORM);
            change(&mut changed);
            assert_ne!(hash(&BEFORE_FIRST, &changed), Some(good), "change {at}");
        }
        assert_ne!(hash(&[1; 32], &row(FORM)), Some(good));
        // A character that moves from one column to the next is a change.
        let mut moved = row(FORM);
        moved.subject.insert(0, moved.accessor.pop().unwrap());
        assert_ne!(hash(&BEFORE_FIRST, &moved), Some(good));
    }

    const FORM_1: &str = "abc8ae220725534c058253ce47634e5ed5543d79416960631af661032ff85c71";
    const FORM_2: &str = "f00ac993879cfc2d6bab3bae58d2d10d7f1e4cc245481cc47ecd0431985ee9f1";
}
