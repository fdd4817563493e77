//! The fields of one policy: what never changes, made once, and what each response adds.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use ::http::{HeaderMap, HeaderValue};

use super::items::{Item, Items};
use super::names::{PACE, RATE_LIMIT, RATE_LIMIT_POLICY, X_LIMIT, X_REMAINING, X_RESET, member, parameter};
use super::refusal::Refusal;
use super::text::{Text, value};
use crate::algorithm::{Algorithm, Plan};
use crate::decision::{Denied, Status};
use crate::keyed::KeyedTable;
use crate::nanos::{Nanos, saturating_nanos};
use crate::quota::{Policy, Quota};

/// The largest integer of a structured field (RFC 9651, section 3.3.1).
const MOST: u64 = 999_999_999_999_999;

/// The longest `X-RateLimit-Reset`: 31 years. Readers take a larger number for an instant, in seconds since 1970.
const LONGEST_RESET: u64 = 999_999_999;

/// Which names the fields have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy: "50/1m";q=50;w=60` and `RateLimit: "50/1m";r=49;t=60`.
    /// Each policy has an item of its own, with its name.
    Draft11,
    /// Draft 7 of the same: `RateLimit-Policy: 50;w=60` and `RateLimit: limit=50, remaining=49, reset=60`.
    Draft7,
    /// `X-RateLimit-Limit: 50`, `X-RateLimit-Remaining: 49` and `X-RateLimit-Reset: 60`, which is seconds from now. (Some
    /// servers write an instant there, and then a client whose clock is wrong comes too early.)
    XRateLimit,
}

/// What a quota counts, as far as the draft has a word for it.
///
/// Without a word, the draft says, a quota counts requests. If some requests cost more than others, `q` and `r` are the
/// number of those that cost 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Requests. Not written, because it is what a reader takes for granted.
    #[default]
    Requests,
    /// Bytes of content: `qu="content-bytes"`.
    ContentBytes,
}

/// The fields of one policy.
///
/// Make it once and keep it, beside the limiter: all that is the same in every response is made here. Then
/// [`write`](Fields::write) adds the fields to a response that is granted, and [`refusal`](Fields::refusal) makes the answer
/// to a call that is not.
///
/// A response costs one allocation for each value that is written, and none for what never changes.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use tollgate::http::Fields;
/// use tollgate::{Algorithm, Nanos, SlidingLog};
///
/// let log = SlidingLog::new("50/1m, hourly=1500/1h".parse()?)?;
/// let fields = Fields::of(&log);
///
/// let now = Nanos::from_secs(10);
/// log.try_acquire_at(now, 50)?;
/// let mut headers = HeaderMap::new();
/// fields.write(&mut headers, &log.status_at(now));
/// assert_eq!(headers["ratelimit-policy"], r#""50/1m";q=50;w=60, "hourly";q=1500;w=3600"#);
/// assert_eq!(headers["ratelimit"], r#""50/1m";r=0;t=60, "hourly";r=1450;t=3600"#);
///
/// let now = Nanos::from_secs(12);
/// let denied = log.try_acquire_at(now, 1).unwrap_err();
/// let response = fields.refusal(&denied, &log.status_at(now), 1).response();
/// assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
/// assert_eq!(response.headers()["retry-after"], "58");
/// assert_eq!(response.headers()["ratelimit"], r#""50/1m";r=0;t=58, "hourly";r=1450;t=3598"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc = include_str!("fields.md")]
#[derive(Clone, Debug)]
pub struct Fields {
    pub(super) policy: Policy,
    /// Each quota in the order of the policy, and then the pace, whether there is one or not.
    pub(super) declared: Vec<Declared>,
    pub(super) pace: Option<Pace>,
    unit: Unit,
    draft: Option<Draft>,
    x: bool,
}

/// What a response says of one policy that never changes.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// The name between double quotes: a String of structured fields, and one of JSON. A name has nothing to escape.
    pub(super) quoted: Box<str>,
    pub(super) limit: u32,
    /// In seconds, rounded up, as it is announced.
    window: u64,
    /// The same with the guard, by which the limiter decides.
    pub(super) kept: u64,
}

