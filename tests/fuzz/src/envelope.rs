//! The sealed format: nothing panics it, what was sealed opens in its place, and nothing opens that
//! was not sealed, or not there, or not like this.

use keyway_vault_crypto::{
    CryptoError, DataKey, MasterKey, SealContext, WrapContext, key_id, open, seal, unwrap, wrap,
};
use keyway_words::Secret;

use crate::bytes::{Bytes, Repeats, changed};

pub(crate) fn holds(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    match bytes.byte() {
        0 => refused(bytes.rest()),
        1 => sealed(bytes),
        _ => wrapped(bytes),
    }
}

fn data_key() -> DataKey {
    DataKey::generate(&mut Repeats(b"a data key of the fuzz targets")).expect("it never fails")
}

fn master_key() -> MasterKey {
    MasterKey::generate(&mut Repeats(b"a master key")).expect("it never fails")
}

const PLACE: SealContext<'static> = SealContext {
    owner: "workspaces/acme",
    provider: "openai",
    name: "default",
    row_id: "018f2b7e-0000-7000-8000-000000000001",
    version: 7,
    data_key_id: "dk-1",
};

/// Bytes that nobody sealed.
fn refused(envelope: &[u8]) {
    let id = named(envelope);
    let Err(error) = open(&data_key(), &PLACE, envelope) else {
        panic!("bytes that nobody sealed have opened");
    };
    match id {
        Err(of_header) => assert_eq!((of_header, error), (CryptoError::Malformed, of_header)),
        Ok(id) => {
            assert!((1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
            let another = error == CryptoError::KeyIdUnknown;
            assert_eq!(another, id != PLACE.data_key_id, "{error}");
        }
    }
    let place = WrapContext { owner: "system", data_key_id: "dk-1", generation: 1 };
    assert!(unwrap(&master_key(), &place, envelope).is_err());
}

fn named(envelope: &[u8]) -> Result<&str, CryptoError> {
    if cfg!(feature = "seeded-bug") && envelope.starts_with(b"KWE\x01\x01") {
        // Believes the length in the header.
        let length = usize::from(envelope.get(5).copied().unwrap_or_default());
        let id = envelope.get(6..6 + length).expect("the header says so");
        assert!(!id.is_empty());
    }
    key_id(envelope)
}

/// A secret in a place that the bytes choose.
fn sealed(mut bytes: Bytes<'_>) {
    let place = SealContext {
        owner: bytes.text(),
        provider: bytes.text(),
        name: bytes.text(),
        row_id: bytes.text(),
        version: u64::from(bytes.byte()),
        data_key_id: bytes.text(),
    };
    let secret = bytes.text();
    let (at, by) = (usize::from(bytes.byte()), bytes.byte());
    let key = data_key();
    let random = &mut Repeats(bytes.rest());
    let Ok(envelope) = seal(&key, &place, &Secret::new(secret.to_owned()), random) else {
        return; // out of bounds, which names no place
    };
    assert_eq!(key_id(&envelope), Ok(place.data_key_id));
    let opened = open(&key, &place, &envelope).expect("what was sealed opens");
    assert_eq!(opened.expose(), secret);
    let elsewhere = SealContext { version: place.version + 1, ..place };
    assert!(open(&key, &elsewhere, &envelope).is_err(), "it opens elsewhere");
    if let Some(envelope) = changed(&envelope, at, by) {
        assert!(open(&key, &place, &envelope).is_err(), "it opens although it was changed");
    }
}

/// A data key in a place that the bytes choose.
fn wrapped(mut bytes: Bytes<'_>) {
    let place = WrapContext {
        owner: bytes.text(),
        data_key_id: bytes.text(),
        generation: u64::from(bytes.byte()),
    };
    let (at, by) = (usize::from(bytes.byte()), bytes.byte());
    let (master, key) = (master_key(), data_key());
    let Ok(envelope) = wrap(&master, &place, &key, &mut Repeats(bytes.rest())) else {
        return;
    };
    assert_eq!(key_id(&envelope), Ok(master.id().as_str()));
    assert!(unwrap(&master, &place, &envelope).is_ok(), "what was wrapped unwraps");
    let elsewhere = WrapContext { generation: place.generation + 1, ..place };
    assert!(unwrap(&master, &elsewhere, &envelope).is_err(), "it unwraps elsewhere");
    if let Some(envelope) = changed(&envelope, at, by) {
        assert!(unwrap(&master, &place, &envelope).is_err(), "it unwraps although it was changed");
    }
}
