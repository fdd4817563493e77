//! Where does a line end, and which one is it?

use std::io::{self, BufRead};

use super::LONGEST_LINE;

/// The lines that are not blank, and the number of the last one.
pub(super) struct Lines<R> {
    input: R,
    /// The number of the line that was read last, counted from 1.
    pub(super) number: u64,
    text: Vec<u8>,
}

/// Why there is no line.
pub(super) enum NoLine {
    Failed(io::Error),
    /// The line of this number.
    TooLong(u64),
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Lines<R> {
        Lines { input, number: 0, text: Vec::new() }
    }

    /// Goes on to the next line that is not blank; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool, NoLine> {
        loop {
            self.text.clear();
            if !self.read()? {
                return Ok(false);
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Puts the next line behind this one; `false` at the end.
    pub(super) fn extend(&mut self) -> Result<bool, NoLine> {
        self.read()
    }

    fn read(&mut self) -> Result<bool, NoLine> {
        let room = (LONGEST_LINE + 1).saturating_sub(self.text.len()) as u64;
        let read = io::Read::take(&mut self.input, room).read_until(b'\n', &mut self.text);
        if read.map_err(NoLine::Failed)? == 0 {
            return if room == 0 { Err(NoLine::TooLong(self.number)) } else { Ok(false) };
        }
        self.number += 1;
        if self.text.len() > LONGEST_LINE {
            return Err(NoLine::TooLong(self.number));
        }
        // What is not UTF-8 can still be a client.
        if std::str::from_utf8(&self.text).is_err() {
            self.text = String::from_utf8_lossy(&self.text).into_owned().into_bytes();
        }
        Ok(true)
    }

    /// The line, without its end.
    pub(super) fn text(&self) -> &str {
        let text = std::str::from_utf8(&self.text).unwrap_or_default();
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if self.number == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text }
    }
}
