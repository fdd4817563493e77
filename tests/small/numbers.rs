//! The numbers that limiters are built from, against their definitions in `u128`.

use std::collections::HashSet;

use crate::interval::{Scale, YEAR};
use crate::nanos::Nanos;
use crate::ticks::Ticks;

/// Every power of two up to `2^bits`, and its neighbours.
fn edges(bits: u32) -> Vec<u64> {
    let mut edges: Vec<u64> = (0..=bits).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1]).collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// The tick and the last instant: `2^bits` ticks last 36 years and four windows, or, if such a tick is too long, as long
/// as the longest that is not, provided that they still last 416 days and four windows.
fn grid(bits: u32, window: u64, max_tick: u64) -> Option<(u128, u128)> {
    let all = 1_u128 << 64;
    let lasts = |tick: u128, least: u128| {
        let reach = tick << bits;
        reach >= least && (reach > 4 * u128::from(window) || reach >= all)
    };
    let mut tick = 1;
    while !lasts(tick, 1 << 60) {
        tick *= 2;
    }
    while tick > u128::from(max_tick) {
        tick /= 2;
    }
    (tick > 0 && lasts(tick, 1 << 55)).then(|| (tick, (tick << bits).min(all) - tick))
}

#[test]
fn every_grid() {
    let mut grids = HashSet::new();
    for bits in 1..=63 {
        for window in edges(62).into_iter().filter(|window| (1..=1 << 62).contains(window)) {
            for max_tick in edges(48) {
                let ticks = Ticks::choose(bits, window, max_tick);
                let chosen = ticks.map(|ticks| (u128::from(ticks.len()), u128::from(ticks.horizon())));
                assert_eq!(chosen, grid(bits, window, max_tick), "{bits} bits, {window}, {max_tick}");
                if let (Some(ticks), Some(chosen)) = (ticks, chosen) {
                    if grids.insert(chosen) {
                        every_edge_on(&ticks, chosen);
                    }
                }
            }
        }
    }
    assert!(grids.len() > 50, "only {} grids", grids.len());
}

fn every_edge_on(ticks: &Ticks, (tick, end): (u128, u128)) {
    let last = u64::try_from(end / tick).unwrap();
    let around_the_end = (0..4).map(|less| u64::try_from(end + 1).unwrap_or(u64::MAX).saturating_sub(less));
    let multiples = edges(20).into_iter().map(|k| u128::from(k) * tick);
    let multiples = multiples.flat_map(|nanos| [nanos.saturating_sub(1), nanos, nanos + 1]);
    let multiples = multiples.filter_map(|nanos| u64::try_from(nanos).ok());
    for nanos in edges(63).into_iter().chain(around_the_end).chain(multiples).chain([u64::MAX - 1, u64::MAX])
    {
        let now = Nanos::from_nanos(nanos);
        let (floor, ceil) = (u128::from(nanos) / tick, u128::from(nanos).div_ceil(tick));
        assert_eq!(u128::from(ticks.floor(now)), floor.min(end / tick), "{nanos} by {tick}");
        assert_eq!(u128::from(ticks.ceil(now)), ceil.min(end / tick), "{nanos} by {tick}");
        assert_eq!(ticks.around(now), (ticks.floor(now), ticks.ceil(now)), "{nanos} by {tick}");
        assert_eq!(u128::from(ticks.span(nanos)), ceil, "{nanos} by {tick}");
        let told = (nanos <= last).then(|| u128::from(nanos) * tick);
        assert_eq!(ticks.instant(nanos).map(|instant| u128::from(instant.as_nanos())), told);
    }
}

/// A tick of `window / 2^15`, so that three of them are less than 1e-4 of the window.
#[test]
fn the_longest_tick() {
    for window in edges(62) {
        let longest = Ticks::max_for(window);
        assert!(longest == 1 || longest << 15 <= window, "{window}");
        assert!((longest + 1) << 15 > window, "{window}");
    }
}

/// The coarsest scale at which an interval rounds up by less than 1e-4.
fn coarsest(bits: u32, permits: u32, window: u64) -> Option<u32> {
    (0..=9).take_while(|scale| scale + 64 <= bits + 9).find(|scale| {
        let exact = u128::from(window) << scale;
        let rounded = exact.div_ceil(u128::from(permits)) * u128::from(permits);
        10_000 * (rounded - exact) < exact
    })
}

#[test]
fn every_scale() {
    let mut seen = HashSet::new();
    for bits in 55..=64 {
        for permits in (1..=150).chain([1_000, 9_999, 10_000, 10_001, u32::MAX]) {
            let windows = (1..=300).chain(4_990..=5_010).chain(9_990..=10_010).chain(edges(62));
            for window in windows.filter(|&window| window > 0) {
                let chosen = Scale::choose(bits, [(permits, window)].into_iter());
                let expected = coarsest(bits, permits, window);
                assert_eq!(chosen.ok().map(|scale| scale.units(1).ilog2()), expected, "{permits}/{window}");
                seen.insert(expected);
                // The finer of two, or the first that is too fine.
                for (other, index) in [((1, 1), 0), ((8, 1), 0), ((8, 1), 1)] {
                    let mut rules = [(permits, window), other];
                    rules.rotate_left(index);
                    let each = rules.map(|(permits, window)| coarsest(bits, permits, window));
                    let both = match each {
                        [None, _] => Err(0),
                        [_, None] => Err(1),
                        [Some(a), Some(b)] => Ok(a.max(b)),
                    };
                    let chosen = Scale::choose(bits, rules.into_iter()).map(|scale| scale.units(1).ilog2());
                    assert_eq!(chosen, both, "{rules:?}");
                }
            }
        }
    }
    assert_eq!(seen.len(), 11, "every scale, and none");
}

#[test]
fn every_unit() {
    for bits in 0..=9 {
        let scale = Scale::choose(64, [(1 << bits, 1)].into_iter()).unwrap();
        let unit = 1_u128 << bits;
        for units in (0..2_000).chain(edges(63)).chain(u64::MAX - 2_000..=u64::MAX) {
            assert_eq!(u128::from(scale.floor_nanos(units)), u128::from(units) / unit);
            assert_eq!(u128::from(scale.ceil_nanos(units)), u128::from(units).div_ceil(unit));
        }
        for nanos in (0..2_000).chain(edges(54)) {
            assert_eq!(u128::from(scale.units(nanos)), u128::from(nanos) * unit);
        }
        for (permits, window) in (1..40).flat_map(|permits| (1..200).map(move |window| (permits, window))) {
            let interval = (u128::from(window) * unit).div_ceil(u128::from(permits));
            assert_eq!(scale.interval(permits, window), interval);
        }
    }
}

#[test]
fn a_year() {
    assert_eq!(YEAR, 31_536_000_000_000_000);
}
