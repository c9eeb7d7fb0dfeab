//! Page tokens: a position reads back for its own question, and nothing else reads at all.

use keyway_vault_crypto::{DataKey, PageKey, page};

use crate::bytes::{Bytes, Repeats, changed};

pub(crate) fn holds(data: &[u8]) {
    let key = DataKey::generate(&mut Repeats(b"the system's data key")).expect("it never fails");
    let key = PageKey::derive(&key);
    let mut bytes = Bytes::new(data);
    if bytes.byte() == 0 {
        let text = String::from_utf8_lossy(bytes.rest()).into_owned();
        assert!(page::read(&key, &["ListKeys"], &text).is_err(), "nobody made it, and it reads");
        return;
    }
    let question = [bytes.text(), bytes.text()];
    let (at, by) = (usize::from(bytes.byte()), bytes.byte());
    let position = bytes.rest();
    let token = page::write(&key, &question, position);
    let read = page::read(&key, &question, &token);
    // Its length has a bound, in characters.
    assert_eq!(read.is_ok(), token.len() <= 2048, "{}", token.len());
    let Ok(found) = read else { return };
    assert_eq!(found, position);
    assert!(page::read(&key, &[question[0]], &token).is_err(), "it reads for another question");
    if let Some(other) = changed(token.as_bytes(), at, by)
        && let Ok(other) = String::from_utf8(other)
    {
        assert!(!reads(&key, &question, &other), "it reads although it was changed");
    }
}

fn reads(key: &PageKey, question: &[&str], token: &str) -> bool {
    if cfg!(feature = "seeded-bug") && token.contains('+') {
        // Takes the other alphabet of base64 for this one.
        let other = token.replace('+', "-");
        return page::read(key, question, &other).is_ok();
    }
    page::read(key, question, token).is_ok()
}
