//! Which window counter keeps every quota of a policy, and fits into one word for a year.

use core::fmt;
use core::time::Duration;

use crate::algorithm::BuildError;
use crate::algorithm::reciprocal::Reciprocal;
use crate::algorithm::token_bucket::interval::YEAR;
use crate::nanos::Nanos;
use crate::quota::Policy;

/// How a [`WindowCounter`](crate::WindowCounter) keeps a policy, with the worst case of each quota.
///
/// The quota with the smallest limit `L` is **counted**. If several have that limit, it is the one with the longest
/// window, since it implies the others. Its window is divided into `k` sub-windows, and the permits of the present
/// sub-window and of the `k` before it never exceed `L` together. Every half-open window of that length lies within `k + 1`
/// sub-windows, so no window ever holds more than `L`.
///
/// A longer quota `(M, Q)` is kept by that alone if `M >= L * ceil(Q / P)`. For the others there is one token bucket of
/// burst `L` beside the counts, which regains a permit per `T >= (Q + tick) / (M + 1 - L)`. [`Plan`](crate::Plan) shows why
/// this is enough. The tick is there because a call takes place at the tick at or before its `now`, so the ticks of
/// the calls in a window may be almost a tick further apart.
///
/// ```
/// use core::time::Duration;
/// use tollgate::{CounterPlan, Policy};
///
/// let plan = CounterPlan::new(Policy::MICROSOFT_365_DEFENDER)?;
/// assert_eq!((plan.burst(), plan.sub_windows()), (50, 3));
/// assert_eq!((plan.worst_case(0), plan.worst_case(1)), (Some(50), Some(1500)));
/// assert_eq!(plan.longest_wait(), Duration::from_nanos(80_018_735_104));
/// println!("{plan}");
/// # Ok::<(), tollgate::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CounterPlan {
    policy: Policy,
    counted: u8,
    /// `k`, at least 1.
    sub_windows: u32,
    /// Closed sub-windows are counted in units of `2^unit_bits` permits.
    pub(super) unit_bits: u32,
    /// A sub-window has `2^tick_bits` ticks.
    pub(super) tick_bits: u32,
    /// Nanoseconds in a tick.
    pub(super) tick: u64,
    /// `T` in ticks; 0 if there is no bucket.
    pub(super) units: u64,
    /// The quota that needs the longest `T`. The counted one if there is no bucket.
    pub(super) paced: u8,
    /// A bit for each quota that needs the bucket.
    pub(super) by_bucket: u8,
}

/// How many bits each part of a word gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) tat_bits: u32,
    pub(super) total_bits: u32,
    pub(super) count_bits: u32,
    /// The last tick that the word can hold.
    pub(super) last: u64,
}

/// How many lengths of a tick are tried at first.
const FEW: u32 = 3;

/// Permits in nanoseconds.
type Rate = (u128, u128);

/// Whether `a` is the higher rate by more than one part in `parts`.
fn exceeds(a: Rate, b: Rate, parts: u128) -> bool {
    a.0 * b.1 * parts > b.0 * a.1 * (parts + 1)
}

fn lower(a: Rate, b: Rate) -> Rate {
    if a.0 * b.1 < b.0 * a.1 { a } else { b }
}

