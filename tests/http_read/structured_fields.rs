//! Structured fields beside the crate `sfv`.

use proptest::prelude::*;
use sfv::{FieldType, Parser};

use crate::http_structured::http_structured as compare;
use crate::structured::{self, Bare, Member};

/// Pieces of fields, so that random ones are often right or nearly right.
const PIECES: [&str; 48] = [
    "a",
    "b",
    "*",
    "limit",
    "remaining=",
    "q=",
    ";w=",
    ";r=",
    ";t=",
    "=",
    ";",
    ",",
    ", ",
    " ,",
    "\t,\t",
    " ",
    "  ",
    "(",
    ")",
    "\"",
    "\"minute\"",
    "\"\\\"\\\\\"",
    "\"\\x\"",
    "\\",
    "?0",
    "?1",
    "?2",
    "@",
    "@1795622400",
    "@-1",
    "@1.5",
    "0",
    "1",
    "-",
    "-7",
    "999999999999999",
    "1000000000000000",
    "123456789012.125",
    "1234567890123.1",
    "1.",
    ".5",
    "1.2345",
    ":",
    ":dXNlcg==:",
    ":dXNlcg:",
    ":dXN=:",
    "%\"f%c3%bc\"",
    "%\"%C3%BC\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_pieces(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12)) {
        compare(pieces.concat().as_bytes());
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        compare(&bytes);
    }

    #[test]
    fn any_characters(text in "[ -~\t]{0,10}") {
        compare(text.as_bytes());
    }

    #[test]
    fn any_base64(text in "[a-cA-C0-2+/=]{0,9}") {
        compare(format!(":{text}:").as_bytes());
    }

    #[test]
    fn any_number(text in "-?[0-9]{0,16}(\\.[0-9]{0,4})?") {
        compare(text.as_bytes());
    }

    /// A right field with one byte changed.
    #[test]
    fn nearly_right(at in any::<prop::sample::Index>(), byte in any::<u8>(), field in 0_usize..4) {
        let fields = [
            "\"minute\";r=49;t=60, \"hour\";r=1499;t=3600;pk=:dXNlcg==:",
            "limit=100, remaining=50, reset=30",
            "100;w=60, 2000;w=3600;comment=\"an hour\"",
            "a=(1 2;x);y, b=%\"f%c3%bc\", c=@12",
        ];
        let mut bytes = fields[field].as_bytes().to_vec();
        compare(&bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        compare(&bytes);
    }
}

#[test]
fn a_value_of_a_field() {
    let field = b"\"a\\\"b\";q=100;w=60;q=50;pk=:AQID:, tok/en;b;c=?0;d=-1.25, (1 2);x";
    let members = structured::list(field).unwrap();
    let Member::Item(item) = &members[0] else { panic!() };
    assert_eq!(item.bare, Bare::String("a\"b".into()));
    assert_eq!(item.parameters.get("q"), Some(&Bare::Integer(50))); // the later one counts
    assert_eq!(item.parameters.get("pk"), Some(&Bare::Bytes(vec![1, 2, 3])));
    assert_eq!(item.parameters.get("x"), None);
    let Member::Item(item) = &members[1] else { panic!() };
    assert_eq!(item.bare, Bare::Token("tok/en"));
    assert_eq!(item.parameters.get("b"), Some(&Bare::Boolean(true)));
    assert_eq!(item.parameters.get("d"), Some(&Bare::Decimal(-1250)));
    assert!(matches!(&members[2], Member::Inner(items, _) if items.len() == 2));
    compare(field);
    // A length that a recursive reader would not survive.
    compare("(".repeat(4096).as_bytes());
    compare("a,".repeat(2048).as_bytes());
}

#[test]
fn serialized_fields_are_read_back() {
    let field = "\"a\";q=1, b;w=2.5;x=?0, (1 \"c\");y=:AQI=:, @-5, %\"%c3%bc\"";
    let list: sfv::List = Parser::new(field).parse().unwrap();
    assert_eq!(list.serialize().as_deref(), Some(field));
    assert_eq!(structured::list(field.as_bytes()).unwrap().len(), 5);
}
