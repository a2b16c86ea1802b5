use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::rollup::{Minute, Rollup, RollupState, Source};

fn at() -> Timestamp {
    "2026-09-01T00:01:00.5Z".parse().unwrap()
}

#[test]
fn a_rollup_is_a_line() {
    let rollup = Rollup {
        minute: Minute(29_804_160),
        module: crate::module::Module::Join,
        region: "eu-west".parse().unwrap(),
        source: Source::Server("n1".into()),
        state: RollupState::Measured,
        up_ms: 6_000_000,
        down_ms: 0,
        good: 100,
        bad: 0,
    };
    let leaf = Leaf::json(Kind::Rollup, at(), &rollup).unwrap();
    insta::assert_snapshot!(leaf, @r#"rollup 2026-09-01T00:01:00.5Z {"bad":0,"down_ms":0,"good":100,"minute":29804160,"module":"join","region":"eu-west","source":{"server":"n1"},"state":"measured","up_ms":6000000}"#);
    let read = Leaf::parse(&leaf.to_bytes()).unwrap();
    assert_eq!(read, leaf);
    assert_eq!(read.decode::<Rollup>(), Ok(rollup));
}

#[test]
fn what_is_no_leaf_is_refused() {
    let time = "2026-09-01T00:00:00Z";
    for (bytes, expected) in [
        (String::new(), LeafError::Parts),
        (
            "minute:2026-09-01T00:00Z ok=100 bad=0".into(),
            LeafError::Kind,
        ),
        (format!("rollup {time}"), LeafError::Parts),
        (format!("Rollup {time} x"), LeafError::Kind),
        (format!("{} {time} x", "a".repeat(33)), LeafError::Kind),
        ("note 2026-09-01 x".into(), LeafError::Time),
        ("note 2026-09-01T00:00:00.50Z x".into(), LeafError::Time),
        ("note 2026-09-01T02:00:00+02:00 x".into(), LeafError::Time),
        (format!("note {time} a\nb"), LeafError::NotText(27)),
        (
            format!("note {time} {}", "a".repeat(65_536)),
            LeafError::TooLong(65_562),
        ),
    ] {
        assert_eq!(Leaf::parse(bytes.as_bytes()), Err(expected), "{bytes:.60}");
    }
    let spaced = format!("rollup {time} {{\"a\": 1}}");
    assert!(matches!(
        Leaf::parse(spaced.as_bytes()),
        Err(LeafError::Payload(_))
    ));
    assert_eq!(Leaf::parse(b"note \xff"), Err(LeafError::NotText(5)));
    assert_eq!(Leaf::text(Kind::Note, at(), "{}"), Err(LeafError::Text));
    assert_eq!(
        Leaf::text(Kind::Note, at(), "a\rb"),
        Err(LeafError::NotText(29))
    );
    assert!(Leaf::json(Kind::Note, at(), &[1, 2]).is_err());
    assert!(Leaf::json(Kind::Note, at(), &json!({"a": 0.1})).is_err());
    assert!(
        Leaf::text(Kind::Note, at(), "words")
            .unwrap()
            .decode::<Value>()
            .is_err()
    );
}

#[test]
fn a_kind_that_is_not_known_is_kept() {
    let line = b"fire_drill 2026-09-01T00:00:00Z {\"a\":[1]}";
    let leaf = Leaf::parse(line).unwrap();
    assert!(matches!(leaf.kind(), Kind::Other(_)));
    assert_eq!(leaf.to_bytes(), line);
    assert_eq!(leaf.hash(), Hash::leaf(line));
}

fn payload() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        (1 - (1_i64 << 53)..1 << 53).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(0..1_u64 << 53, 0..4).prop_map(Value::from),
    ];
    prop::collection::btree_map(any::<String>(), field, 0..6)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn instant() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond())
        .prop_map(|ns| Timestamp::from_nanosecond(ns).unwrap())
}

proptest! {
    #[test]
    fn data_come_out_as_they_went_in(data in payload(), at in instant(), kind in "[a-z][a-z0-9_]{0,31}") {
        let leaf = Leaf::json(kind.parse().unwrap(), at, &data).unwrap();
        let read = Leaf::parse(&leaf.to_bytes()).unwrap();
        prop_assert_eq!(read.decode::<Value>().unwrap(), data);
        prop_assert_eq!(read, leaf);
    }

    #[test]
    fn words_come_out_as_they_went_in(text in "[ -z|}~é語]{0,60}", at in instant()) {
        let leaf = Leaf::text(Kind::Note, at, &text).unwrap();
        let read = Leaf::parse(&leaf.to_bytes()).unwrap();
        prop_assert_eq!(read.payload(), text);
        prop_assert_eq!(read, leaf);
    }

    #[test]
    fn what_parses_is_written_the_same(tail in "[{}\":,0-9a \\\\]{0,14}") {
        let line = format!("note 2026-09-01T00:00:00Z {tail}");
        if let Ok(leaf) = Leaf::parse(line.as_bytes()) {
            prop_assert_eq!(leaf.to_bytes(), line.into_bytes());
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Leaf::parse(&bytes);
    }
}
