//! How many grants does a window hold?

use std::collections::VecDeque;

/// The grants of each limiter that are still inside one window. It holds no more of them than that, so its
/// memory does not grow with the trace.
#[derive(Debug)]
pub(crate) struct Windows {
    length: u64,
    inside: Vec<VecDeque<u64>>,
}

impl Windows {
    /// Empty windows of `length` nanoseconds, one for each limiter.
    pub(crate) fn new(length: u64, limiters: usize) -> Windows {
        Windows { length, inside: vec![VecDeque::new(); limiters] }
    }

    /// The grants of `limiter` that count at `at`: windows are half-open.
    pub(crate) fn count(&mut self, limiter: usize, at: u64) -> u64 {
        let inside = &mut self.inside[limiter];
        while inside.front().is_some_and(|&granted| at - granted >= self.length) {
            inside.pop_front();
        }
        inside.len() as u64
    }

    /// The same with one more grant, at `at`. The largest of these is the worst count of all windows: the window
    /// that holds most may as well end with a grant.
    pub(crate) fn grant(&mut self, limiter: usize, at: u64) -> u64 {
        let before = self.count(limiter, at);
        self.inside[limiter].push_back(at);
        before + 1
    }

    /// The count of the limiter that has most at `at`.
    pub(crate) fn most(&mut self, at: u64) -> u64 {
        (0..self.inside.len()).map(|limiter| self.count(limiter, at)).max().unwrap_or(0)
    }
}
