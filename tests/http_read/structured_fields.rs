//! Structured fields beside the crate `sfv`.

use proptest::prelude::*;
use sfv::{BareItem, FieldType, InnerList, ListEntry, Parser};

use crate::structured::{self, Bare, Item, Member, Parameters};

fn bare(item: &BareItem) -> Bare<'_> {
    match item {
        BareItem::Integer(number) => Bare::Integer((*number).into()),
        BareItem::Decimal(number) => Bare::Decimal(number.as_integer_scaled_1000().into()),
        BareItem::String(text) => Bare::String(text.as_str().into()),
        BareItem::Token(token) => Bare::Token(token.as_str()),
        BareItem::ByteSequence(bytes) => Bare::Bytes(bytes.clone()),
        BareItem::Boolean(boolean) => Bare::Boolean(*boolean),
        BareItem::Date(date) => Bare::Date(date.unix_seconds().into()),
        BareItem::DisplayString(text) => Bare::Display(text.clone()),
    }
}

/// In the order of the field. Of equal keys they keep the place of the first and the value of the last.
fn once<'a, T: Clone>(keys: &[(&'a str, T)]) -> Vec<(&'a str, T)> {
    let mut kept: Vec<(&str, T)> = Vec::new();
    for (key, value) in keys {
        match kept.iter_mut().find(|(known, _)| known == key) {
            Some((_, place)) => *place = value.clone(),
            None => kept.push((key, value.clone())),
        }
    }
    kept
}

fn their_parameters(parameters: &sfv::Parameters) -> Parameters<'_> {
    structured::Keys(parameters.iter().map(|(key, value)| (key.as_str(), bare(value))).collect())
}

fn their_item(item: &sfv::Item) -> Item<'_> {
    Item { bare: bare(&item.bare_item), parameters: their_parameters(&item.params) }
}

fn their_member(entry: &ListEntry) -> Member<'_> {
    match entry {
        ListEntry::Item(item) => Member::Item(their_item(item)),
        ListEntry::InnerList(InnerList { items, params }) => {
            Member::Inner(items.iter().map(their_item).collect(), their_parameters(params))
        }
    }
}

fn our_item<'a>(item: &Item<'a>) -> Item<'a> {
    Item { bare: item.bare.clone(), parameters: structured::Keys(once(&item.parameters.0)) }
}

fn our_member<'a>(member: &Member<'a>) -> Member<'a> {
    match member {
        Member::Item(item) => Member::Item(our_item(item)),
        Member::Inner(items, parameters) => {
            Member::Inner(items.iter().map(our_item).collect(), structured::Keys(once(&parameters.0)))
        }
    }
}

/// Both readers say the same of these bytes.
pub(crate) fn compare(field: &[u8]) {
    let theirs = Parser::new(field).parse::<sfv::List>().ok();
    let theirs = theirs.as_ref().map(|list| list.iter().map(their_member).collect::<Vec<_>>());
    let ours = structured::list(field);
    let ours = ours.as_ref().map(|list| list.iter().map(our_member).collect::<Vec<_>>());
    assert_eq!(ours, theirs, "as a list: {:?}", field.escape_ascii().to_string());

    let theirs = Parser::new(field).parse::<sfv::Dictionary>().ok();
    let theirs = theirs.as_ref().map(|members| {
        members.iter().map(|(key, entry)| (key.as_str(), their_member(entry))).collect::<Vec<_>>()
    });
    let ours = structured::dictionary(field);
    let ours = ours.as_ref().map(|members| {
        let members: Vec<_> = members.0.iter().map(|(key, member)| (*key, our_member(member))).collect();
        once(&members)
    });
    assert_eq!(ours, theirs, "as a dictionary: {:?}", field.escape_ascii().to_string());
}

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
