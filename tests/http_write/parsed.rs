//! The fields as the crate `sfv` reads them.

use http::HeaderValue;
use sfv::{BareItem, Dictionary, GenericBareItem, Item, List, ListEntry, Parser};

/// One item of `RateLimit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) r: u64,
    pub(crate) t: u64,
    pub(crate) pk: Option<Vec<u8>>,
}

/// One item of `RateLimit-Policy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) name: String,
    pub(crate) q: u64,
    pub(crate) w: u64,
    pub(crate) qu: Option<String>,
}

fn list(value: &HeaderValue) -> Vec<Item> {
    let list: List = Parser::new(value.as_bytes()).parse().unwrap();
    list.into_iter()
        .map(|entry| match entry {
            ListEntry::Item(item) => item,
            ListEntry::InnerList(list) => panic!("a list of lists: {list:?}"),
        })
        .collect()
}

fn name(item: &Item) -> String {
    match &item.bare_item {
        GenericBareItem::String(name) => name.as_str().to_owned(),
        other => panic!("a name is a String, not {other:?}"),
    }
}

fn integer(value: &BareItem) -> u64 {
    match value {
        GenericBareItem::Integer(integer) => u64::try_from(i64::from(*integer)).unwrap(),
        other => panic!("an Integer was expected, not {other:?}"),
    }
}

/// The parameters, each of which is expected by one of `known`.
fn parameter<'a>(item: &'a Item, name: &str, known: &[&str]) -> Option<&'a BareItem> {
    for key in item.params.keys() {
        assert!(known.contains(&key.as_str()), "{key:?} is unknown");
    }
    item.params.get(name)
}

pub(crate) fn limits(value: &HeaderValue) -> Vec<Limit> {
    let known = ["r", "t", "pk"];
    let limit = |item: &Item| Limit {
        name: name(item),
        r: integer(parameter(item, "r", &known).unwrap()),
        t: integer(parameter(item, "t", &known).unwrap()),
        pk: parameter(item, "pk", &known).map(|key| match key {
            GenericBareItem::ByteSequence(bytes) => bytes.clone(),
            other => panic!("a Byte Sequence was expected, not {other:?}"),
        }),
    };
    list(value).iter().map(limit).collect()
}

pub(crate) fn policies(value: &HeaderValue) -> Vec<Announced> {
    let known = ["q", "w", "qu"];
    let policy = |item: &Item| Announced {
        name: name(item),
        q: integer(parameter(item, "q", &known).unwrap()),
        w: integer(parameter(item, "w", &known).unwrap()),
        qu: parameter(item, "qu", &known).map(|unit| match unit {
            GenericBareItem::String(unit) => unit.as_str().to_owned(),
            other => panic!("a String was expected, not {other:?}"),
        }),
    };
    list(value).iter().map(policy).collect()
}

/// `(limit, window)` of each policy of draft 7.
pub(crate) fn policies_7(value: &HeaderValue) -> Vec<(u64, u64)> {
    let known = ["w"];
    list(value)
        .iter()
        .map(|item| (integer(&item.bare_item), integer(parameter(item, "w", &known).unwrap())))
        .collect()
}

/// `(limit, remaining, reset)` of draft 7.
pub(crate) fn limit_7(value: &HeaderValue) -> (u64, u64, u64) {
    let dictionary: Dictionary = Parser::new(value.as_bytes()).parse().unwrap();
    let [limit, remaining, reset] = ["limit", "remaining", "reset"].map(|key| match &dictionary[key] {
        ListEntry::Item(item) => integer(&item.bare_item),
        ListEntry::InnerList(list) => panic!("{key} is a list: {list:?}"),
    });
    assert_eq!(dictionary.len(), 3);
    (limit, remaining, reset)
}
