//! What is tested: a table of one small set, or a table that gives each key two sets, which is wrong.

use crate::fault::and_undo;
use crate::keyed::table::{Layout, Price, Sets};
use crate::spec::{BURST, Call, INTERVAL, Key, Reply, Spec};

/// What the threads of a model share.
pub(crate) type Limiter = dyn Table;

/// A table, told in ticks and by small numbers for keys.
pub(crate) trait Table: Send + Sync {
    fn take(&self, key: Key, now: u64, price: Price) -> Result<u64, u64>;
    fn tat(&self, key: Key) -> u64;
    /// Identity and TAT of each slot, set by set.
    fn sets(&self) -> Vec<Vec<(u64, u64)>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// One set of two slots, or of three.
    Two,
    Three,
    /// Three sets of one slot, two of which each key may use: the one that has it, else the one that owes less.
    TwoSetsForAKey,
}

const LAYOUT: Layout = Layout::new(12);

fn sets<const W: usize>() -> Sets<W> {
    Sets::new(1, LAYOUT).expect("a little memory")
}

impl Subject {
    pub(crate) fn build(self) -> Box<Limiter> {
        match self {
            Subject::Two => Box::new(sets::<2>()),
            Subject::Three => Box::new(sets::<3>()),
            Subject::TwoSetsForAKey => Box::new([(); 3].map(|()| sets::<1>())),
        }
    }

    pub(crate) fn spec(self) -> Spec {
        Spec::new(if self == Subject::Two { 2 } else { 3 })
    }
}

/// With one set, the low bits of the hash are all that counts.
fn hash(key: Key) -> u64 {
    key as u64 + 1
}

impl<const W: usize> Table for Sets<W> {
    fn take(&self, key: Key, now: u64, price: Price) -> Result<u64, u64> {
        self.take(hash(key), now, price)
    }

    fn tat(&self, key: Key) -> u64 {
        self.tat(hash(key))
    }

    fn sets(&self) -> Vec<Vec<(u64, u64)>> {
        let split = |word| (LAYOUT.identity(word), LAYOUT.tat(word));
        self.words().map(|words| words.map(split).to_vec()).collect()
    }
}

impl Table for [Sets<1>; 3] {
    fn take(&self, key: Key, now: u64, price: Price) -> Result<u64, u64> {
        chosen(self, key).take(hash(key), now, price)
    }

    fn tat(&self, key: Key) -> u64 {
        chosen(self, key).tat(hash(key))
    }

    fn sets(&self) -> Vec<Vec<(u64, u64)>> {
        self.iter().flat_map(Table::sets).collect()
    }
}

fn chosen(sets: &[Sets<1>; 3], key: Key) -> &Sets<1> {
    let pair = [&sets[key % 3], &sets[(key + 1) % 3]];
    let has = |set: &Sets<1>| Table::sets(set)[0][0].0 == hash(key);
    if has(pair[0]) || !has(pair[1]) && pair[0].tat(hash(key)) <= pair[1].tat(hash(key)) {
        pair[0]
    } else {
        pair[1]
    }
}

/// No call needs what was replied before.
pub(crate) fn looks_back(_: Call) -> bool {
    false
}

pub(crate) fn perform_all(limiter: &Limiter, calls: &[Call], _: &[(Call, Reply)]) -> Vec<(Call, Reply)> {
    calls.iter().map(|&call| (call, perform(limiter, call))).collect()
}

pub(crate) fn perform_after(limiter: &Limiter, call: Call, _: &[(Call, Reply)]) -> Reply {
    perform(limiter, call)
}

pub(crate) fn perform(limiter: &Limiter, call: Call) -> Reply {
    match call {
        Call::Take { key, now, n } => decision(take(limiter, key, now, n)),
        Call::TakeAndUndo { key, now, n } => {
            let (taken, undone) = and_undo(|| take(limiter, key, now, n));
            if undone { Reply::Undone } else { decision(taken) }
        }
        Call::Owes { key } => Reply::Owes(limiter.tat(key)),
        Call::Slots => Reply::Slots(limiter.sets()),
    }
}

fn take(limiter: &Limiter, key: Key, now: u64, n: u64) -> Result<u64, u64> {
    let cost = n * INTERVAL;
    limiter.take(key, now, Price { cost, slack: BURST * INTERVAL - cost })
}

fn decision(taken: Result<u64, u64>) -> Reply {
    match taken {
        Ok(tat) => Reply::Granted(tat),
        Err(tat) => Reply::Denied(tat),
    }
}
