//! What may happen: one exact bucket per key, and nothing else. Shares nothing with `src/`.

/// Each key may have so many permits at once, and one comes back in so many ticks.
pub(crate) const BURST: u64 = 2;
pub(crate) const INTERVAL: u64 = 3;

pub(crate) type Key = usize;
const KEYS: usize = 4;

/// What a thread asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Take {
        key: Key,
        now: u64,
        n: u64,
    },
    /// What the table does not have: a grant that is handed back.
    TakeAndUndo {
        key: Key,
        now: u64,
        n: u64,
    },
    Owes {
        key: Key,
    },
    Slots,
}

pub(crate) const fn take(key: Key, now: u64, n: u64) -> Call {
    Call::Take { key, now, n }
}

pub(crate) const fn owes(key: Key) -> Call {
    Call::Owes { key }
}

/// What it is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    /// The TAT that the grant has made.
    Granted(u64),
    /// The TAT that is in the way.
    Denied(u64),
    Undone,
    Owes(u64),
    /// Identity and TAT of each slot, set by set.
    Slots(Vec<Vec<(u64, u64)>>),
}

impl Reply {
    /// Whether it is as specified, for a call before the threads. With a rule that is broken, a grant may tell of more debt.
    pub(crate) fn is(&self, specified: &Reply) -> bool {
        match (self, specified) {
            (Reply::Granted(told), Reply::Granted(least)) => told >= least,
            _ => self == specified,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Spec {
    slots: usize,
    tats: [u64; KEYS],
}

impl Spec {
    pub(crate) fn new(slots: usize) -> Spec {
        Spec { slots, tats: [0; KEYS] }
    }

    /// What each key alone would be answered. (The calls before the threads are of no more keys than there are slots.)
    pub(crate) fn answer(&mut self, call: Call) -> Reply {
        match call {
            Call::Take { key, now, n } => take_at(&mut self.tats[key], now, n),
            Call::Owes { key } => Reply::Owes(self.tats[key]),
            Call::TakeAndUndo { .. } | Call::Slots => unreachable!("not before the threads"),
        }
    }
}

/// One call to an exact bucket.
fn take_at(tat: &mut u64, now: u64, n: u64) -> Reply {
    if *tat > now + (BURST - n) * INTERVAL {
        return Reply::Denied(*tat);
    }
    *tat = (*tat).max(now) + n * INTERVAL;
    Reply::Granted(*tat)
}

type Heard = [(Call, Reply)];

fn key(call: Call) -> Option<Key> {
    match call {
        Call::Take { key, .. } | Call::TakeAndUndo { key, .. } | Call::Owes { key } => Some(key),
        Call::Slots => None,
    }
}

/// Whether the replies keep what is promised. `after`: the calls when all threads are done.
///
/// - No identity stands twice in a set.
/// - For each key, the granted calls have an order that keeps that of each thread and in which an exact bucket of that
///   key's own grants them all; each grant tells of no less debt than that bucket has then, and in the end the key
///   owes no less.
/// - If there are slots for all keys that ever called, then in this order the bucket gives every reply, refusals included.
pub(crate) fn explained_where(
    spec: &Spec,
    threads: &[&Heard],
    after: &Heard,
    _: &dyn Fn(usize, &[usize]) -> bool,
) -> bool {
    let called =
        |of: Key| threads.iter().flat_map(|calls| calls.iter()).any(|(call, _)| key(*call) == Some(of));
    let uncontended = (0..KEYS).filter(|&key| spec.tats[key] > 0 || called(key)).count() <= spec.slots;
    let nobody_twice = after.iter().all(|(_, reply)| match reply {
        Reply::Slots(sets) => sets.iter().all(|slots| all_differ(slots)),
        _ => true,
    });
    nobody_twice
        && (0..KEYS).all(|of| {
            let counts = |(call, reply): &&(Call, Reply)| {
                key(*call) == Some(of) && (uncontended || matches!(reply, Reply::Granted(_)))
            };
            let threads: Vec<Vec<&(Call, Reply)>> =
                threads.iter().map(|calls| calls.iter().filter(counts).collect()).collect();
            let threads: Vec<&[&(Call, Reply)]> = threads.iter().map(Vec::as_slice).collect();
            let owed = after.iter().find_map(|(call, reply)| match reply {
                Reply::Owes(owed) if key(*call) == Some(of) => Some(*owed),
                _ => None,
            });
            has_order(spec.tats[of], &threads, owed, uncontended)
        })
}

fn all_differ(slots: &[(u64, u64)]) -> bool {
    let owned: Vec<u64> = slots.iter().map(|slot| slot.0).filter(|&identity| identity > 0).collect();
    owned.iter().enumerate().all(|(i, identity)| !owned[..i].contains(identity))
}

/// Whether a bucket that starts from `tat` gives these replies in some order, and then owes no more than `owed`. Where keys take
/// each other's slots (not `exact`), a grant may tell of more debt than the bucket has.
fn has_order(tat: u64, threads: &[&[&(Call, Reply)]], owed: Option<u64>, exact: bool) -> bool {
    if threads.iter().all(|calls| calls.is_empty()) {
        return owed.is_none_or(|owed| owed >= tat);
    }
    (0..threads.len()).any(|next| {
        let Some(((call, reply), rest)) = threads[next].split_first() else { return false };
        let (mut tat, mut threads) = (tat, threads.to_vec());
        threads[next] = rest;
        let given = match *call {
            // A stale view of the slots shows what the key owed at an earlier time.
            Call::Owes { .. } => *reply == Reply::Owes(tat),
            Call::Take { now, n, .. } | Call::TakeAndUndo { now, n, .. } => {
                *reply == Reply::Undone
                    || match (take_at(&mut tat, now, n), reply) {
                        (Reply::Granted(least), Reply::Granted(told)) if !exact => *told >= least,
                        (specified, reply) => specified == *reply,
                    }
            }
            Call::Slots => true,
        };
        given && has_order(tat, &threads, owed, exact)
    })
}
