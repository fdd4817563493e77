//! What does made-up traffic look like?
//!
//! Every workload is a function of a seed, computed in whole microseconds without a floating-point number, so
//! that a seed means the same events on every machine.

use fastrand::Rng;

use super::Event;

/// A built-in workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Independent requests at a constant rate.
    Steady,
    /// Bursts and silences.
    Bursty,
    /// A rate that rises until noon and falls until midnight.
    Diurnal,
    /// All requests at once.
    Greedy,
}

const MILLISECOND: u64 = 1_000;
const SECOND: u64 = 1_000_000;
const HALF_A_DAY: u64 = 43_200 * SECOND;
const CLIENTS: u64 = 100;

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 4] = [Workload::Steady, Workload::Bursty, Workload::Diurnal, Workload::Greedy];

    /// As the command line calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Workload::Steady => "steady",
            Workload::Bursty => "bursty",
            Workload::Diurnal => "diurnal",
            Workload::Greedy => "greedy",
        }
    }

    /// For `--help`: the shape and its parameters.
    pub const fn describe(self) -> &'static str {
        match self {
            Workload::Steady => {
                "independent requests at a constant rate: exponential gaps with a mean of 2 s\n\
                 (1800 an hour)"
            }
            Workload::Bursty => {
                "bursts of 1 to 100 requests, each size as likely: exponential gaps with a mean\n\
                 of 200 ms in a burst, exponential silences with a mean of 60 s between bursts\n\
                 (about 2600 an hour)"
            }
            Workload::Diurnal => {
                "independent requests whose rate rises in a straight line from 0.05/s at midnight,\n\
                 when the trace begins, to 0.95/s at noon, and falls back (1800 an hour on average)"
            }
            Workload::Greedy => {
                "all requests at the first instant: a caller who always has one more to make, whom\n\
                 only a client that waits can serve"
            }
        }
    }

    /// `count` events. Clients are 0 to 99; of two picked at random the smaller comes, so that 0 is
    /// the busiest and 99 the rarest.
    pub fn events(self, seed: u64, count: u64) -> Vec<Event> {
        let mut rng = Rng::with_seed(seed);
        let mut now = 0;
        let mut left_in_burst = 0;
        (0..count)
            .map(|_| {
                match self {
                    Workload::Steady => now += exponential(&mut rng, 2 * SECOND),
                    Workload::Bursty => {
                        if left_in_burst == 0 {
                            left_in_burst = rng.u64(1..=100);
                            now += exponential(&mut rng, 60 * SECOND);
                        } else {
                            now += exponential(&mut rng, 200 * MILLISECOND);
                        }
                        left_in_burst -= 1;
                    }
                    // Candidates at 1/s, each kept with the rate's probability at its instant.
                    Workload::Diurnal => loop {
                        now += exponential(&mut rng, SECOND);
                        let from_noon = HALF_A_DAY.abs_diff(now % (2 * HALF_A_DAY));
                        let daylight = HALF_A_DAY - from_noon;
                        if rng.u64(0..20 * HALF_A_DAY) < HALF_A_DAY + 18 * daylight {
                            break;
                        }
                    },
                    Workload::Greedy => {}
                }
                let client = rng.u64(0..CLIENTS).min(rng.u64(0..CLIENTS));
                Event { nanos: now * 1_000, client: Some(client) }
            })
            .collect()
    }
}

/// An exponential variate, by comparisons only (von Neumann 1951): a logarithm may differ in its last bit from
/// one machine to the next.
///
/// The first of a run of falling uniform variates, if the run is of odd length, is distributed as the fraction;
/// every even run before it adds 1.
fn exponential(rng: &mut Rng, mean: u64) -> u64 {
    let mut whole = 0;
    loop {
        let first = rng.u32(..);
        let (mut last, mut odd) = (first, true);
        loop {
            let next = rng.u32(..);
            if next >= last {
                break;
            }
            (last, odd) = (next, !odd);
        }
        if odd {
            return whole * mean + ((u64::from(first) * mean) >> 32);
        }
        whole += 1;
    }
}
