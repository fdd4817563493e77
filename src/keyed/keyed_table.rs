//! How do the calls of a user become steps on the slots?

use super::error::KeyedError;
use super::grid::Grid;
use super::plan::KeyPlan;
use super::table::Sets;
use super::usage::Usage;
use crate::algorithm::Plan;
use crate::decision::{Denied, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// The slots of one set: what one cache line holds.
const WIDTH: usize = 8;

/// A strict limit for each of any number of keys, in memory that is fixed when the table is built.
///
/// This is the core of [`KeyedLimiter`](super::KeyedLimiter). The caller passes `now`, and 64 bits of hash as the key. Use
/// it directly if you have a good hash of the caller already. **All 64 bits of the hash count**: the high bits choose a
/// set of slots, and the low bits distinguish the keys of one set. If an attacker can foresee the hash, he can choose with
/// whom he shares a bucket.
///
/// One decision reads one cache line; a grant replaces one word of it by a compare-and-swap. Nothing is allocated or locked.
///
/// ```
/// use tollgate::keyed::KeyedTable;
/// use tollgate::{Nanos, Plan, Policy};
///
/// let table = KeyedTable::new(Plan::new(Policy::MICROSOFT_365_DEFENDER)?, 100_000)?;
/// assert_eq!(table.memory(), 800_000);
///
/// let (alice, bob) = (0x1b47_b6f1_5c3e_90d2, 0x93aa_02c7_d81e_4f65);
/// let now = Nanos::from_secs(1);
/// for _ in 0..26 {
///     table.try_acquire_at(now, alice, 1)?;
/// }
/// let denied = table.try_acquire_at(now, alice, 1).unwrap_err();
/// assert_eq!(denied.retry_after_secs(), Some(3));
/// assert!(table.try_acquire_at(now, bob, 1).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct KeyedTable {
    sets: Sets<WIDTH>,
    plan: KeyPlan,
    policy: Policy,
}

impl KeyedTable {
    /// A table with `slots` slots, rounded up to a multiple of 8. A slot takes 8 bytes.
    ///
    /// `plan` does two things. It limits every key that has no plan of its own. And it chooses the steps in which the slots
    /// count time. So if some keys will have other plans ([`fit`](KeyedTable::fit)), build the table from the plan that
    /// gives permits back fastest, even if most keys have another one.
    ///
    /// A slot is in use while its key has a permit that has not come back. Choose four times as many slots as will be in
    /// use at one time: then one newcomer in 800 meets a set of 8 slots that are all in use. With three times as many it is
    /// one in 150, with twice as many one in 20. A table with more keys than that never fails. It becomes stricter with
    /// newcomers.
    ///
    /// It costs as much time as writing the memory once.
    ///
    /// # Errors
    ///
    /// [`KeyedError::Empty`] for 0 slots, [`KeyedError::TooLarge`] if there is no memory,
    /// [`KeyedError::TooFine`] if the plan gives back more than 5000 permits a second, and [`KeyedError::TooLong`] if a
    /// burst takes about 583 years to come back.
    pub fn new(plan: Plan, slots: usize) -> Result<KeyedTable, KeyedError> {
        let grid = Grid::choose(&plan)?;
        if slots == 0 {
            return Err(KeyedError::Empty);
        }
        let sets = Sets::new(slots.div_ceil(WIDTH), grid.layout).ok_or(KeyedError::TooLarge { slots })?;
        let policy = *plan.policy();
        let plan = KeyPlan::new(&plan, grid, grid.fit(&plan)?);
        Ok(KeyedTable { sets, plan, policy })
    }

    /// A table that takes at most `bytes` bytes, a multiple of 64.
    ///
    /// # Errors
    ///
    /// As [`new`](KeyedTable::new); [`KeyedError::Empty`] for fewer than 64 bytes.
    pub fn with_memory(plan: Plan, bytes: usize) -> Result<KeyedTable, KeyedError> {
        KeyedTable::new(plan, bytes / 64 * WIDTH)
    }

