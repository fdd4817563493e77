//! How is a line cut into fields? Each format answers in a file of its own.

use super::fault::Fault;
use super::fields::Fields;
use super::names::aliases;

/// What a line turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// A request.
    Record,
    /// Nothing to be counted.
    Comment,
    /// The fields have other names from here on.
    Header,
    /// The record goes on in the next line.
    More,
}

/// One format, and what its lines are like in one file.
pub(super) trait Shape {
    /// Where the field of exactly this name is found from now on.
    fn field(&mut self, name: &str) -> Option<usize>;

    /// The field that tells when a request arrived, if nobody names another.
    fn arrival(&self) -> &'static str {
        "time"
    }

    /// The names of all fields, for a message.
    fn names(&self) -> String;

    /// Cuts `line`, which is not blank, into `fields`, which are empty.
    fn split(&mut self, line: &str, fields: &mut Fields) -> Result<Split, Fault>;
}

/// The field of this name, or else of a name that usually means the same; and the name that fits.
pub(super) fn find(shape: &mut dyn Shape, name: &str) -> Option<(usize, String)> {
    if let Some(place) = shape.field(name) {
        return Some((place, name.to_owned()));
    }
    aliases(name).iter().find_map(|alias| Some((shape.field(alias)?, (*alias).to_owned())))
}

/// Case makes no difference to names of columns.
pub(super) fn place_of<S: AsRef<str>>(names: &[S], name: &str) -> Option<usize> {
    let exactly = names.iter().position(|it| it.as_ref() == name);
    exactly.or_else(|| names.iter().position(|it| it.as_ref().eq_ignore_ascii_case(name)))
}
