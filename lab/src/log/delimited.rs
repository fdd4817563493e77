//! CSV, TSV and their like: a header, then a record a line; fields may be quoted.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::fault::Fault;
use super::fields::Fields;
use super::shape::{Shape, Split, place_of};

pub(super) struct Delimited {
    reader: Reader,
    header: String,
    names: Vec<String>,
    out: Vec<u8>,
    ends: Vec<usize>,
}

const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

impl Delimited {
    /// The delimiter is the one that the header has most of.
    pub(super) fn new(header: &str) -> Delimited {
        let count = |delimiter: &&u8| header.bytes().filter(|byte| byte == *delimiter).count();
        // The first of equals: a comma, where there is a single column.
        let delimiter = DELIMITERS.iter().rev().max_by_key(count).copied().unwrap_or(b',');
        let mut this = Delimited {
            reader: ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build(),
            header: header.trim().to_owned(),
            names: Vec::new(),
            out: vec![0; 1024],
            ends: vec![0; 64],
        };
        let mut fields = Fields::default();
        this.cut(header, &mut fields);
        this.names = (0..fields.len()).map(|place| fields.get(place).to_owned()).collect();
        this
    }

    fn cut(&mut self, line: &str, fields: &mut Fields) -> Split {
        // A record ends with a line end outside of quotes.
        let (mut input, mut end) = (line.as_bytes(), &b"\n"[..]);
        let (mut written, mut ended) = (0, 0);
        self.reader.reset();
        loop {
            let (result, read, out, ends) =
                self.reader.read_record(input, &mut self.out[written..], &mut self.ends[ended..]);
            (input, written, ended) = (&input[read..], written + out, ended + ends);
            match result {
                ReadRecordResult::OutputFull => self.out.resize(2 * self.out.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::InputEmpty if end.is_empty() => return Split::More,
                ReadRecordResult::InputEmpty => (input, end) = (end, &[]),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        let mut start = 0;
        for &end in &self.ends[..ended] {
            // The line is UTF-8, and delimiters and quotes are ASCII.
            fields.push(std::str::from_utf8(&self.out[start..end]).unwrap_or_default().trim());
            start = end;
        }
        Split::Record
    }
}

impl Shape for Delimited {
    fn field(&mut self, name: &str) -> Option<usize> {
        place_of(&self.names, name)
    }

    fn names(&self) -> String {
        self.names.join(", ")
    }

    fn split(&mut self, line: &str, fields: &mut Fields) -> Result<Split, Fault> {
        // Where files were put together, the header comes again.
        if line.trim() == self.header {
            return Ok(Split::Comment);
        }
        let split = self.cut(line, fields);
        match fields.len() {
            found if split == Split::Record && found != self.names.len() => {
                Err(Fault::Fields { expected: self.names.len(), found })
            }
            _ => Ok(split),
        }
    }
}
