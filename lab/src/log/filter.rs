//! Which requests count?

use std::str::FromStr;

/// A condition on a field, as `--only` takes it: `status=200`, `status!=404`, `status=2*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The field.
    pub(super) name: String,
    value: String,
    equal: bool,
    /// Whatever begins with the value.
    prefix: bool,
}

impl Filter {
    /// Whether `field` begins with `prefix`.
    pub fn prefix(field: &str, prefix: &str) -> Filter {
        Filter { name: field.into(), value: prefix.into(), equal: true, prefix: true }
    }

    pub(super) fn passes(&self, field: &str) -> bool {
        let same = if self.prefix { field.starts_with(&self.value) } else { field == self.value };
        same == self.equal
    }
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Filter, String> {
        let wrong = || format!("expected NAME=VALUE or NAME!=VALUE, such as status=200, and found {text:?}");
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let (name, equal) = name.strip_suffix('!').map_or((name, true), |name| (name, false));
        if name.trim().is_empty() {
            return Err(wrong());
        }
        let (value, prefix) = value.strip_suffix('*').map_or((value, false), |value| (value, true));
        Ok(Filter { name: name.trim().into(), value: value.into(), equal, prefix })
    }
}
