#![forbid(unsafe_code)]
//! Which rate limiter and which policy fit my traffic?
//!
//! The program `tollgate-lab` reads an access log, replays it in virtual time through every strategy, and shows what
//! each one grants, refuses and costs. This library is the same as values:
//!
//! ```
//! use tollgate_lab::{Progress, Strategy, Traffic, Workload};
//!
//! let traffic = Traffic::new("made up", &Workload::Bursty.events(1, 1_000), false);
//! let policy = "50/1m, 1500/1h".parse()?;
//! let figures = Strategy::SlidingLog.replay(&policy, &traffic, &Progress::hidden())?;
//! assert_eq!(figures.granted + figures.refused(), 1_000);
//! assert!(figures.worst[0] <= 50);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Comparison::with`] puts any [`Algorithm`](tollgate::Algorithm) of your own beside the built-in strategies, in the
//! same table, JSON and page; [`replay()`] gives the figures of one alone.
//!
//! # The map
//!
//! | module | answers |
//! |---|---|
//! | [`log`] | what a log says, and where it is wrong |
//! | [`traffic`] | what is replayed: requests from a log, or made up |
//! | [`replay`](mod@replay) | how one strategy does on it |
//! | [`report`] | what came out, also for a limiter of your own |
//! | [`recommend`] | which limits suit a traffic |
//! | [`matrix`] | which client meets which server how, and which guard it needs |
//! | [`plan`] | how one bucket keeps a policy |
//! | [`show`] | how an answer is shown: table, JSON, page, picture, decisions |
//! | [`commands`] | what a command line asks for, a file for each command |
//! | [`output`] | how files are written: whole, or not at all |
//! | [`progress`], [`error`] | how far are we, and what went wrong |

pub mod commands;
pub mod error;
pub mod log;
pub mod matrix;
pub mod output;
pub mod plan;
pub mod progress;
pub mod recommend;
pub mod replay;
pub mod report;
pub mod show;
pub mod traffic;

use std::ffi::OsString;
use std::io::{self, Write};

pub use error::Error;
pub use progress::Progress;
pub use replay::{Figures, Strategy, replay};
pub use report::{Comparison, Report, Row};
pub use show::Answer;
pub use traffic::{Event, Traffic, Workload};

/// The program's name, as its messages begin.
pub const NAME: &str = "tollgate-lab";

/// The whole program: the arguments without its name, the two outputs, the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match commands::run(args, out) {
        Ok(()) => 0,
        // The reader of a pipe has seen enough: `tollgate-lab | head -1`.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            // If standard error fails too, the exit code is all that is left to tell.
            let _ = writeln!(err, "{NAME}: {error}");
            2
        }
    }
}

/// The README's examples, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
