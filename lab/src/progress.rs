//! How far are we? Shown only where a person watches and it takes a while.

use std::io::{IsTerminal, Read, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error, or nothing.
#[derive(Debug)]
pub struct Progress(ProgressBar);

/// Below this a replay is over before a bar could be read.
const LONG: u64 = 1_000_000;

/// About a million lines.
const LONG_FILE: u64 = 16 << 20;

impl Progress {
    /// For a replay of `events` events, `passes` times.
    pub fn replaying(events: usize, passes: usize) -> Progress {
        let total = (events * passes) as u64;
        Progress::new(events as u64 > LONG, total, "{msg:22} {bar:40} {percent:>3} %  {elapsed} ({eta} left)")
    }

    /// For a file of `bytes` bytes.
    pub fn reading(bytes: u64) -> Progress {
        let progress = Progress::new(bytes > LONG_FILE, bytes, "{msg:22} {bar:40} {percent:>3} %");
        progress.say("reading");
        progress
    }

    /// No bar at all.
    pub fn hidden() -> Progress {
        Progress(ProgressBar::hidden())
    }

    fn new(long: bool, total: u64, style: &str) -> Progress {
        let watched = long && stderr().is_terminal();
        let target =
            if watched { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("#."));
        }
        Progress(bar)
    }

    /// Says what is going on, beside the bar.
    pub fn say(&self, what: &'static str) {
        self.0.set_message(what);
    }

    /// So many more are done.
    pub fn advance(&self, by: usize) {
        self.0.inc(by as u64);
    }

    /// `input`, with the bar moved by what is read.
    pub fn watch<R: Read>(&self, input: R) -> impl Read + use<R> {
        self.0.wrap_read(input)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
