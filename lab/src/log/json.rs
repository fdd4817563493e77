//! JSON lines: an object a line. A field inside of others is named by its path, as in `request.remote_ip`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::fault::{Fault, shown};
use super::fields::Fields;
use super::shape::{Shape, Split};

pub(super) struct Json {
    /// The first lines, to see what fields there are.
    sample: Vec<Value>,
    wanted: Node,
    places: usize,
}

/// A field that is wanted, or one with such a field inside.
#[derive(Default)]
struct Node {
    place: Option<usize>,
    inside: Vec<(String, Node)>,
}

impl Json {
    /// `None` if the first line is no object.
    pub(super) fn new(sample: &[&str]) -> Option<Json> {
        if !sample.first()?.trim_start().starts_with('{') {
            return None;
        }
        let sample = sample.iter().filter_map(|line| serde_json::from_str(line).ok());
        let sample: Vec<Value> = sample.filter(Value::is_object).collect();
        (!sample.is_empty()).then(|| Json { sample, wanted: Node::default(), places: 0 })
    }
}

/// The steps from `value` to the field: its name may have points of its own.
fn path<'a>(value: &Value, name: &'a str) -> Option<Vec<&'a str>> {
    let object = value.as_object()?;
    if object.get(name).is_some_and(|it| !it.is_object() && !it.is_array()) {
        return Some(vec![name]);
    }
    name.match_indices('.').find_map(|(point, _)| {
        let (head, rest) = (&name[..point], &name[point + 1..]);
        let mut steps = path(object.get(head)?, rest)?;
        steps.insert(0, head);
        Some(steps)
    })
}

/// The names of all fields in `value`, with the way to them in front.
fn all(value: &Value, before: &str, names: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        if value.is_object() {
            all(value, &format!("{before}{name}."), names);
        } else {
            names.push(format!("{before}{name}"));
        }
    }
}

impl Shape for Json {
    fn field(&mut self, name: &str) -> Option<usize> {
        let steps = self.sample.iter().find_map(|value| path(value, name))?;
        let mut node = &mut self.wanted;
        for step in steps {
            let known = node.inside.iter().position(|(name, _)| name == step);
            let place = known.unwrap_or_else(|| {
                node.inside.push((step.to_owned(), Node::default()));
                node.inside.len() - 1
            });
            node = &mut node.inside[place].1;
        }
        let places = &mut self.places;
        Some(*node.place.get_or_insert_with(|| {
            *places += 1;
            *places - 1
        }))
    }

    fn names(&self) -> String {
        let mut names = Vec::new();
        if let Some(first) = self.sample.first() {
            all(first, "", &mut names);
        }
        names.join(", ")
    }

    fn split(&mut self, line: &str, fields: &mut Fields) -> Result<Split, Fault> {
        let mut json = serde_json::Deserializer::from_str(line);
        let read = Object { node: &self.wanted, fields }.deserialize(&mut json);
        match read.and_then(|()| json.end()) {
            Ok(()) => Ok(Split::Record),
            Err(_) => Err(Fault::Form { format: "json", found: shown(line) }),
        }
    }
}

/// Reads an object, and keeps what is wanted.
struct Object<'a> {
    node: &'a Node,
    fields: &'a mut Fields,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(wanted) = map.next_key_seed(Key(self.node))? {
            let Some(node) = wanted else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // As it is written: a number keeps all its digits.
            let raw = map.next_value::<&RawValue>()?.get();
            match raw.as_bytes().first() {
                Some(b'{') => {
                    let mut json = serde_json::Deserializer::from_str(raw);
                    let inside = Object { node, fields: self.fields };
                    inside.deserialize(&mut json).map_err(serde::de::Error::custom)?;
                }
                Some(b'[' | b'n') | None => {}
                Some(b'"') => {
                    if let (Some(place), Ok(text)) = (node.place, serde_json::from_str::<Cow<'_, str>>(raw)) {
                        self.fields.set(place, &text);
                    }
                }
                Some(_) => {
                    if let Some(place) = node.place {
                        self.fields.set(place, raw);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Which wanted field a key names.
struct Key<'a>(&'a Node);

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = Option<&'a Node>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = Option<&'a Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.inside.iter().find(|(name, _)| name == key).map(|(_, node)| node))
    }
}
