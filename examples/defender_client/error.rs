//! What went wrong? Answered in one line.

use std::fmt;
use std::io;

use hyper::StatusCode;
use tokio::runtime::TryCurrentError;
use tokio::task::JoinError;
use tollgate::wait::AcquireError;
use tollgate::{BuildError, ParsePolicyError};

/// Why the program has no result. It is shown as one line, and the exit code is 2.
#[derive(Debug)]
pub(crate) enum Error {
    Usage(String),
    Policy { text: String, error: ParsePolicyError },
    Build(BuildError),
    Acquire(AcquireError),
    Runtime(io::Error),
    Outside(TryCurrentError),
    Listen(io::Error),
    Connect(io::Error),
    Http(hyper::Error),
    Request(hyper::http::Error),
    Status(StatusCode),
    NoRetryAfter,
    Task(JoinError),
    Output(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(text) => write!(f, "{text} (see --help)"),
            Error::Policy { text, error } => write!(f, "bad policy {text:?}: {error}"),
            Error::Build(error) => write!(f, "no limiter can keep this policy: {error}"),
            Error::Acquire(error) => write!(f, "no permit: {error}"),
            Error::Runtime(error) => write!(f, "cannot start threads: {error}"),
            Error::Outside(error) => write!(f, "no runtime: {error}"),
            Error::Listen(error) => write!(f, "cannot listen on this machine: {error}"),
            Error::Connect(error) => write!(f, "cannot connect to the local server: {error}"),
            Error::Http(error) => write!(f, "a call failed: {error}"),
            Error::Request(error) => write!(f, "a call could not be made: {error}"),
            Error::Status(status) => write!(f, "a call was answered {status}, which is neither 200 nor 429"),
            Error::NoRetryAfter => f.write_str("a 429 came without a Retry-After in seconds"),
            Error::Task(error) => write!(f, "a task ended early: {error}"),
            Error::Output(error) => write!(f, "cannot write to standard output: {error}"),
        }
    }
}
