//! Structured fields (RFC 9651), read strictly: a field with one mistake is no field at all.
//!
//! The tests compare it with the crate `sfv`. It recurses nowhere, and what it allocates is bounded by the length of its input.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// A value without parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bare<'a> {
    Integer(i64),
    /// In thousandths.
    Decimal(i64),
    String(Cow<'a, str>),
    Token(&'a str),
    Bytes(Vec<u8>),
    Boolean(bool),
    /// Seconds since 1970.
    Date(i64),
    Display(String),
}

/// Keys and their values in the order of the field. A key may occur twice: the later one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys<'a, T>(pub(super) Vec<(&'a str, T)>);

pub(super) type Parameters<'a> = Keys<'a, Bare<'a>>;

impl<T> Keys<'_, T> {
    pub(super) fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) bare: Bare<'a>,
    pub(super) parameters: Parameters<'a>,
}

/// A member of a list or a dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member<'a> {
    Item(Item<'a>),
    Inner(Vec<Item<'a>>, Parameters<'a>),
}

/// RFC 9651, section 4.2.1.
pub(super) fn list(field: &[u8]) -> Option<Vec<Member<'_>>> {
    Input(field).separated(Input::member)
}

/// RFC 9651, section 4.2.2.
pub(super) fn dictionary(field: &[u8]) -> Option<Keys<'_, Member<'_>>> {
    let members = Input(field).separated(|input| {
        let key = input.key()?;
        let member = if input.skip(b'=') {
            input.member()?
        } else {
            Member::Item(Item { bare: Bare::Boolean(true), parameters: input.parameters()? })
        };
        Some((key, member))
    });
    members.map(Keys)
}

