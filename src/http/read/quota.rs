//! What a server says of one of its quotas.

use alloc::string::String;
use core::time::Duration;

/// One quota as the server tells it. What it does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerQuota {
    /// Its name, at most 64 bytes. Empty if it has none.
    pub name: String,
    /// What is counted.
    pub unit: ServerUnit,
    /// The most that the server grants in a window, or at once.
    pub limit: Option<u64>,
    /// How long the window is. Never zero.
    pub window: Option<Duration>,
    /// What is left now.
    pub remaining: Option<u64>,
    /// How long after the response there is more: all of it, or only some, as the server likes.
    pub reset: Option<Duration>,
}

/// What a quota of a server counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerUnit {
    /// Calls.
    #[default]
    Requests,
    /// Tokens of a language model.
    Tokens,
    /// Calls in progress at the same time.
    Concurrency,
    /// Anything else: bytes, points.
    Other,
}

impl ServerUnit {
    /// The parameter `qu` of the IETF's drafts.
    pub(super) fn of_draft(text: &str) -> ServerUnit {
        match text {
            "requests" => ServerUnit::Requests,
            "concurrent-requests" => ServerUnit::Concurrency,
            "tokens" => ServerUnit::Tokens,
            _ => ServerUnit::Other,
        }
    }

    /// The unit of a quota whose name is a part of the field's name.
    pub(super) fn of_name(name: &str) -> ServerUnit {
        if name.contains("token") {
            ServerUnit::Tokens
        } else if name.contains("concurren") {
            ServerUnit::Concurrency
        } else if name.is_empty() || name.contains("requests") || window_of_word(name).is_some() {
            ServerUnit::Requests
        } else {
            ServerUnit::Other
        }
    }
}

/// The window of a quota whose name ends with it: `minute` (Kong), `requests-day` (Cerebras).
pub(super) fn window_of_name(name: &str) -> Option<Duration> {
    name.rsplit('-').next().and_then(window_of_word)
}

fn window_of_word(word: &str) -> Option<Duration> {
    let seconds = match word {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        "month" => 30 * 86_400,
        "year" => 365 * 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}
