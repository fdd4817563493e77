//! What went wrong, in one line?

use std::fmt;
use std::io;
use std::path::PathBuf;

use tollgate::ParsePolicyError;

use super::trace::TraceError;

/// Why there is no answer. Shown as one line; the exit code is 2.
#[derive(Debug)]
pub(crate) enum Error {
    Usage(String),
    Policy { text: String, error: ParsePolicyError },
    Trace { path: PathBuf, error: TraceError },
    NoClients { path: PathBuf },
    Write { path: PathBuf, error: io::Error },
    Output(io::Error),
    SameFile { path: PathBuf },
}

#[expect(clippy::unnecessary_debug_formatting, reason = "escapes line ends in a path: a message is one line")]
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(text) => write!(f, "{text} (see --help)"),
            Error::Policy { text, error } => write!(f, "bad policy {text:?}: {error}"),
            Error::Trace { path, error: error @ TraceError::Read(_) } => {
                write!(f, "cannot read {path:?}: {error}")
            }
            Error::Trace { path, error } => write!(f, "bad trace {path:?}: {error}"),
            Error::NoClients { path } => {
                write!(f, "--per-client needs a column \"client\", and {path:?} has none")
            }
            Error::Write { path, error } => write!(f, "cannot write {path:?}: {error}"),
            Error::SameFile { path } => write!(f, "{path:?} is named twice: give each file of its own"),
            Error::Output(error) => write!(f, "cannot write to standard output: {error}"),
        }
    }
}