/// What is left of a field.
#[derive(Clone, Copy)]
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn next_is(&self, byte: u8) -> bool {
        self.0.first() == Some(&byte)
    }

    /// Whether this byte came next. If so, it is taken.
    fn skip(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn take(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn take_while(&mut self, condition: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|&byte| !condition(byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn spaces(&mut self) {
        self.take_while(|byte| byte == b' ');
    }

    fn spaces_and_tabs(&mut self) {
        self.take_while(|byte| byte == b' ' || byte == b'\t');
    }

    /// Members with commas between them, to the end of the field.
    fn separated<T>(mut self, member: impl Fn(&mut Input<'a>) -> Option<T>) -> Option<Vec<T>> {
        let mut members = Vec::new();
        self.spaces();
        while !self.0.is_empty() {
            members.push(member(&mut self)?);
            self.spaces_and_tabs();
            if self.0.is_empty() {
                break;
            }
            let comma = self.skip(b',');
            self.spaces_and_tabs();
            if !comma || self.0.is_empty() {
                return None;
            }
        }
        Some(members)
    }

    fn member(&mut self) -> Option<Member<'a>> {
        if !self.skip(b'(') {
            return self.item().map(Member::Item);
        }
        let mut items = Vec::new();
        loop {
            self.spaces();
            if self.skip(b')') {
                return Some(Member::Inner(items, self.parameters()?));
            }
            items.push(self.item()?);
            if !self.next_is(b' ') && !self.next_is(b')') {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<Item<'a>> {
        let bare = self.bare()?;
        let parameters = self.parameters()?;
        Some(Item { bare, parameters })
    }

    fn parameters(&mut self) -> Option<Parameters<'a>> {
        let mut parameters = Vec::new();
        while self.skip(b';') {
            self.spaces();
            let key = self.key()?;
            let value = if self.skip(b'=') { self.bare()? } else { Bare::Boolean(true) };
            parameters.push((key, value));
        }
        Some(Keys(parameters))
    }

    fn key(&mut self) -> Option<&'a str> {
        let starts = self.0.first().is_some_and(|&byte| byte.is_ascii_lowercase() || byte == b'*');
        let key = self.take_while(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b'*')
        });
        if starts { core::str::from_utf8(key).ok() } else { None }
    }

    fn bare(&mut self) -> Option<Bare<'a>> {
        match self.0.first()? {
            b'"' => self.string().map(Bare::String),
            b':' => self.bytes().map(Bare::Bytes),
            b'?' => self.boolean().map(Bare::Boolean),
            b'@' => self.date().map(Bare::Date),
            b'%' => self.display().map(Bare::Display),
            b'-' | b'0'..=b'9' => self.number(),
            b'*' | b'a'..=b'z' | b'A'..=b'Z' => self.token().map(Bare::Token),
            _ => None,
        }
    }

    /// At most 15 digits; or at most 12, a point and one to three.
    fn number(&mut self) -> Option<Bare<'a>> {
        let is_negative = self.skip(b'-');
        let signed = |number: i64| if is_negative { -number } else { number };
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 15 {
            return None;
        }
        let number = digits(whole);
        if !self.skip(b'.') {
            return Some(Bare::Integer(signed(number)));
        }
        let decimals = self.take_while(|byte| byte.is_ascii_digit());
        let scale = match decimals.len() {
            1 => 100,
            2 => 10,
            3 => 1,
            _ => return None,
        };
        (whole.len() <= 12).then(|| Bare::Decimal(signed(number * 1000 + digits(decimals) * scale)))
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.skip(b'"');
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        let plain = core::str::from_utf8(self.take_while(is_plain)).ok()?;
        if self.skip(b'"') {
            return Some(Cow::Borrowed(plain));
        }
        let mut text = String::from(plain);
        loop {
            match self.take()? {
                b'"' => return Some(Cow::Owned(text)),
                b'\\' => text.push(self.take().filter(|&byte| byte == b'"' || byte == b'\\')?.into()),
                byte if is_plain(byte) => text.push(byte.into()),
                _ => return None,
            }
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let token =
            self.take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
        core::str::from_utf8(token).ok()
    }

    /// Base64 between colons. The padding may be missing.
    fn bytes(&mut self) -> Option<Vec<u8>> {
        self.skip(b':');
        let encoded = self.take_while(|byte| byte != b':');
        if !self.skip(b':') {
            return None;
        }
        let padding = encoded.iter().rev().take_while(|&&byte| byte == b'=').count();
        let (encoded, _) = encoded.split_at(encoded.len() - padding);
        let most = [0, 0, 2, 1][encoded.len() % 4];
        if encoded.len() % 4 == 1 || padding > most {
            return None;
        }
        let mut bytes = Vec::with_capacity(encoded.len() * 3 / 4);
        let (mut bits, mut count) = (0_u16, 0);
        for &byte in encoded {
            bits = bits << 6 | u16::from(sextet(byte)?);
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            }
        }
        Some(bytes)
    }

    fn boolean(&mut self) -> Option<bool> {
        self.skip(b'?');
        match self.take()? {
            b'0' => Some(false),
            b'1' => Some(true),
            _ => None,
        }
    }

    fn date(&mut self) -> Option<i64> {
        self.skip(b'@');
        match self.number()? {
            Bare::Integer(seconds) => Some(seconds),
            _ => None,
        }
    }

    /// UTF-8 between `%"` and `"`. What is not visible ASCII is escaped by `%` and two digits.
    fn display(&mut self) -> Option<String> {
        self.skip(b'%');
        if !self.skip(b'"') {
            return None;
        }
        let mut bytes = Vec::new();
        loop {
            match self.take()? {
                b'"' => return String::from_utf8(bytes).ok(),
                b'%' => bytes.push(hex(self.take()?)? << 4 | hex(self.take()?)?),
                byte @ b' '..=b'~' => bytes.push(byte),
                _ => return None,
            }
        }
    }
}

/// At most 15 digits.
fn digits(text: &[u8]) -> i64 {
    text.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

/// Only the lower case is allowed.
fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn sextet(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