    /// A plan made ready for the calls of some keys, such as `free` and `pro` customers in one table.
    ///
    /// The table counts time in the steps of the plan that was given to [`new`](KeyedTable::new). They are fine enough for
    /// all slower plans, and too coarse for plans that are much faster. So build the table from the fastest plan. A key
    /// whose calls come without a plan gets that one.
    ///
    /// ```
    /// use tollgate::keyed::{KeyedError, KeyedTable};
    /// use tollgate::{Nanos, Plan};
    ///
    /// let table = KeyedTable::new(Plan::new("300/1m".parse()?)?, 1_000)?;
    /// let free = table.fit(&Plan::new("10/1m".parse()?)?)?;
    /// let (key, now) = (0x1b47_b6f1_5c3e_90d2, Nanos::ZERO);
    /// assert!(table.try_acquire_with(now, key, 1, &free).is_ok());
    /// assert!(table.try_acquire_with(now, key, 1, &free).is_err());
    ///
    /// // Ten million a minute are too many for slots that count in steps of 4096 ns.
    /// let error = table.fit(&Plan::new("10000000/1m".parse()?)?).unwrap_err();
    /// assert!(matches!(error, KeyedError::TooFine { .. }), "{error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyedError::TooFine`] or [`KeyedError::TooLong`] if this table cannot keep the plan to one part in ten thousand
    /// for a year. The message says what to do instead.
    pub fn fit(&self, plan: &Plan) -> Result<KeyPlan, KeyedError> {
        let grid = self.plan.grid;
        grid.fit(plan).map(|ticks| KeyPlan::new(plan, grid, ticks))
    }

    /// Takes `n` permits of the key with this hash at `now`, all or none.
    ///
    /// # Errors
    ///
    /// [`Denied`] says from which instant a retry is granted: exactly for the slot as it was found.
    #[inline]
    pub fn try_acquire_at(&self, now: Nanos, hash: u64, n: u32) -> Result<(), Denied> {
        self.take(now, hash, n, &self.plan)
    }

    /// As [`try_acquire_at`](KeyedTable::try_acquire_at), for a key that has a plan of its own, made by
    /// [`fit`](KeyedTable::fit). A plan that was fitted to another table is kept, too, perhaps a little more
    /// strictly. If this table cannot keep it for a year, every call is refused without a retry instant.
    ///
    /// # Errors
    ///
    /// As `try_acquire_at`.
    #[inline]
    pub fn try_acquire_with(&self, now: Nanos, hash: u64, n: u32, plan: &KeyPlan) -> Result<(), Denied> {
        if plan.grid == self.plan.grid {
            return self.take(now, hash, n, plan);
        }
        match plan.moved(self.plan.grid) {
            Some(plan) => self.take(now, hash, n, &plan),
            None if n == 0 => Ok(()),
            None => Err(plan.never(now)),
        }
    }

    /// What [`try_acquire_with`](KeyedTable::try_acquire_with) would answer. Changes nothing.
    ///
    /// # Errors
    ///
    /// As `try_acquire_with`.
    pub fn peek_with(&self, now: Nanos, hash: u64, n: u32, plan: &KeyPlan) -> Result<(), Denied> {
        match self.own(plan) {
            Some(plan) => self.look(now, hash, n, &plan),
            None if n == 0 => Ok(()),
            None => Err(plan.never(now)),
        }
    }

