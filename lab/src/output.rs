//! How are files written? Whole, or not at all, and never over what is read.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::error::Error;

/// Nothing is written over what is read, nor twice to one file.
///
/// # Errors
///
/// [`Error::SameFile`].
pub fn distinct<'a>(read: &'a [PathBuf], written: impl Iterator<Item = &'a PathBuf>) -> Result<(), Error> {
    let mut seen = Vec::new();
    for path in read.iter().chain(written) {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        // Devices may be named as often as one likes.
        if seen.contains(&real) && (real.is_file() || !real.exists()) {
            return Err(Error::SameFile { path: path.clone() });
        }
        seen.push(real);
    }
    Ok(())
}

/// A file that is to be written.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    file: File,
}

/// Opens `path` for writing.
///
/// # Errors
///
/// [`Error::Write`].
pub fn create(path: PathBuf) -> Result<Output, Error> {
    match File::create(&path) {
        Ok(file) => Ok(Output { path, file }),
        Err(error) => Err(Error::Write { path, error }),
    }
}

impl Output {
    /// Writes the whole file.
    ///
    /// # Errors
    ///
    /// [`Error::Write`].
    pub fn write(self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
        let mut out = BufWriter::new(self.file);
        content(&mut out).and_then(|()| out.flush()).map_err(|error| Error::Write { path: self.path, error })
    }
}
