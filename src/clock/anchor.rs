//! How counts become nanoseconds, and when they must not. Plain values, no atomics.
//!
//! A **sample** is a count that was read between two readings of the system's clock. Two samples that are far enough apart
//! give the **rate** of the counter. A sample and the rate give a **line**, as in a drawing of nanoseconds over counts: it
//! tells the nanoseconds of each count of the next 100 us.
//!
//! # Why a line is never ahead of the system's clock
//!
//! - The count of a sample was read after the first of its two readings of the system's clock. The line passes below
//!   this first reading by the time of one count, because the counter may have shown the count for that long.
//! - The rate is worked out from the shortest time and the most counts that two samples allow. So it is not above the true
//!   average.
//! - The line is flatter than that by `MARGIN`. This is more than the rate of a system's clock changes: NTP corrects it
//!   by at most 500 millionths in either direction.
//! - The line begins `LEAD` before the sample, because the CPU may read the counter before it reads the line. A flatter
//!   line is higher before its sample, so the line is lowered by as much as a steeper one would fall there.
//!
//! Some systems' clocks go in steps. Within a step such a clock can seem to be behind the line, although true time is not.
//! So a counter is at fault only if the line is ahead by more than a `STEP`.
//!
//! # Why it is less than `MAX_ERROR` behind
//!
//! | cause | at most |
//! |---|---|
//! | the time between the two readings of a sample | `WIDTH`: 400 ns |
//! | the counter shows a count until the next one begins, at the sample and at a later reading | 2 counts: 120 ns |
//! | `MARGIN` (1/450), a faster system's clock (1/1000), samples that measure the rate badly (1/8000), over `SPAN` | 335 ns |
//! | the system's clock goes in steps (on Windows of 100 ns) | 100 ns |
//! | the part of the line that lies before the sample (`LEAD`), and roundings | 6 ns |

/// The most that a line is behind the system's clock, in nanoseconds. It is never ahead.
pub(super) const MAX_ERROR: u64 = 1_000;

/// How long a line is, in nanoseconds.
const SPAN: u64 = 100_000;
/// How much of a line lies before its sample, in nanoseconds.
const LEAD: u64 = 1_000;
/// The most that the two readings of a sample lie apart, in nanoseconds. If it is more, the thread was interrupted.
const WIDTH: u64 = 400;
/// The least time over which a rate is measured, in nanoseconds.
const MEASURE: u64 = 8_000_000;
/// A rate that is measured again may differ by one part in so many. Two opposite corrections by NTP differ by less.
const TOLERANCE: u64 = 900;
/// A line is flatter than the rate by one part in so many: enough for a correction by NTP, and for a fault that is too
/// small to be noticed.
const MARGIN: u64 = TOLERANCE / 2;
/// The slowest counter that keeps `MAX_ERROR`: 60 ns a count.
const SLOWEST: u64 = 60 << FRACTION;
/// The fastest counter whose rate is precise enough: 64 counts in a nanosecond.
const FASTEST: u64 = (1 << FRACTION) / 64;
/// The longest step in which a system's clock goes, in nanoseconds: that of Windows.
const STEP: u128 = 100;
/// After an interrupted sample, the system's clock answers for so many nanoseconds.
const PAUSE: u64 = 100_000;
/// After a fault of the counter, the system's clock answers for so many nanoseconds.
const DISTRUST: u64 = 1_000_000_000;
/// How often that time is doubled.
const DOUBLINGS: u64 = 12;
/// In so many nanoseconds one fault is forgiven. It is the longest time that a fault costs. So over a long time there is at
/// most one fault in it, whatever the counter does: after 13 faults in a row, none comes before one is forgiven.
const FORGIVEN: u64 = DISTRUST << DOUBLINGS;

/// A rate is in nanoseconds a count, times 2 to this power.
const FRACTION: u32 = 32;

/// A count, and the system's clock before and after it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) before: u64,
    pub(super) count: u64,
    pub(super) after: u64,
}

impl Sample {
    /// It is later than every sample, so nothing is measured from it.
    const NONE: Sample = Sample { before: u64::MAX, count: 0, after: u64::MAX };

    /// A rate that is not above the average since `earlier`; `None` if the counter cannot be used.
    fn rate_since(&self, earlier: &Sample) -> Option<u64> {
        let nanos = self.before.checked_sub(earlier.after)?;
        let counts = u128::from(self.count.wrapping_sub(earlier.count)) + 1;
        let rate = u64::try_from((u128::from(nanos) << FRACTION) / counts).ok()?;
        (FASTEST..=SLOWEST).contains(&rate).then_some(rate)
    }
}

