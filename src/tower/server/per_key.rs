//! How does each of a few callers get a limiter of its own?

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::hash::Hash;
use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::limiter::{Answer, Limiter};
use super::plans::{Choose, chosen};
use crate::error::Error;
use crate::http::Fields;
use crate::keyed::{Forgettable, KeyedMap};
use crate::quota::{Policy, PolicyError};

/// A limiter of any algorithm for each of a bounded number of callers, in a [`KeyedMap`].
///
/// It is for callers that are few and need the exact log. If the map is full of callers who still owe, a newcomer gets
/// [no answer](Answer::NONE).
///
/// ```
/// use tollgate::tower::server::{Limiter, PerKey};
/// use tollgate::{Policy, RateLimiter};
///
/// let (free, pro): (Policy, Policy) = ("2/1m".parse()?, "50/1m, 1500/1h".parse()?);
/// let partners = PerKey::new(1_000, RateLimiter::exact, &[free, pro], |name: &String| usize::from(name == "alice"))?;
///
/// # futures_lite::future::block_on(async {
/// assert_eq!(partners.decide(Some(&"alice".into()), 50).await.result(), Some(Ok(())));
/// assert_eq!(partners.decide(Some(&"bob".into()), 2).await.result(), Some(Ok(())));
/// assert!(partners.decide(Some(&"bob".into()), 1).await.result().is_some_and(|result| result.is_err()));
/// # });
/// # Ok::<(), tollgate::Error>(())
/// ```
pub struct PerKey<K, L> {
    shared: Arc<Shared<K, L>>,
}

struct Shared<K, L> {
    map: KeyedMap<K, Planned<L>>,
    /// The limiter of all callers without a key.
    nobody: Planned<L>,
    policies: Vec<Policy>,
    fields: Vec<Fields>,
    choose: Choose<K>,
    make: Make<L>,
}

type Make<L> = Box<dyn Fn(Policy) -> Result<L, Error> + Send + Sync>;

/// A limiter, and the index of the policy that it was made for.
#[derive(Clone)]
struct Planned<L> {
    limiter: L,
    policy: usize,
}

impl<L: Forgettable> Forgettable for Planned<L> {
    fn is_forgettable(&mut self) -> bool {
        self.limiter.is_forgettable()
    }
}

impl<K: Hash + Eq + Clone, L: Limiter<()> + Forgettable> PerKey<K, L> {
    /// Limiters for at most `capacity` callers at one time. `make` makes the limiter of a caller, from the one of the
    /// `policies` whose index `choose` tells.
    ///
    /// The first policy is that of callers without a key, and of an index past the last, so let it be the strictest. A
    /// caller whose index changes keeps the limiter that it has until that has nothing to remember.
    ///
    /// # Errors
    ///
    /// The error of `make` for any of the policies, or [`PolicyError::Empty`] if there are none.
    pub fn new<E: Into<Error>>(
        capacity: usize,
        make: impl Fn(Policy) -> Result<L, E> + Send + Sync + 'static,
        policies: &[Policy],
        choose: impl Fn(&K) -> usize + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let make: Make<L> = Box::new(move |policy| make(policy).map_err(E::into));
        let first = policies.first().ok_or(PolicyError::Empty)?;
        let nobody = Planned { limiter: make(*first)?, policy: 0 };
        let mut fields = Vec::new();
        for policy in policies {
            fields.extend(make(*policy)?.fields().into_iter().next());
        }
        let (map, policies, choose) = (KeyedMap::new(capacity), policies.to_vec(), Box::new(choose));
        Ok(PerKey { shared: Arc::new(Shared { map, nobody, policies, fields, choose, make }) })
    }
}

impl<K: Hash + Eq + Clone, L: Forgettable> Shared<K, L> {
    /// What `ask` says of the limiter of a caller, or of `None` if there is no room for it.
    fn with_limiter<R>(&self, key: Option<&K>, ask: impl FnOnce(Option<&Planned<L>>) -> R) -> R {
        let Some(key) = key else { return ask(Some(&self.nobody)) };
        let make = || {
            let policy = chosen(&self.choose, Some(key), self.policies.len());
            Ok::<_, Error>(Planned { limiter: (self.make)(self.policies[policy])?, policy })
        };
        ask(self.map.get_or_insert(key, make).ok().as_ref())
    }
}

impl<K, L> Limiter<K> for PerKey<K, L>
where
    K: Hash + Eq + Clone + Send + Sync,
    L: Limiter<()> + Forgettable,
{
    type Deciding = Deciding<L::Deciding>;

    fn fields(&self) -> Vec<Fields> {
        self.shared.fields.clone()
    }

    fn decide(&self, key: Option<&K>, cost: u32) -> Deciding<L::Deciding> {
        self.shared.with_limiter(key, |planned| match planned {
            Some(Planned { limiter, policy }) => {
                Deciding { asked: Some(limiter.decide(None, cost)), policy: *policy }
            }
            None => Deciding { asked: None, policy: 0 },
        })
    }

    fn decide_now(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        self.shared.with_limiter(key, |planned| match planned {
            Some(Planned { limiter, policy }) => Some(limiter.decide_now(None, cost)?.by_policy(*policy)),
            None => Some(Answer::NONE),
        })
    }

    fn decide_without_status(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        self.shared.with_limiter(key, |planned| match planned {
            Some(Planned { limiter, policy }) => {
                Some(limiter.decide_without_status(None, cost)?.by_policy(*policy))
            }
            None => Some(Answer::NONE),
        })
    }

    fn identity(&self) -> usize {
        Arc::as_ptr(&self.shared).addr()
    }
}

impl<K, L> Clone for PerKey<K, L> {
    fn clone(&self) -> Self {
        PerKey { shared: Arc::clone(&self.shared) }
    }
}

impl<K, L> fmt::Debug for PerKey<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerKey")
            .field("map", &self.shared.map)
            .field("policies", &self.shared.policies)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The answer of a [`PerKey`], when its limiter has given it.
    #[derive(Debug)]
    pub struct Deciding<F> {
        #[pin]
        asked: Option<F>,
        policy: usize,
    }
}

impl<F: Future<Output = Answer>> Future for Deciding<F> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let this = self.project();
        match this.asked.as_pin_mut() {
            Some(asked) => asked.poll(context).map(|answer| answer.by_policy(*this.policy)),
            None => Poll::Ready(Answer::NONE),
        }
    }
}
