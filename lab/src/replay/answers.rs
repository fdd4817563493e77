//! What was answered to each request? One bit each.

/// Yes or no, for each event in the order of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    words: Vec<u64>,
    len: usize,
}

impl Answers {
    /// None yet, with room for so many.
    pub fn with_capacity(events: usize) -> Answers {
        Answers { words: Vec::with_capacity(events.div_ceil(64)), len: 0 }
    }

    /// Adds the answer to the next event.
    #[inline]
    pub fn push(&mut self, granted: bool) {
        if self.len % 64 == 0 {
            self.words.push(0);
        }
        if let Some(last) = self.words.last_mut() {
            *last |= u64::from(granted) << (self.len % 64);
        }
        self.len += 1;
    }

    /// Whether the event at `place` was granted; `false` if there is none.
    #[inline]
    pub fn granted(&self, place: usize) -> bool {
        self.words.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// All answers, in the order of the traffic.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        (0..self.len).map(|place| self.granted(place))
    }
}
