//! How far is a server heeded?

use alloc::sync::Arc;
use core::fmt;

use crate::http::{Feedback, Heed};

/// The same for every response, or as a closure tells that sees what the server said.
#[derive(Clone)]
pub(super) enum Heeding {
    Always(Heed),
    By(Arc<dyn Fn(&Feedback) -> Heed + Send + Sync>),
}

impl Heeding {
    pub(super) fn of(&self, said: &Feedback) -> Heed {
        match self {
            Heeding::Always(heed) => *heed,
            Heeding::By(choose) => choose(said),
        }
    }
}

impl fmt::Debug for Heeding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Heeding::Always(heed) => heed.fmt(f),
            Heeding::By(_) => f.write_str("By(..)"),
        }
    }
}
