//! Our reader of structured fields and that of the crate `sfv` say the same of any bytes.

use sfv::{BareItem, InnerList, ListEntry, Parser};

use super::structured::{self, Bare, Item, Member, Parameters};

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
pub fn http_structured(field: &[u8]) {
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
