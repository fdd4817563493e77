//! What are the clients called?

use indexmap::IndexSet;

/// The names of clients, each with a number: they are counted from 0 in order of appearance.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    names: IndexSet<Box<str>>,
}

impl Clients {
    /// The number of the client of this name, which may be new.
    pub fn place(&mut self, name: &str) -> u32 {
        let place = match self.names.get_index_of(name) {
            Some(place) => place,
            None => self.names.insert_full(name.into()).0,
        };
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// The name of the client of this number.
    pub fn name(&self, place: u32) -> Option<&str> {
        self.names.get_index(place as usize).map(AsRef::as_ref)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the traffic has no clients.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