/// The nanoseconds of `len` counts from `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) start: u64,
    /// The nanoseconds of `start`.
    pub(super) nanos: u64,
    pub(super) rate: u64,
    pub(super) len: u64,
}

impl Line {
    /// A line with no count on it.
    pub(super) const NONE: Line = Line { start: 0, nanos: 0, rate: 0, len: 0 };

    /// The nanoseconds of `count`, if it is on the line.
    #[inline]
    pub(super) fn at(&self, count: u64) -> Option<u64> {
        let counts = count.wrapping_sub(self.start);
        // No overflow: `len * rate` is `SPAN + LEAD`, times 2 to the power of `FRACTION`.
        (counts < self.len).then(|| self.nanos + ((counts * self.rate) >> FRACTION))
    }

    /// `rate` is within `FASTEST` and `SLOWEST`, and `sample` at least `MEASURE` after the clock's origin.
    fn through(sample: &Sample, rate: u64) -> Line {
        let lead = (LEAD << FRACTION) / rate;
        let steep = rate + rate / MARGIN;
        let drop = (((lead + 1) * steep) >> FRACTION) + 1;
        Line {
            start: sample.count.wrapping_sub(lead),
            nanos: sample.before - drop,
            rate: rate - rate.div_ceil(MARGIN),
            len: lead + (SPAN << FRACTION) / rate,
        }
    }

    /// Whether the line, prolonged, is ahead of the system's clock: then the counter has become faster, or has jumped.
    fn is_ahead_of(&self, sample: &Sample) -> bool {
        if self.len == 0 {
            return false;
        }
        let counts = sample.count.wrapping_sub(self.start);
        let nanos = u128::from(self.nanos) + ((u128::from(counts) * u128::from(self.rate)) >> FRACTION);
        nanos > u128::from(sample.after) + STEP
    }
}

/// What is known of the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) line: Line,
    /// Where the measurement of the rate began.
    pub(super) since: Sample,
    /// The rate that was measured last, 0 if none was.
    pub(super) rate: u64,
    /// Before this instant no sample is needed: the system's clock answers.
    pub(super) due: u64,
    /// When all faults of the counter will be forgiven. Each puts this off by `FORGIVEN`.
    pub(super) forgiven: u64,
}

impl Anchor {
    /// Nothing is known.
    pub(super) const NONE: Anchor =
        Anchor { line: Line::NONE, since: Sample::NONE, rate: 0, due: 0, forgiven: 0 };

    /// What is known after one more sample, which was not taken before it was due.
    pub(super) fn after(self, sample: Sample) -> Anchor {
        if sample.after.saturating_sub(sample.before) > WIDTH {
            let due = self.due.max(sample.after.saturating_add(PAUSE));
            return Anchor { line: Line::NONE, due, ..self };
        }
        let Some(time) = sample.before.checked_sub(self.since.after) else {
            return self.unused(&sample, 0);
        };
        if self.line.is_ahead_of(&sample) {
            return self.distrusted(&sample);
        }
        if time < MEASURE {
            return self.with_line(&sample); // The last rate still holds.
        }
        match sample.rate_since(&self.since) {
            // A rate is used only after it was measured twice.
            Some(rate) if self.rate == 0 => self.unused(&sample, rate),
            Some(rate) if rate.abs_diff(self.rate) <= self.rate / TOLERANCE => {
                Anchor { since: sample, rate, ..self }.with_line(&sample)
            }
            _ => self.distrusted(&sample),
        }
    }

    /// A measurement begins. The system's clock answers until it ends.
    fn unused(self, since: &Sample, rate: u64) -> Anchor {
        let due = since.after.saturating_add(MEASURE);
        Anchor { line: Line::NONE, since: *since, rate, due, ..self }
    }

    fn with_line(self, sample: &Sample) -> Anchor {
        if self.rate == 0 {
            return self; // This never happens: without a rate, no sample is due before the measurement ends.
        }
        Anchor { line: Line::through(sample, self.rate), due: 0, ..self }
    }

    /// The counter is wrong. It is measured anew, after a time.
    fn distrusted(self, sample: &Sample) -> Anchor {
        let now = sample.after;
        let faults = self.forgiven.saturating_sub(now).div_ceil(FORGIVEN);
        Anchor {
            due: now.saturating_add(DISTRUST << faults.min(DOUBLINGS)),
            forgiven: self.forgiven.max(now).saturating_add(FORGIVEN),
            ..Anchor::NONE
        }
    }
}
