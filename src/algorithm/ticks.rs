//! A clock grid of `2^shift` nanoseconds, for words that cannot hold nanoseconds.
//!
//! `now` is rounded down, stamps and windows are rounded up. So the grid only ever makes a limiter stricter.

use crate::nanos::Nanos;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    shift: u32,
    /// The last tick. Time stands still from here on, so the limiter fails closed.
    last: u64,
}

impl Ticks {
    /// 2^60 ns are 36 years: how long a grid lasts if it can.
    const WANTED_BITS: u32 = 60;
    /// 2^55 ns are 416 days: how long a grid must last.
    const LEAST_BITS: u32 = 55;

    /// The finest grid that lasts 36 years in `bits` bits. If its ticks are longer than `max_tick`, it is the coarsest
    /// grid whose ticks are not, if that one lasts a year and four times the longest `window`.
    pub(crate) fn choose(bits: u32, window: u64, max_tick: u64) -> Option<Ticks> {
        let window_bits = (u64::BITS - window.leading_zeros() + 2).min(u64::BITS);
        let shift = window_bits.max(Self::WANTED_BITS).saturating_sub(bits);
        let shift = shift.min(max_tick.checked_ilog2()?);
        let reach = (bits + shift).min(u64::BITS);
        if reach < window_bits.max(Self::LEAST_BITS) {
            return None;
        }
        Some(Ticks { shift, last: u64::MAX >> (u64::BITS - reach) >> shift })
    }

    /// The longest tick with which a window of `window` ns loses less than 1e-4 of its rate. A permit's stamp, its
    /// window and `now` are each off by less than a tick.
    pub(crate) fn max_for(window: u64) -> u64 {
        (window >> 15).max(1)
    }

    /// The tick at or before `now`.
    #[inline]
    pub(crate) fn floor(&self, now: Nanos) -> u64 {
        (now.as_nanos() >> self.shift).min(self.last)
    }

    /// The tick at or after `now`.
    #[inline]
    pub(crate) fn ceil(&self, now: Nanos) -> u64 {
        self.span(now.as_nanos()).min(self.last)
    }

    /// The ticks at or before, and at or after, `now`.
    #[inline]
    pub(crate) fn around(&self, now: Nanos) -> (u64, u64) {
        let now = now.as_nanos().min(self.horizon());
        let floor = now >> self.shift;
        (floor, floor + u64::from(floor << self.shift != now))
    }

    /// `nanos` in ticks, rounded up.
    #[inline]
    pub(crate) fn span(&self, nanos: u64) -> u64 {
        let whole = nanos >> self.shift;
        whole + u64::from(whole << self.shift != nanos)
    }

    /// The instant of `tick`, or `None` if it is after the last tick.
    #[inline]
    pub(crate) fn instant(&self, tick: u64) -> Option<Nanos> {
        (tick <= self.last).then(|| Nanos::from_nanos(tick << self.shift))
    }

    /// The instant of the last tick, in nanoseconds.
    #[inline]
    pub(crate) fn horizon(&self) -> u64 {
        self.last << self.shift
    }

    /// The length of a tick in nanoseconds.
    #[inline]
    pub(crate) fn len(&self) -> u64 {
        1 << self.shift
    }
}
