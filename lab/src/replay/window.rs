//! How many permits does a window hold?

use std::collections::VecDeque;

/// The grants of each limiter that are still inside one window. It holds no more of them than that, so its
/// memory does not grow with the trace.
#[derive(Debug)]
pub struct Windows {
    length: u64,
    inside: Vec<Window>,
}

#[derive(Clone, Debug, Default)]
struct Window {
    /// When, and how many permits.
    grants: VecDeque<(u64, u32)>,
    permits: u64,
}

impl Windows {
    /// Empty windows of `length` nanoseconds, one for each limiter.
    pub fn new(length: u64, limiters: usize) -> Windows {
        Windows { length, inside: vec![Window::default(); limiters] }
    }

    /// The permits of `limiter` that count at `at`: windows are half-open.
    pub fn count(&mut self, limiter: usize, at: u64) -> u64 {
        let window = &mut self.inside[limiter];
        while let Some(&(granted, cost)) = window.grants.front() {
            if at - granted < self.length {
                break;
            }
            window.grants.pop_front();
            window.permits -= u64::from(cost);
        }
        window.permits
    }

    /// The same with one more grant of `cost` permits, at `at`. The largest of these is the worst count of all
    /// windows: the window that holds most may as well end with a grant.
    pub fn grant(&mut self, limiter: usize, at: u64, cost: u32) -> u64 {
        self.count(limiter, at);
        let window = &mut self.inside[limiter];
        window.grants.push_back((at, cost));
        window.permits += u64::from(cost);
        window.permits
    }

    /// The count of the limiter that has most at `at`.
    pub fn most(&mut self, at: u64) -> u64 {
        (0..self.inside.len()).map(|limiter| self.count(limiter, at)).max().unwrap_or(0)
    }
}