impl Declared {
    pub(super) fn name(&self) -> &str {
        self.quoted.trim_matches('"')
    }
}

/// The bucket of a limiter that has one state for all quotas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) burst: u32,
    pub(super) interval: Duration,
}

impl Pace {
    /// The seconds, rounded up, in which `permits` come back.
    #[inline]
    pub(super) fn seconds(self, permits: u32) -> u64 {
        // A division of 128 bits takes longer than all else that an item costs.
        match saturating_nanos(self.interval).checked_mul(permits.into()) {
            Some(nanos) if nanos < u64::MAX => nanos.div_ceil(1_000_000_000),
            _ => seconds(self.interval.as_nanos().saturating_mul(permits.into())),
        }
    }
}

#[derive(Clone, Debug)]
enum Draft {
    Eleven { policy: HeaderValue },
    Seven { policy: HeaderValue },
}

/// Nanoseconds as whole seconds, rounded up, as far as a structured field can tell them.
fn seconds(nanos: u128) -> u64 {
    u64::try_from(nanos.div_ceil(1_000_000_000)).unwrap_or(MOST).min(MOST)
}

impl Fields {
    /// For a limiter that has a state for each quota: a sliding log, a window counter, a nominal token bucket.
    pub fn new(policy: &Policy) -> Fields {
        Fields::with(policy, None)
    }

