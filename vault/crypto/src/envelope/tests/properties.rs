use proptest::prelude::*;

use super::*;

/// Owner, provider, name, row id and version, often alike in all but where one field ends and the
/// next begins.
type Place = ([String; 4], u64);

fn place() -> impl Strategy<Value = Place> {
    (proptest::array::uniform4("[ab/]{0,3}"), 0_u64..3)
}

fn context((texts, version): &Place) -> SealContext<'_> {
    let [owner, provider, name, row_id] = texts;
    SealContext {
        owner,
        provider,
        name,
        row_id,
        version: *version,
        data_key_id: "dk-1",
    }
}

proptest! {
    #[test]
    fn an_envelope_opens_in_one_place_only(
        here in place(),
        there in place(),
        text in "[!-~]{8,64}",
    ) {
        let key = data_key();
        let envelope = sealed(&key, &context(&here), &text);
        let opened = open(&key, &context(&here), &envelope).unwrap();
        prop_assert_eq!(opened.expose(), text);
        prop_assert_eq!(open(&key, &context(&there), &envelope).is_ok(), here == there);
    }

    #[test]
    fn fields_that_join_to_the_same_text_are_different_places(text in "[a-z]{4,12}", cut in 1_usize..3) {
        let (owner, provider) = text.split_at(cut);
        let (other_owner, other_provider) = text.split_at(cut + 1);
        let key = data_key();
        let envelope = sealed(&key, &SealContext { owner, provider, ..CONTEXT }, SECRET);
        let there = SealContext { owner: other_owner, provider: other_provider, ..CONTEXT };
        prop_assert_eq!(refused(&key, &there, &envelope), CryptoError::CommitmentMismatch);
    }

    #[test]
    fn any_bytes_at_all_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&data_key(), &CONTEXT, &bytes).is_err());
        let headed = [&b"KWE\x01\x01\x04dk-1"[..], &bytes].concat();
        prop_assert!(open(&data_key(), &CONTEXT, &headed).is_err());
    }
}