    /// What is left at `now` for the key with this hash, by a plan of its own. For a key without a slot: what it would
    /// find. If this table cannot keep the plan, nothing is left and nothing ever comes back. Changes nothing.
    ///
    /// ```
    /// use tollgate::keyed::KeyedTable;
    /// use tollgate::{Nanos, Plan};
    ///
    /// let table = KeyedTable::new(Plan::new("300/1m".parse()?)?, 1_000)?;
    /// let free = table.fit(&Plan::with_burst("10/1m".parse()?, 2)?)?;
    /// let (key, now) = (0x1b47_b6f1_5c3e_90d2, Nanos::ZERO);
    /// table.try_acquire_with(now, key, 1, &free)?;
    /// assert_eq!(table.status_with(now, key, &free).remaining(), 1);
    /// assert!(table.peek_with(now, key, 1, &free).is_ok());
    /// assert!(table.peek_with(now, key, 2, &free).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn status_with(&self, now: Nanos, hash: u64, plan: &KeyPlan) -> Status {
        match self.own(plan) {
            Some(plan) => plan.status(now, self.sets.tat(hash)),
            None => KeyPlan::nothing(now),
        }
    }

    /// The plan in the steps of this table. `None` if it was fitted to another table and this one cannot keep it.
    fn own(&self, plan: &KeyPlan) -> Option<KeyPlan> {
        if plan.grid == self.plan.grid { Some(*plan) } else { plan.moved(self.plan.grid) }
    }

    #[inline]
    fn take(&self, now: Nanos, hash: u64, n: u32, plan: &KeyPlan) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        let Some(price) = plan.price(n) else { return Err(plan.never(now)) };
        match self.sets.take(hash, plan.now(now), price) {
            Ok(_) => Ok(()),
            Err(tat) => Err(plan.denied(now, tat, price)),
        }
    }

    /// [`try_acquire_at`](KeyedTable::try_acquire_at), and the TAT by the very word that decided, for
    /// [`status_by`](KeyedTable::status_by): no other call comes between the two, and the set is read once.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn decide_at(&self, now: Nanos, hash: u64, n: u32) -> (Result<(), Denied>, u64) {
        self.decide(now, hash, n, &self.plan)
    }

    /// The same for a key that has a plan of its own.
    #[cfg(feature = "tower")]
    pub(crate) fn decide_with(
        &self,
        now: Nanos,
        hash: u64,
        n: u32,
        plan: &KeyPlan,
    ) -> (Result<(), Denied>, u64) {
        match self.own(plan) {
            Some(plan) => self.decide(now, hash, n, &plan),
            None if n == 0 => (Ok(()), 0),
            None => (Err(plan.never(now)), 0),
        }
    }

    #[cfg(feature = "tower")]
    #[inline]
    fn decide(&self, now: Nanos, hash: u64, n: u32, plan: &KeyPlan) -> (Result<(), Denied>, u64) {
        match plan.price(n) {
            // Nothing is asked of the slot, or nothing that it could ever give.
            _ if n == 0 => (Ok(()), self.sets.tat(hash)),
            None => (Err(plan.never(now)), self.sets.tat(hash)),
            Some(price) => match self.sets.take(hash, plan.now(now), price) {
                Ok(tat) => (Ok(()), tat),
                Err(tat) => (Err(plan.denied(now, tat, price)), tat),
            },
        }
    }

    /// What this TAT leaves at `now`, by the plan of the table or by another one.
    #[cfg(feature = "tower")]
    pub(crate) fn status_by(&self, now: Nanos, tat: u64, plan: Option<&KeyPlan>) -> Status {
        match plan {
            None => self.plan.status(now, tat),
            Some(plan) => self.own(plan).map_or_else(|| KeyPlan::nothing(now), |plan| plan.status(now, tat)),
        }
    }

    /// What [`try_acquire_at`](KeyedTable::try_acquire_at) would answer. Changes nothing.
    ///
    /// # Errors
    ///
    /// As `try_acquire_at`.
    pub fn peek_at(&self, now: Nanos, hash: u64, n: u32) -> Result<(), Denied> {
        self.look(now, hash, n, &self.plan)
    }

    #[inline]
    fn look(&self, now: Nanos, hash: u64, n: u32, plan: &KeyPlan) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        let price = plan.price(n).ok_or_else(|| plan.never(now))?;
        let tat = self.sets.tat(hash);
        if tat > plan.now(now) + price.slack { Err(plan.denied(now, tat, price)) } else { Ok(()) }
    }

    /// What is left for the key with this hash at `now`; for a key without a slot, what it would find. Changes
    /// nothing.
    pub fn status_at(&self, now: Nanos, hash: u64) -> Status {
        self.plan.status(now, self.sets.tat(hash))
    }

    /// How full the table is at `now`, by reading all of it: 8 bytes for each slot, and no snapshot where calls go on.
    pub fn usage_at(&self, now: Nanos) -> Usage {
        let price = self.plan.price(1);
        let now = self.plan.now(now);
        let layout = self.plan.grid.layout;
        let tats = self.sets.words().map(|words| words.map(|word| layout.tat(word)));
        Usage::of(tats, now, price.map_or(now, |price| now + price.slack))
    }

    /// The policy of keys without a plan of their own.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many slots there are.
    pub fn slots(&self) -> usize {
        self.sets.count() * WIDTH
    }

    /// The bytes that the slots take: all that the table ever allocates.
    pub fn memory(&self) -> usize {
        self.sets.bytes()
    }

    /// The probability that two given keys share one bucket, and with it their permits.
    ///
    /// It is 1 in so many: the number of sets times the identities of a set, 65,535 where permits come back more slowly than
    /// 300 a second, and never less than 4,095.
    pub fn identities(&self) -> u64 {
        let identities = !(u64::MAX << self.plan.grid.layout.identity_bits());
        self.sets.count() as u64 * identities
    }
}
