use super::*;
use crate::OsRandom;

mod properties;

/// The same bytes each time: tests that compare need it.
struct Fixed(u8);

impl Random for Fixed {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        bytes.fill(self.0);
        Ok(())
    }
}

struct Dry;

impl Random for Dry {
    fn fill(&mut self, _bytes: &mut [u8]) -> Result<(), NoRandomness> {
        Err(NoRandomness)
    }
}

const CONTEXT: SealContext<'static> = SealContext {
    owner: "workspaces/acme",
    provider: "openai",
    name: "default",
    row_id: "018f2b7e-0000-7000-8000-000000000001",
    version: 7,
    data_key_id: "dk-1",
};
const WRAP: WrapContext<'static> = WrapContext {
    owner: "workspaces/acme",
    data_key_id: "dk-1",
    generation: 3,
};
const SECRET: &str = "sk-keyway-test-0123456789abcdef";

fn data_key() -> DataKey {
    DataKey::generate(&mut OsRandom).unwrap()
}

fn sealed(key: &DataKey, context: &SealContext<'_>, text: &str) -> Vec<u8> {
    seal(key, context, &Secret::new(text.to_owned()), &mut OsRandom).unwrap()
}

/// The error of an envelope that must not open.
fn refused(key: &DataKey, context: &SealContext<'_>, envelope: &[u8]) -> CryptoError {
    open(key, context, envelope).expect_err("the envelope opened")
}

#[test]
fn an_envelope_names_its_key_and_opens_in_its_own_place() {
    let key = data_key();
    let envelope = sealed(&key, &CONTEXT, SECRET);
    assert_eq!(key_id(&envelope), Ok("dk-1"));
    assert_eq!(open(&key, &CONTEXT, &envelope).unwrap().expose(), SECRET);
    assert_eq!(envelope.len(), FIXED + "dk-1".len() + SECRET.len() + TAG);
    assert_eq!(
        envelope.capacity(),
        envelope.len(),
        "it grew while it held the plaintext"
    );
}

#[test]
fn a_changed_place_does_not_open_whichever_field_is_changed() {
    let key = data_key();
    let envelope = sealed(&key, &CONTEXT, SECRET);
    let elsewhere = [
        SealContext {
            owner: "workspaces/other",
            ..CONTEXT
        },
        SealContext {
            owner: "platform",
            ..CONTEXT
        },
        SealContext {
            provider: "anthropic",
            ..CONTEXT
        },
        SealContext {
            name: "spare",
            ..CONTEXT
        },
        SealContext {
            row_id: "018f2b7e-0000-7000-8000-000000000002",
            ..CONTEXT
        },
        SealContext {
            version: 8,
            ..CONTEXT
        },
    ];
    for context in elsewhere {
        let error = refused(&key, &context, &envelope);
        assert_eq!(error, CryptoError::CommitmentMismatch, "{context:?}");
    }
}

#[test]
fn an_envelope_of_another_data_key_id_is_refused_by_its_id_alone() {
    let key = data_key();
    let envelope = sealed(
        &key,
        &SealContext {
            data_key_id: "dk-2",
            ..CONTEXT
        },
        SECRET,
    );
    assert_eq!(
        refused(&key, &CONTEXT, &envelope),
        CryptoError::KeyIdUnknown
    );
}

#[test]
fn a_header_that_is_rewritten_to_the_right_id_does_not_help() {
    let key = data_key();
    let mut envelope = sealed(
        &key,
        &SealContext {
            data_key_id: "dk-2",
            ..CONTEXT
        },
        SECRET,
    );
    let at = MAGIC.len() + 3 + "dk-".len();
    envelope[at] = b'1';
    assert_eq!(
        refused(&key, &CONTEXT, &envelope),
        CryptoError::CommitmentMismatch
    );
}

#[test]
fn other_key_bytes_under_the_right_id_are_told_from_tampering() {
    let key = data_key();
    let mut envelope = sealed(&key, &CONTEXT, SECRET);
    assert_eq!(
        refused(&data_key(), &CONTEXT, &envelope),
        CryptoError::CommitmentMismatch
    );
    *envelope.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&key, &CONTEXT, &envelope), CryptoError::Tampered);
}

