//! How long did calls wait?

/// A count of waits by length, to three significant digits. Its memory does not grow with the trace.
#[derive(Debug)]
pub struct Waits {
    counts: Vec<u32>,
    all: u64,
    longest: u64,
}

/// Lengths below 1000 ns have a place each, and so has every further one of three digits and an exponent.
const PLACES: usize = place(u64::MAX) as usize + 1;

#[expect(clippy::cast_possible_truncation, reason = "at most 1000 digits")]
const fn place(nanos: u64) -> u32 {
    let exponent = match nanos.checked_ilog10() {
        Some(digits) if digits > 2 => digits - 2,
        _ => 0,
    };
    let unit = 10_u64.pow(exponent);
    // To the nearest. 1000 of a unit are 100 of the next, and have the same place.
    let digits = nanos / unit + nanos % unit * 2 / unit;
    900 * exponent + digits as u32
}

fn length(place: u32) -> u64 {
    let exponent = place.saturating_sub(100) / 900;
    u64::from(place - 900 * exponent).saturating_mul(10_u64.pow(exponent))
}

impl Default for Waits {
    fn default() -> Waits {
        Waits::new()
    }
}

impl Waits {
    /// No waits yet.
    pub fn new() -> Waits {
        Waits { counts: vec![0; PLACES], all: 0, longest: 0 }
    }

    /// Counts a wait of so many nanoseconds.
    pub fn add(&mut self, nanos: u64) {
        self.counts[place(nanos) as usize] += 1;
        self.all += 1;
        self.longest = self.longest.max(nanos);
    }

    /// The shortest wait that `percent` of `calls` did not exceed, by the nearest rank, to three significant
    /// digits; exactly for 100. `None` if fewer were ever served.
    pub fn percentile(&self, percent: u64, calls: u64) -> Option<u64> {
        let rank = (calls * percent).div_ceil(100);
        if rank > self.all {
            return None;
        }
        if percent == 100 {
            return Some(self.longest);
        }
        let mut within = 0;
        let place = (0..).zip(&self.counts).find(|&(_, &count)| {
            within += u64::from(count);
            within >= rank
        });
        // Rounded up, it must not exceed the longest.
        place.map(|(place, _)| length(place).min(self.longest))
    }
}
