//! Why there is no permit: a refusal, or a store that gives no decision.

use std::fmt;

use tollgate::Denied;

/// No permit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The rule refuses the call, and tells when to come back.
    Denied(Denied),
    /// There is no decision. Whether the call is made nevertheless is the caller's choice.
    Store(StoreError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Denied(denied) => denied.fmt(f),
            Error::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Error {
        Error::Denied(denied)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        Error::Store(error)
    }
}

/// The store gave no decision.
///
/// It contains no key, no argument, no address and no password, so it can be logged. Of what a server says, only the first
/// word is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    kind: StoreErrorKind,
    code: Option<Box<str>>,
}

/// What is wrong with the store, or with the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// No reply came in time. **The permits may have been charged.**
    TimedOut,
    /// The connection could not be made, or it broke. **The permits may have been charged.**
    Disconnected,
    /// The server replies that it cannot decide now: it starts (`LOADING`), it is a replica (`READONLY`), it is out of
    /// memory (`OOM`), a part of its cluster is down, somebody killed the script, or the like. Nothing was charged.
    NotReady,
    /// The server does not execute the command. The user may not run scripts or is not known, or a managed service refuses
    /// a command, `TIME` for one. Nothing was charged, unless the user of an exact rule may use all of its commands except
    /// `PEXPIRE`.
    Forbidden,
    /// The key holds something else: a value of another type, or one that this rule did not write. Nothing was charged.
    ForeignValue,
    /// The server does not know the script. [`Store::run`](crate::Store::run) then sends its text.
    UnknownScript,
    /// The reply is not one of the script.
    UnexpectedReply,
}

use StoreErrorKind::{
    Disconnected, Forbidden, ForeignValue, NotReady, TimedOut, UnexpectedReply, UnknownScript,
};

/// The codes that do not mean [`Forbidden`].
const CODES: [(&str, StoreErrorKind); 13] = [
    ("NOSCRIPT", UnknownScript),
    ("TOLLGATE", ForeignValue),
    ("WRONGTYPE", ForeignValue),
    ("BUSY", NotReady),
    ("CLUSTERDOWN", NotReady),
    ("LOADING", NotReady),
    ("MASTERDOWN", NotReady),
    ("MISCONF", NotReady),
    ("NOREPLICAS", NotReady),
    ("OOM", NotReady),
    ("READONLY", NotReady),
    ("TRYAGAIN", NotReady),
    ("UNKILLABLE", NotReady),
];

impl StoreError {
    fn new(kind: StoreErrorKind) -> StoreError {
        StoreError { kind, code: None }
    }

    /// What the text of a server's error reply means. For implementers of [`Store`](crate::Store).
    ///
    /// ```
    /// use tollgate_redis::{StoreError, StoreErrorKind};
    ///
    /// let error = StoreError::from_server("OOM command not allowed when used memory > 'maxmemory'.");
    /// assert_eq!((error.kind(), error.code()), (StoreErrorKind::NotReady, Some("OOM")));
    /// assert_eq!(error.to_string(), "the store cannot decide now: it says OOM");
    /// ```
    pub fn from_server(line: &str) -> StoreError {
        let code = |word: &str| {
            let word = word.trim_start_matches('-');
            CODES.iter().find(|(code, _)| *code == word)
        };
        let first = line.split_whitespace().next().unwrap_or_default().trim_start_matches('-');
        let known = if line.contains("Error running script") {
            // Before version 7, the error of a command inside of the script is somewhere in the line.
            line.split_whitespace().find_map(code)
        } else if line.contains("max number of clients") || line.contains("Script killed") {
            Some(&("ERR", NotReady))
        } else {
            code(first)
        };
        if let Some(&(code, kind)) = known {
            return StoreError { kind, code: Some(code.into()) };
        }
        let is_code = (1..=32).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_uppercase());
        StoreError { kind: Forbidden, code: Some(if is_code { first } else { "ERR" }.into()) }
    }

    /// No reply came in time. For implementers of [`Store`](crate::Store).
    pub fn timed_out() -> StoreError {
        StoreError::new(TimedOut)
    }

    /// The connection could not be made, or it broke. For implementers of [`Store`](crate::Store).
    pub fn disconnected() -> StoreError {
        StoreError::new(Disconnected)
    }

    /// The reply is not one of the script. For implementers of [`Store`](crate::Store).
    pub fn unexpected_reply() -> StoreError {
        StoreError::new(UnexpectedReply)
    }

    /// What is wrong.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The code with which the server's error reply begins, such as `OOM`. `None` if no reply came.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether the store is away: it does not answer, or it cannot decide now, and a later attempt may succeed.
    pub fn is_away(&self) -> bool {
        matches!(self.kind, TimedOut | Disconnected | NotReady)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TimedOut => "the store did not reply in time; the permits may have been charged",
            Disconnected => {
                "the connection to the store could not be made, or it broke; the permits may have been charged"
            }
            NotReady => "the store cannot decide now",
            Forbidden => "the store does not execute the script",
            ForeignValue => "the key holds a value that this rule did not write; give the limiter another prefix",
            UnknownScript => "the store does not know the script",
            UnexpectedReply => "the store replied something that the script does not",
        })?;
        match &self.code {
            Some(code) => write!(f, ": it says {code}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StoreError {}