#[test]
fn every_single_bit_flip_is_refused() {
    let key = data_key();
    let envelope = sealed(&key, &CONTEXT, SECRET);
    let salt = MAGIC.len() + 3 + CONTEXT.data_key_id.len();
    let nonce = salt + SALT + COMMITMENT;
    for bit in 0..envelope.len() * 8 {
        let at = bit / 8;
        let mut flipped = envelope.clone();
        flipped[at] ^= 1 << (bit % 8);
        let error = refused(&key, &CONTEXT, &flipped);
        let header = matches!(error, CryptoError::Malformed | CryptoError::KeyIdUnknown);
        let expected = if at < salt {
            header
        } else if at < nonce {
            error == CryptoError::CommitmentMismatch
        } else if at < nonce + NONCE {
            error == CryptoError::Tampered
        } else if at < nonce + NONCE + 2 {
            error == CryptoError::Malformed
        } else {
            error == CryptoError::Tampered
        };
        assert!(expected, "bit {bit}: {error:?}");
    }
}

#[test]
fn every_truncation_and_every_trailing_byte_is_refused() {
    let key = data_key();
    let envelope = sealed(&key, &CONTEXT, SECRET);
    for length in 0..envelope.len() {
        let error = refused(&key, &CONTEXT, &envelope[..length]);
        assert_eq!(error, CryptoError::Malformed, "cut to {length}");
    }
    for extra in [&[0][..], b"KWE", &envelope] {
        let longer = [&envelope, extra].concat();
        assert_eq!(refused(&key, &CONTEXT, &longer), CryptoError::Malformed);
    }
}

#[test]
fn equal_plaintexts_give_different_envelopes() {
    let key = data_key();
    let mut envelopes: Vec<Vec<u8>> = (0..100).map(|_| sealed(&key, &CONTEXT, SECRET)).collect();
    let of = |envelope: &Vec<u8>| envelope[envelope.len() - SECRET.len() - TAG..].to_vec();
    let mut ciphertexts: Vec<Vec<u8>> = envelopes.iter().map(of).collect();
    envelopes.sort();
    envelopes.dedup();
    ciphertexts.sort();
    ciphertexts.dedup();
    assert_eq!((envelopes.len(), ciphertexts.len()), (100, 100));
}

#[test]
fn no_part_of_the_plaintext_stands_in_the_envelope() {
    let envelope = sealed(&data_key(), &CONTEXT, SECRET);
    for piece in SECRET.as_bytes().windows(8) {
        assert!(!envelope.windows(8).any(|window| window == piece));
    }
}

#[test]
fn a_data_key_unwraps_only_with_its_master_key_and_in_its_place() {
    let master = MasterKey::generate(&mut OsRandom).unwrap();
    let key = data_key();
    let wrapped = wrap(&master, &WRAP, &key, &mut OsRandom).unwrap();
    assert_eq!(key_id(&wrapped), Ok(master.id().as_str()));

    let same = unwrap(&master, &WRAP, &wrapped).unwrap();
    let envelope = sealed(&key, &CONTEXT, SECRET);
    assert_eq!(open(&same, &CONTEXT, &envelope).unwrap().expose(), SECRET);

    let other = MasterKey::generate(&mut OsRandom).unwrap();
    assert_eq!(
        unwrap(&other, &WRAP, &wrapped).err(),
        Some(CryptoError::KeyIdUnknown)
    );
    let elsewhere = [
        WrapContext {
            owner: "workspaces/other",
            ..WRAP
        },
        WrapContext {
            data_key_id: "dk-2",
            ..WRAP
        },
        WrapContext {
            generation: 4,
            ..WRAP
        },
    ];
    for context in elsewhere {
        let error = unwrap(&master, &context, &wrapped).err();
        assert_eq!(error, Some(CryptoError::CommitmentMismatch), "{context:?}");
    }
}

#[test]
fn every_single_bit_flip_and_truncation_of_a_wrapped_data_key_is_refused() {
    let master = MasterKey::generate(&mut OsRandom).unwrap();
    let wrapped = wrap(&master, &WRAP, &data_key(), &mut OsRandom).unwrap();
    for bit in 0..wrapped.len() * 8 {
        let mut flipped = wrapped.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(unwrap(&master, &WRAP, &flipped).is_err(), "bit {bit}");
        assert!(
            unwrap(&master, &WRAP, &wrapped[..bit / 8]).is_err(),
            "cut to {}",
            bit / 8
        );
    }
}

