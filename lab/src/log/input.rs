//! Where do the bytes come from?

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::progress::Progress;

/// A log, not opened yet. What is compressed by gzip is told by its first bytes, whatever its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Input {
    /// `-` is standard input.
    pub fn named(path: PathBuf) -> Input {
        if path == Path::new("-") { Input::Stdin } else { Input::File(path) }
    }

    /// For headings.
    pub fn title(&self) -> String {
        match self {
            Input::Stdin => "standard input".into(),
            Input::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }

    /// Its size as it lies on the disk, to show progress by; 0 if unknown.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Input::Stdin => 0,
            Input::File(path) => path.metadata().map_or(0, |metadata| metadata.len()),
        }
    }

    pub(super) fn open(&self, progress: &Progress) -> io::Result<Box<dyn BufRead>> {
        match self {
            Input::Stdin => unpacked(progress.watch(io::stdin())),
            Input::File(path) => unpacked(progress.watch(File::open(path)?)),
        }
    }
}

/// How much is read at once.
const BUFFER: usize = 1 << 16;

pub(super) fn unpacked(input: impl Read + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let packed = input.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input)))
    } else {
        Box::new(input)
    })
}

/// A path is shown with its line ends escaped: a message is one line.
impl fmt::Display for Input {
    #[expect(clippy::unnecessary_debug_formatting, reason = "escapes line ends")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Stdin => f.write_str("standard input"),
            Input::File(path) => write!(f, "{path:?}"),
        }
    }
}
