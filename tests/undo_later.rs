//! Why a bucket undoes only its latest grant. Could a charge be taken back after other grants, too? Here is each form
//! that we thought of, on a small model of the bucket, with a history in which it grants too much.
//!
//! After an undo, the word must be what it would be without the grant, or larger. A smaller word grants more than the
//! rule allows.

use tollgate::{Algorithm, Nanos, TokenBucket};

/// A permit costs so much time.
const INTERVAL: u64 = 10;
const BURST: u64 = 2;

/// A call for `n` permits at `now`, by the clock of its thread, which may be behind or ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Call {
    now: u64,
    n: u64,
}

const fn call(now: u64, n: u64) -> Call {
    Call { now, n }
}

/// The word after the call, if it is granted.
fn granted(word: u64, call: Call) -> Option<u64> {
    Some(word.max(call.now) + call.n * INTERVAL).filter(|&word| word <= call.now + BURST * INTERVAL)
}

/// The later charges on top of what was there before, or of `now` if the bucket may have been full until then.
fn rebuilt((before, after): (u64, u64), word: u64, now: u64) -> u64 {
    (before.max(now) + (word - after)).min(word)
}

fn all_granted(word: u64, calls: &[Call]) -> Option<u64> {
    calls.iter().try_fold(word, |word, &call| granted(word, call))
}

/// A history in which all calls are granted, and the word before and after the call that is to be undone.
#[derive(Clone, Debug)]
struct History {
    undone: Call,
    later: Vec<Call>,
    before: u64,
    after: u64,
    word: u64,
    /// The word if that call had never been made.
    without: u64,
}

impl History {
    fn new(earlier: &[Call], undone: Call, later: &[Call]) -> Option<History> {
        let before = all_granted(0, earlier)?;
        let after = granted(before, undone)?;
        let word = all_granted(after, later)?;
        let without = all_granted(before, later).expect("a word that is lower grants as much");
        Some(History { undone, later: later.to_vec(), before, after, word, without })
    }

    fn newest(&self) -> u64 {
        self.later.iter().map(|call| call.now).max().unwrap_or(0)
    }

    /// Subtracts the charge.
    fn subtracted(&self) -> u64 {
        self.word - self.undone.n * INTERVAL
    }

    fn rebuilt(&self, now: u64) -> u64 {
        rebuilt((self.before, self.after), self.word, now)
    }
}

/// Every history of up to one grant before and up to two after, on clocks that say anything.
fn histories() -> impl Iterator<Item = History> {
    let instants = || (0..=3 * INTERVAL).filter(|now| now % 5 < 2);
    let calls: Vec<Call> = instants().flat_map(|now| [call(now, 1), call(now, 2)]).collect();
    let upto = |most: usize| {
        let mut all: Vec<Vec<Call>> = vec![vec![]];
        let mut longest = all.clone();
        for _ in 0..most {
            longest =
                longest.iter().flat_map(|some| calls.iter().map(|&one| [&**some, &[one]].concat())).collect();
            all.extend(longest.iter().cloned());
        }
        all
    };
    let (before, after) = (upto(1), upto(2));
    before.into_iter().flat_map(move |earlier| {
        let (calls, after) = (calls.clone(), after.clone());
        calls.into_iter().flat_map(move |undone| {
            let earlier = earlier.clone();
            let histories: Vec<History> =
                after.iter().filter_map(|later| History::new(&earlier, undone, later)).collect();
            histories
        })
    })
}

/// One true clock, and the charge still lies ahead: its theoretical arrival time, 110, is after 109. But the bucket was
/// full when it was charged, and without the charge it would have been full until 109.
#[test]
fn subtracting_the_charge_mints_on_one_true_clock() {
    let history = History::new(&[], call(100, 1), &[call(109, 1)]).unwrap();
    assert_eq!((history.before, history.after, history.word), (0, 110, 120));
    assert_eq!((history.subtracted(), history.without), (110, 119));
    // Beside the call at 109, two more are sent: three within a tenth of an interval, where the burst is two.
    let two_more = [call(109, 1), call(110, 1)];
    assert_eq!(all_granted(history.subtracted(), &two_more), Some(130));
    assert_eq!(all_granted(history.without, &two_more), None);
    // The bucket itself forfeits the permit.
    let bucket = TokenBucket::with_burst("2/10s".parse().unwrap(), 2).unwrap();
    let grant = bucket.try_grant_at(Nanos::from_secs(100), 1).unwrap();
    bucket.try_acquire_at(Nanos::from_secs(109), 1).unwrap();
    assert!(!grant.undo());
    let denied = bucket.try_acquire_at(Nanos::from_secs(109), 1).unwrap_err();
    assert_eq!(denied.retry_at(), Some(Nanos::from_secs(110)));
}

/// With the instant of the undo, as late as that of each later grant, the word can be rebuilt. From a clock that is behind
/// it is too low.
#[test]
fn a_clock_that_is_behind_mints() {
    let mut given_back = 0;
    for history in histories() {
        for now in [history.newest(), history.newest() + 1, history.newest() + 5] {
            assert!(history.rebuilt(now) >= history.without, "{history:?} at {now}");
            given_back += u32::from(!history.later.is_empty() && history.rebuilt(now) < history.word);
        }
    }
    assert_eq!(given_back, 1_140);
    // The same history as above, undone by a thread whose clock says 100.
    let history = History::new(&[], call(100, 1), &[call(109, 1)]).unwrap();
    assert_eq!((history.rebuilt(109), history.rebuilt(100)), (119, 110));
    assert_eq!(history.without, 119);
}

/// Without a clock nothing can be given back. For whatever the receipt and the word say, there is a history that says the
/// same in which the bucket was full again before the later grant, so that the charge has left no trace.
#[test]
fn the_words_do_not_tell_whether_the_charge_still_counts() {
    let mut lost = 0;
    for history in histories().filter(|history| !history.later.is_empty()) {
        let full_again = [call(history.word - INTERVAL, 1)];
        assert_eq!(all_granted(history.after, &full_again), Some(history.word), "{history:?}");
        assert_eq!(all_granted(history.before, &full_again), Some(history.word), "{history:?}");
        lost += u32::from(history.without < history.word);
    }
    assert_eq!(lost, 1_011, "histories in which a permit is lost although it still counts");
}

/// The newest instant of a grant could be kept beside the word, at one more atomic step for each grant. That is sound for
/// one undo, as above. A second one mints: its receipt tells of a bucket that was never full since, but without the first
/// charge it was.
#[test]
fn the_newest_instant_beside_the_word_is_enough_for_one_undo_only() {
    let first = (0, granted(0, call(100, 1)).unwrap());
    let second = (first.1, granted(first.1, call(100, 1)).unwrap());
    assert_eq!((first, second), ((0, 110), (110, 120)));
    // The first is undone, and the word is that of the second call alone.
    let word = rebuilt(first, second.1, 100);
    assert_eq!((word, granted(0, call(100, 1))), (110, Some(110)));
    // The bucket is full when the third call comes. The second is undone, and the word is too low for the third alone.
    let word = granted(word, call(116, 2)).unwrap();
    assert_eq!((word, granted(0, call(116, 2))), (136, Some(136)));
    assert_eq!(rebuilt(second, word, 116), 132);
}