#[test]
fn a_secret_and_a_wrapped_key_never_pass_for_each_other() {
    // The same bytes as data key and as master key: only the domain differs.
    let text = format!("keyway-master-v1:{}\n", "A".repeat(43) + "=");
    let master = MasterKey::parse_file(&text).unwrap();
    let key = DataKey::from_slice(&[0; KEY_LENGTH]).unwrap();
    let id = master.id();
    let context = SealContext {
        data_key_id: &id,
        ..CONTEXT
    };

    let wrapped = wrap(&master, &WRAP, &key, &mut OsRandom).unwrap();
    assert_eq!(
        refused(&key, &context, &wrapped),
        CryptoError::CommitmentMismatch
    );
    let envelope = sealed(&key, &context, &"x".repeat(KEY_LENGTH));
    assert_eq!(
        unwrap(&master, &WRAP, &envelope).err(),
        Some(CryptoError::CommitmentMismatch)
    );
}

#[test]
fn the_format_is_pinned() {
    let key = DataKey::from_slice(&[1; KEY_LENGTH]).unwrap();
    let secret = Secret::new("sk-keyway-test".into());
    let envelope = seal(&key, &CONTEXT, &secret, &mut Fixed(9)).unwrap();
    assert_eq!(hex::encode(envelope), include_str!("pinned.hex").trim_end());
}

#[test]
fn the_format_of_a_wrapped_data_key_is_pinned() {
    // Worked out with another program; no byte of the key is like the next.
    let text = "keyway-master-v1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    let master = MasterKey::parse_file(text).unwrap();
    let key = DataKey::from_slice(&[1; KEY_LENGTH]).unwrap();
    let wrapped = wrap(&master, &WRAP, &key, &mut Fixed(9)).unwrap();
    let pinned = include_str!("pinned_wrap.hex").trim_end();
    assert_eq!(hex::encode(wrapped), pinned);
}

#[test]
fn sixteen_kibibytes_and_a_context_of_one_kibibyte_are_the_most() {
    let key = data_key();
    let length = CONTEXT.canonical().unwrap().len();
    let fits = "n".repeat(1024 - length + CONTEXT.name.len());
    let over = format!("{fits}n");
    let at = |name, length| {
        let secret = Secret::new("a".repeat(length));
        let context = SealContext { name, ..CONTEXT };
        seal(&key, &context, &secret, &mut OsRandom).is_ok()
    };
    assert!(at(&fits, 16_384));
    assert!(!at(&over, 16_384));
    assert!(!at(&fits, 16_385));
}

#[test]
fn what_is_outside_the_bounds_is_refused_before_anything_is_sealed() {
    let key = data_key();
    let try_seal = |context: &SealContext<'_>, length: usize| {
        seal(
            &key,
            context,
            &Secret::new("a".repeat(length)),
            &mut OsRandom,
        )
        .err()
    };
    assert_eq!(try_seal(&CONTEXT, MAX_PLAINTEXT), None);
    assert_eq!(try_seal(&CONTEXT, 0), None);
    assert_eq!(try_seal(&CONTEXT, MAX_PLAINTEXT + 1), Some(PLAINTEXT_BOUND));
    for id in ["", "with space", "é", &"i".repeat(MAX_KEY_ID + 1)] {
        let context = SealContext {
            data_key_id: id,
            ..CONTEXT
        };
        assert_eq!(try_seal(&context, 8), Some(KEY_ID_BOUND), "{id}");
    }
    for length in [1000, 70_000] {
        let name = "n".repeat(length);
        let error = try_seal(
            &SealContext {
                name: &name,
                ..CONTEXT
            },
            8,
        );
        assert!(
            matches!(error, Some(CryptoError::OutOfBounds { .. })),
            "{length}"
        );
    }
}

#[test]
fn without_randomness_nothing_is_sealed() {
    let secret = Secret::new(SECRET.to_owned());
    let error = seal(&data_key(), &CONTEXT, &secret, &mut Dry).err();
    assert_eq!(error, Some(CryptoError::NoRandomness(NoRandomness)));
}