    /// For a limiter that has one state for all quotas: a strict token bucket, or a keyed table, for the calls that come with
    /// this plan.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use tollgate::http::Fields;
    /// use tollgate::{Algorithm, Nanos, Plan, Policy, TokenBucket};
    ///
    /// let fields = Fields::paced(&Plan::new(Policy::MICROSOFT_365_DEFENDER)?);
    /// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER)?;
    /// bucket.try_acquire_at(Nanos::ZERO, 1)?;
    /// let mut headers = HeaderMap::new();
    /// fields.write(&mut headers, &bucket.status_at(Nanos::ZERO));
    /// assert_eq!(headers["ratelimit-policy"], r#""50/1m";q=50;w=60, "1500/1h";q=1500;w=3600, "pace";q=26;w=64"#);
    /// assert_eq!(headers["ratelimit"], r#""pace";r=25;t=62"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn paced(plan: &Plan) -> Fields {
        Fields::with(plan.policy(), Some(Pace { burst: plan.burst(), interval: plan.interval() }))
    }

    /// For this limiter. It asks the algorithm, at an instant long ago, which of the two above it is, and changes nothing.
    ///
    /// For a [`RateLimiter`](crate::RateLimiter): `Fields::of(limiter.algorithm())`.
    pub fn of<A: Algorithm + ?Sized>(algorithm: &A) -> Fields {
        if !algorithm.status_at(Nanos::ZERO).is_joint() {
            return Fields::new(algorithm.policy());
        }
        Fields::of_burst(algorithm.policy(), algorithm.peek_at(Nanos::ZERO, u32::MAX))
    }

    /// For the calls to this table that come without a plan. For those with a plan of their own:
    /// [`Fields::paced`] of the [`Plan`] from which it was made.
    pub fn of_table(table: &KeyedTable) -> Fields {
        Fields::of_burst(table.policy(), table.peek_at(Nanos::ZERO, 0, u32::MAX))
    }

    /// A policy and a burst decide a plan. `most` is what a call for more permits than anybody is granted was answered.
    fn of_burst(policy: &Policy, most: Result<(), Denied>) -> Fields {
        let burst = most.map_or_else(|denied| denied.burst(), |()| u32::MAX);
        // No plan: the algorithm is a foreign one, with a burst that no strict bucket has. Then only its items are known.
        Plan::with_burst(*policy, burst).map_or_else(|_| Fields::new(policy), |plan| Fields::paced(&plan))
    }

    fn with(policy: &Policy, pace: Option<Pace>) -> Fields {
        let quotas = policy.quotas();
        let guard = policy.guard().as_nanos();
        let mut declared: Vec<Declared> = (0..quotas.len())
            .map(|i| {
                let window = quotas[i].window().as_nanos();
                Declared {
                    quoted: format!("\"{}\"", name(quotas, i)).into(),
                    limit: quotas[i].limit(),
                    window: seconds(window),
                    kept: seconds(window + guard),
                }
            })
            .collect();
        let burst = pace.map_or(policy.smallest_limit().1, |pace| pace.burst);
        let longest = declared.iter().map(|quota| quota.kept).max().unwrap_or(1);
        let window = pace.map_or(longest, |pace| pace.seconds(burst));
        declared.push(Declared { quoted: format!("\"{PACE}\"").into(), limit: burst, window, kept: window });
        let fields = Fields { policy: *policy, declared, pace, unit: Unit::Requests, draft: None, x: false };
        fields.family(Family::Draft11)
    }

    /// Writes these fields only. It is [`Family::Draft11`] unless this is called.
    #[must_use = "this returns the changed fields and takes the original"]
    pub fn family(self, family: Family) -> Fields {
        Fields { draft: None, x: false, ..self }.and(family)
    }

    /// Writes these fields, too. The two drafts have the same names, so the later one replaces the earlier.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use tollgate::http::{Family, Fields};
    /// use tollgate::{Algorithm, Nanos, SlidingLog};
    ///
    /// let log = SlidingLog::new("50/1m, 1500/1h".parse()?)?;
    /// log.try_acquire_at(Nanos::ZERO, 50)?;
    /// let fields = Fields::of(&log).family(Family::Draft7).and(Family::XRateLimit);
    /// let denied = log.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
    /// let mut headers = HeaderMap::new();
    /// fields.refusal(&denied, &log.status_at(Nanos::ZERO), 1).write(&mut headers);
    /// assert_eq!(headers["ratelimit-policy"], "50;w=60, 1500;w=3600");
    /// assert_eq!(headers["ratelimit"], "limit=50, remaining=0, reset=60");
    /// assert_eq!(headers["x-ratelimit-limit"], "50");
    /// assert_eq!(headers["x-ratelimit-remaining"], "0");
    /// assert_eq!(headers["x-ratelimit-reset"], "60");
    /// assert_eq!(headers["retry-after"], "60");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "this returns the changed fields and takes the original"]
    pub fn and(mut self, family: Family) -> Fields {
        match family {
            Family::Draft11 => self.draft = Some(Draft::Eleven { policy: value(|text| self.policies(text)) }),
            Family::Draft7 => self.draft = Some(Draft::Seven { policy: value(|text| self.policies_7(text)) }),
            Family::XRateLimit => self.x = true,
        }
        self
    }

    /// Names what the quotas count, in [`Family::Draft11`]. The other families have no place for it.
    #[must_use = "this returns the changed fields and takes the original"]
    pub fn unit(self, unit: Unit) -> Fields {
        let fields = Fields { unit, ..self };
        match fields.draft {
            Some(Draft::Eleven { .. }) => fields.and(Family::Draft11),
            _ => fields,
        }
    }

    /// The policies that are announced.
    fn announced(&self) -> &[Declared] {
        let quotas = self.policy.quotas().len();
        &self.declared[..quotas + usize::from(self.pace.is_some())]
    }

    fn policies(&self, text: &mut Text) {
        for (i, policy) in self.announced().iter().enumerate() {
            text.text(if i > 0 { ", " } else { "" });
            text.text(&policy.quoted);
            text.text(parameter::QUOTA);
            text.number(policy.limit.into());
            match self.unit {
                Unit::Requests => {}
                Unit::ContentBytes => {
                    text.text(parameter::UNIT);
                    text.text("\"content-bytes\"");
                }
            }
            text.text(parameter::WINDOW);
            text.number(policy.window);
        }
    }

    fn policies_7(&self, text: &mut Text) {
        for (i, policy) in self.announced().iter().enumerate() {
            text.text(if i > 0 { ", " } else { "" });
            text.number(policy.limit.into());
            text.text(parameter::WINDOW);
            text.number(policy.window);
        }
    }

    /// Writes what is left into the response to a call that was granted. `status` is the limiter's, read after the grant.
    ///
    /// Fields of the same names are replaced, and all others stay as they are.
    pub fn write(&self, headers: &mut HeaderMap, status: &Status) {
        self.write_items(headers, None, &Items::granted(self, status));
    }

    /// As [`write`](Fields::write), with the key of the caller's partition as `pk` of each item. Only
    /// [`Family::Draft11`] has a place for it.
    ///
    /// **Whoever can read the response can read the key.** Never pass an API key, an address or a user's name. Pass a hash of it
    /// that is made with a secret, so that nobody finds the key by trying.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use tollgate::http::Fields;
    /// use tollgate::{Algorithm, Nanos, SlidingLog};
    ///
    /// let log = SlidingLog::new("50/1m".parse()?)?;
    /// let mut headers = HeaderMap::new();
    /// Fields::of(&log).write_for(&[0x17, 0x2a, 0xee], &mut headers, &log.status_at(Nanos::ZERO));
    /// assert_eq!(headers["ratelimit"], r#""50/1m";r=50;t=60;pk=:Fyru:"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_for(&self, partition: &[u8], headers: &mut HeaderMap, status: &Status) {
        self.write_items(headers, Some(partition), &Items::granted(self, status));
    }

    /// The answer to a call that was refused. `denied` is what it was told, `status` the limiter's, read after that, and `cost`
    /// the permits that it asked for.
    ///
    /// Between the two readings other calls may have been granted, or time may have passed. So the answer is put together as of
    /// one instant, that of `denied`: it never offers a permit to the quota that refused, and no item that has nothing left
    /// names a later instant than `Retry-After`.
    pub fn refusal(&self, denied: &Denied, status: &Status, cost: u32) -> Refusal<'_> {
        Refusal::new(self, denied, status, cost)
    }

    pub(super) fn write_items(&self, headers: &mut HeaderMap, partition: Option<&[u8]>, items: &Items) {
        if items.all().is_empty() {
            return; // A foreign algorithm that tells nothing: structured fields have no empty list.
        }
        match &self.draft {
            Some(Draft::Eleven { policy }) => {
                headers.insert(&RATE_LIMIT_POLICY, policy.clone());
                headers.insert(&RATE_LIMIT, value(|text| self.items_11(text, partition, items.all())));
            }
            Some(Draft::Seven { policy }) => {
                headers.insert(&RATE_LIMIT_POLICY, policy.clone());
                headers.insert(&RATE_LIMIT, value(|text| self.item_7(text, items.closest())));
            }
            None => {}
        }
        if self.x {
            let item = items.closest();
            headers.insert(&X_LIMIT, value(|text| text.number(self.declared[item.policy].limit.into())));
            headers.insert(&X_REMAINING, value(|text| text.number(item.available.into())));
            headers.insert(&X_RESET, value(|text| text.number(item.window.min(LONGEST_RESET))));
        }
    }

    fn items_11(&self, text: &mut Text, partition: Option<&[u8]>, items: &[Item]) {
        for (i, item) in items.iter().enumerate() {
            text.text(if i > 0 { ", " } else { "" });
            text.text(&self.declared[item.policy].quoted);
            text.text(parameter::AVAILABLE);
            text.number(item.available.into());
            text.text(parameter::EFFECTIVE_WINDOW);
            text.number(item.window);
            if let Some(key) = partition {
                text.text(parameter::PARTITION);
                text.byte_sequence(key);
            }
        }
    }

    fn item_7(&self, text: &mut Text, item: Item) {
        text.text(member::LIMIT);
        text.number(self.declared[item.policy].limit.into());
        text.text(member::REMAINING);
        text.number(item.available.into());
        text.text(member::RESET);
        text.number(item.window);
    }
}

/// The name of a quota in the fields, different from that of every other: its own name, if nothing else has it; else its
/// limit and window, such as `50/1m`. No two quotas of a policy have the same window, and no name has a `/`.
fn name(quotas: &[Quota], i: usize) -> alloc::string::String {
    let alone =
        |name: &&str| *name != PACE && quotas.iter().filter(|quota| quota.name() == Some(*name)).count() == 1;
    match quotas[i].name().filter(alone) {
        Some(name) => name.into(),
        None => Quota::new(quotas[i].limit(), quotas[i].window()).to_string(),
    }
}
