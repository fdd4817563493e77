//! What are the fields of one line?

/// The fields of one line, by place. It is filled anew for each line and keeps its memory.
#[derive(Debug, Default)]
pub(super) struct Fields {
    text: String,
    spans: Vec<(usize, usize)>,
}

impl Fields {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }

    /// Adds a field after the last one.
    pub(super) fn push(&mut self, field: &str) {
        let start = self.text.len();
        self.text.push_str(field);
        self.spans.push((start, self.text.len()));
    }

    /// Fills a place, whatever the order; places that are left out stay empty.
    pub(super) fn set(&mut self, place: usize, field: &str) {
        let last = self.spans.len().max(place + 1);
        self.spans.resize(last, (0, 0));
        let start = self.text.len();
        self.text.push_str(field);
        self.spans[place] = (start, self.text.len());
    }

    /// The field at `place`; empty if there is none.
    pub(super) fn get(&self, place: usize) -> &str {
        self.spans.get(place).map_or("", |&(start, end)| &self.text[start..end])
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }
}