fn bits(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// What follows from the policy alone.
#[derive(Clone, Copy)]
struct Demand {
    policy: Policy,
    counted: u8,
    limit: u32,
    window: u64,
    /// The longest tick: `window / 2^15`, or that of the shortest window that the bucket keeps.
    finest: [u64; 2],
    /// `T` in nanoseconds, if a tick were nothing.
    interval: u64,
    paced: u8,
    by_bucket: u8,
}

impl Demand {
    fn of(policy: &Policy) -> Demand {
        let numbered = || (0_u8..).zip(policy.rules());
        let tighter = |a: (u8, (u32, u64)), b: (u8, (u32, u64))| {
            let (limit, window) = a.1;
            if (b.1.0, u64::MAX - b.1.1) < (limit, u64::MAX - window) { b } else { a }
        };
        let (counted, (limit, window)) = numbered().reduce(tighter).unwrap_or((0, (1, 1)));
        let (mut interval, mut paced, mut by_bucket, mut shortest) = (0, counted, 0, u64::MAX);
        for (quota, (other, longer)) in numbered() {
            if u64::from(other) >= u64::from(limit).saturating_mul(longer.div_ceil(window)) {
                continue;
            }
            by_bucket |= 1 << quota;
            shortest = shortest.min(longer);
            let needed = longer.div_ceil(u64::from(other - limit) + 1);
            if needed > interval {
                (interval, paced) = (needed, quota);
            }
        }
        let finest = [window, shortest].map(|window| (window >> 15).max(1));
        Demand { policy: *policy, counted, limit, window, finest, interval, paced, by_bucket }
    }

    /// The best plan whose ticks are no longer than `finest`, of the `tries` coarsest for each shape.
    ///
    /// The highest sustained rate wins; if that is the same, what the counter alone would sustain, for it also means a
    /// shorter wait after a burst. Larger units must gain a hundredth, and shorter ticks a thousandth.
    fn best(&self, finest: u64, tries: u32) -> Option<CounterPlan> {
        let mut best: Option<CounterPlan> = None;
        for unit_bits in 0..bits(self.limit.into()) {
            for sub_windows in 1..u64::BITS {
                let coarsest = self.window.div_ceil(sub_windows.into()).div_ceil(finest);
                let coarsest = if self.interval == 0 { 0 } else { bits(coarsest - 1) };
                let plans = (coarsest..coarsest + tries)
                    .map_while(|tick_bits| self.shaped(sub_windows, unit_bits, tick_bits));
                let mut none = true;
                for plan in plans.filter(|plan| self.interval == 0 || plan.tick <= finest) {
                    none = false;
                    let parts = |best: &CounterPlan| match best {
                        best if best.unit_bits < unit_bits => 100,
                        best if best.sub_windows == sub_windows => 1_000,
                        _ => 10_000,
                    };
                    if best.is_none_or(|best| plan.is_better(&best, parts(&best))) {
                        best = Some(plan);
                    }
                }
                if none {
                    break;
                }
            }
        }
        best
    }

    /// `T`, in units of so many nanoseconds, if a tick is so long. 0 if there is no bucket.
    fn units(&self, unit: u64, tick: u64) -> u64 {
        let rules = (0_u8..).zip(self.policy.rules()).filter(|(quota, _)| self.by_bucket >> quota & 1 == 1);
        let needed = rules.map(|(_, (limit, window))| {
            let permits = u128::from(limit - self.limit) + 1;
            (u128::from(window) + u128::from(tick)).div_ceil(permits * u128::from(unit))
        });
        needed.max().map_or(0, |needed| u64::try_from(needed).unwrap_or(u64::MAX))
    }

    /// `None` if that does not last a year in one word.
    fn shaped(&self, sub_windows: u32, unit_bits: u32, tick_bits: u32) -> Option<CounterPlan> {
        if self.interval == 0 && tick_bits > 0 {
            return None;
        }
        let ticks = u64::from(sub_windows).checked_mul(1_u64.checked_shl(tick_bits)?)?;
        let shortest = self.window.div_ceil(ticks);
        // Either the sub-windows are as short as can be, or the interval is a whole number of ticks.
        let needed = self.units(1, shortest);
        let whole = (needed / shortest).max(1);
        let close = self.units(1, needed.div_ceil(whole)).div_ceil(whole);
        let plans = [shortest, close.max(shortest)].map(|tick| CounterPlan {
            policy: self.policy,
            counted: self.counted,
            sub_windows,
            unit_bits,
            tick_bits,
            tick,
            units: self.units(tick, tick),
            paced: self.paced,
            by_bucket: self.by_bucket,
        });
        let [short, whole] = plans.map(CounterPlan::checked);
        match (short, whole) {
            (Some(short), Some(whole)) => {
                Some(if exceeds(whole.rate(), short.rate(), 1_000_000) { whole } else { short })
            }
            (short, whole) => short.or(whole),
        }
    }
}

impl CounterPlan {
    /// The plan with the highest sustained rate among those that fit into a word. A coarser one must gain by it: larger units
    /// at least a hundredth, and ticks that are long beside the window of the counted quota a tenth.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoCounterFits`] if the limit is too large, the windows are too short or the windows are too far apart
    /// for a word that lasts a year.
    pub fn new(policy: Policy) -> Result<CounterPlan, BuildError> {
        let demand = Demand::of(&policy);
        let (permits, window) = policy.sustained();
        let allowed = (u128::from(permits), u128::from(window));
        let [fine, coarse] = demand.finest;
        let searches = [(fine, FEW), (coarse, FEW), (demand.window, u64::BITS)];
        let mut best: Option<CounterPlan> = None;
        for (finest, tries) in searches {
            if best.is_some_and(|best| !exceeds(allowed, best.rate(), 10)) {
                break;
            }
            let found = demand.best(finest, tries);
            if best.is_none_or(|best| found.is_some_and(|found| exceeds(found.rate(), best.rate(), 10))) {
                best = found;
            }
        }
        best.ok_or(BuildError::NoCounterFits { quota: demand.counted.into() })
    }

    /// A plan of a given shape, if it fits: what [`new`](CounterPlan::new) chooses from.
    #[allow(dead_code, reason = "for the tests of every shape")]
    pub(crate) fn shaped(
        policy: &Policy,
        sub_windows: u32,
        unit_bits: u32,
        tick_bits: u32,
    ) -> Option<CounterPlan> {
        Demand::of(policy).shaped(sub_windows, unit_bits, tick_bits)
    }

    /// The plan, if a word of it lasts a year.
    fn checked(self) -> Option<CounterPlan> {
        let layout = self.fitted()?;
        (u128::from(layout.last) + 1).checked_mul(self.tick.into()).filter(|&lasts| lasts >= YEAR.into())?;
        Some(self)
    }

    fn fitted(&self) -> Option<Layout> {
        let limit = u64::from(self.burst());
        let room = self.units.checked_mul(limit)?;
        let longest = (1_u64.checked_shl(self.tick_bits)? - 1).checked_add(room)?;
        let tat_bits = if self.units == 0 { 0 } else { bits(longest) };
        let count_bits = bits(limit >> self.unit_bits);
        let total_bits = bits(limit);
        if count_bits == 0 {
            return None;
        }
        let counts = total_bits.checked_add(self.sub_windows.checked_mul(count_bits)?)?;
        let epoch_bits = u64::BITS.checked_sub(counts.checked_add(tat_bits)?)?.checked_sub(1)? + 1;
        // A shift by 64 is no shift: time is never that fine.
        let tick_bits = epoch_bits.checked_add(self.tick_bits)?;
        let last = (u64::MAX >> u64::BITS.saturating_sub(tick_bits)).min(Reciprocal::MOST / self.tick);
        // The instant at which the newest sub-window leaves must fit into 64 bits, in nanoseconds, and with what the bucket is
        // ahead in ticks in the place of `tat`.
        let leaves = u64::from(self.sub_windows + 1).checked_mul(1_u64.checked_shl(self.tick_bits)?)?;
        let above_counts = 1_u64.checked_shl(u64::BITS - counts)?;
        last.checked_add(leaves)?.checked_mul(self.tick)?;
        leaves.checked_add(room).filter(|&ticks| ticks < above_counts)?;
        Some(Layout { tat_bits, total_bits, count_bits, last })
    }

    /// A plan is made only if it fits.
    pub(super) fn layout(&self) -> Layout {
        self.fitted().unwrap_or(Layout { tat_bits: 0, total_bits: 32, count_bits: 1, last: 0 })
    }

    fn is_better(&self, other: &CounterPlan, parts: u128) -> bool {
        let (ours, theirs) = (self.rate(), other.rate());
        exceeds(ours, theirs, parts)
            || (!exceeds(theirs, ours, 10_000) && exceeds(self.counted_rate(), other.counted_rate(), parts))
    }

    /// What the counter sustains. The remainder of a unit may be missing all the time.
    fn counted_rate(&self) -> Rate {
        let permits = u64::from(self.burst()) + 1 - (1 << self.unit_bits);
        (permits.into(), self.sub_window_nanos() * (u128::from(self.sub_windows) + 1))
    }

    /// What is sustained.
    fn rate(&self) -> Rate {
        if self.units == 0 {
            return self.counted_rate();
        }
        lower(self.counted_rate(), (1, u128::from(self.units) * u128::from(self.tick)))
    }

    pub(super) fn sub_window_nanos(&self) -> u128 {
        u128::from(self.tick) << self.tick_bits
    }

    /// The policy that is kept.
    #[inline]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The most permits that one call, or a run of calls at one instant, is granted: the smallest limit of the policy.
    #[inline]
    pub fn burst(&self) -> u32 {
        self.policy.quotas()[self.counted()].limit()
    }

    /// The index of the quota that is counted.
    #[inline]
    pub fn counted(&self) -> usize {
        usize::from(self.counted)
    }

    /// Into how many sub-windows the window of the counted quota is divided.
    #[inline]
    pub fn sub_windows(&self) -> u32 {
        self.sub_windows
    }

    /// The length of a sub-window. The first begins at the origin of the clock.
    pub fn sub_window(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.sub_window_nanos()).unwrap_or(u64::MAX))
    }

    /// The permits of closed sub-windows are counted in units of so many: 1, unless the limit is large. The remainder of a
    /// unit counts in the sub-window of the next grant, so up to `unit - 1` permits count longer than they must.
    #[inline]
    pub fn unit(&self) -> u32 {
        1 << self.unit_bits
    }

    /// The time in which the bucket for the other quotas regains a permit. `None` if the counter alone keeps all quotas.
    pub fn interval(&self) -> Option<Duration> {
        (self.units > 0).then(|| Duration::from_nanos(self.units.saturating_mul(self.tick)))
    }

    /// The resolution of the clock: a call takes place at the tick at or before its `now`. A tick is a sub-window if the
    /// counter alone keeps all quotas.
    #[inline]
    pub fn tick(&self) -> Duration {
        Duration::from_nanos(self.tick)
    }

    /// How long a limiter lasts, from the origin of its clock. After that, it refuses all calls once its permits are spent.
    pub fn lasts(&self) -> Duration {
        let ticks = u128::from(self.layout().last) + 1;
        Duration::from_nanos(u64::try_from(ticks * u128::from(self.tick)).unwrap_or(u64::MAX))
    }

    /// The longest time after a burst until a permit comes back: `k + 1` sub-windows, if the burst came at the beginning of
    /// one. At the end of one it would be one sub-window less.
    pub fn longest_wait(&self) -> Duration {
        let counter = self.sub_window().saturating_mul(self.sub_windows + 1);
        self.interval().map_or(counter, |interval| interval.max(counter))
    }

    /// The most permits that can be granted in any window of the quota with this index: proved, and never above its limit.
    /// `None` if there is no such quota.
    pub fn worst_case(&self, quota: usize) -> Option<u32> {
        let (_, window) = self.policy.rules().nth(quota)?;
        let (limit, counted) = self.policy.rules().nth(self.counted())?;
        let by_counter = u128::from(window.div_ceil(counted)) * u128::from(limit);
        let interval = u128::from(self.units) * u128::from(self.tick);
        let by_bucket = match interval {
            0 => u128::MAX,
            interval => {
                u128::from(limit) + (u128::from(window) + u128::from(self.tick)).div_ceil(interval) - 1
            }
        };
        u32::try_from(by_counter.min(by_bucket)).ok()
    }

    /// By how many nanoseconds the longest quota that the counter alone keeps is longer than the counted one.
    pub(crate) fn longer_by(&self) -> u64 {
        let counted = self.policy.rules().nth(self.counted()).map_or(1, |(_, window)| window);
        let by_counter =
            (0_u8..).zip(self.policy.rules()).filter(|(quota, _)| self.by_bucket >> quota & 1 == 0);
        by_counter.map(|(_, (_, window))| window.saturating_sub(counted)).max().unwrap_or(0)
    }

    /// The sustained rate as a share of the one that the policy allows, above 0 and at most 1.
    #[expect(clippy::cast_precision_loss, reason = "a figure to show, not to decide by")]
    pub fn efficiency(&self) -> f64 {
        let (allowed, rate) = (self.policy.sustained(), self.rate());
        let share = (rate.0 as f64 / rate.1 as f64) * (allowed.1 as f64 / f64::from(allowed.0));
        share.min(1.0)
    }
}

impl fmt::Display for CounterPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Cut, not rounded, so that a plan that loses anything never shows 100 %.
        let (allowed, rate) = (self.policy.sustained(), self.rate());
        let hundredths = rate.0 * u128::from(allowed.1) * 10_000 / (rate.1 * u128::from(allowed.0));
        let time = |duration| Nanos::ZERO.saturating_add(duration);
        write!(
            f,
            "burst {}, counted in {} sub-windows of {}: {}.{:02} % of the rate the policy sustains, \
             a permit again within {} after a burst, 8 bytes for {} days",
            self.burst(),
            self.sub_windows,
            time(self.sub_window()),
            hundredths / 100,
            hundredths % 100,
            time(self.longest_wait()),
            self.lasts().as_secs() / 86_400
        )?;
        for (i, quota) in self.policy.quotas().iter().enumerate() {
            let worst = self.worst_case(i).unwrap_or(u32::MAX);
            write!(f, "\n  {quota}: at most {worst} in any window")?;
        }
        Ok(())
    }
}
