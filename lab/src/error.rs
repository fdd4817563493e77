//! What went wrong, in one line?

use std::fmt;
use std::io;
use std::path::PathBuf;

use tollgate::{BuildError, ParsePolicyError};

use crate::log::{Input, LogError};

/// Why there is no answer. Shown as one line; the exit code is 2.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The command line is not understood.
    Usage(String),
    /// A policy is not understood.
    Policy {
        /// As it was given.
        text: String,
        /// What is wrong with it.
        error: ParsePolicyError,
    },
    /// A policy cannot be planned for.
    Plan(BuildError),
    /// A log cannot be read, or is none.
    Log {
        /// The file.
        input: Input,
        /// What is wrong with it.
        error: LogError,
    },
    /// A limiter for each client is asked for, and the log names no clients.
    NoClients {
        /// The log, as headings name it.
        title: String,
    },
    /// A file cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// Standard output failed.
    Output(io::Error),
    /// Two outputs would be one file, or an output would be the input.
    SameFile {
        /// The path that was named second.
        path: PathBuf,
    },
}

impl std::error::Error for Error {}

#[expect(clippy::unnecessary_debug_formatting, reason = "escapes line ends in a path: a message is one line")]
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(text) => write!(f, "{text} (see --help)"),
            Error::Policy { text, error } => write!(f, "bad policy {text:?}: {error}"),
            Error::Plan(error) => write!(f, "no plan: {error}"),
            Error::Log { input, error: error @ LogError::Read(_) } => {
                write!(f, "cannot read {input}: {error}")
            }
            Error::Log { input, error } => write!(f, "bad log {input}: {error}"),
            Error::NoClients { title } => {
                write!(
                    f,
                    "--per-client needs clients, and {title:?} names none; --client COLUMN names the field"
                )
            }
            Error::Write { path, error } => write!(f, "cannot write {path:?}: {error}"),
            Error::SameFile { path } => write!(f, "{path:?} is named twice: give each file of its own"),
            Error::Output(error) => write!(f, "cannot write to standard output: {error}"),
        }
    }
}
