//! What does a user say about a layer?

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::iter::repeat_n;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, CONTENT_TYPE, HeaderName, ORIGIN};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, Response, StatusCode};
use tower_layer::Layer;

use super::decision::{Decision, Outcome};
use super::limiter::{Answer, Limiter};
use super::service::RateLimit;
use crate::decision::{Cause, Denied, QuotaStatus, Status};
use crate::http::{Fields, PROBLEM_JSON};
use crate::nanos::Nanos;

/// A layer that asks a [`Limiter`] about each request, and answers with 429 if it refuses.
///
/// A handle is one pointer. All clones, and all services made by them, share one limiter and one set of settings. See the
/// [module](super) for examples and for what is promised.
pub struct RateLimitLayer<L, K = ()> {
    shared: Arc<Shared<L, K>>,
}

pub(super) struct Shared<L, K> {
    pub(super) limiter: L,
    fields: Vec<Fields>,
    settings: Settings<K>,
}

/// What can be changed after a layer is made.
struct Settings<K> {
    key: About<Option<K>>,
    cost: Option<About<u32>>,
    /// Preflights, unless something is said.
    skip: Option<About<bool>>,
    without_key: WithoutKey,
    without_answer: WithoutAnswer,
    is_shadow: bool,
    writes_on_grants: bool,
    name: &'static str,
    on_decision: Option<OnDecision<K>>,
    on_refusal: Option<OnRefusal<K>>,
}

/// What a user's code tells about a request.
type About<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

type OnDecision<K> = Arc<dyn Fn(&Decision<'_, K>) + Send + Sync>;

type OnRefusal<K> = Arc<dyn Fn(&Decision<'_, K>, &mut Response<Bytes>) + Send + Sync>;

/// What is done with a request whose key cannot be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WithoutKey {
    /// The limiter is asked. All requests without a key share one bucket.
    #[default]
    Share,
    /// The request is let through. **Whoever can hide the key is not limited.**
    Allow,
    /// The request is refused with this status, such as 403. A 401 must name a way to log in (RFC 9110, section 15.5.2): let
    /// [`on_refusal`](RateLimitLayer::on_refusal) add the `WWW-Authenticate`.
    Refuse(StatusCode),
}

/// What is done with a request if the limiter gives [no answer](Answer::NONE).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WithoutAnswer {
    /// The request is refused with 503 Service Unavailable.
    #[default]
    Refuse,
    /// The request is let through. **Nobody is limited while the limiter gives no answers.**
    Allow,
}

impl<L: Limiter<()> + Clone> RateLimitLayer<L> {
    /// One limit for all requests together.
    ///
    /// ```
    /// use tollgate::RateLimiter;
    /// use tollgate::tower::server::RateLimitLayer;
    ///
    /// let layer = RateLimitLayer::new(RateLimiter::exact("1000/1m".parse()?)?);
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn new(limiter: L) -> Self {
        RateLimitLayer::keyed(limiter, |_| Some(()))
    }
}

impl<L: Limiter<K> + Clone, K> RateLimitLayer<L, K> {
    /// A limit for each key, which `key` finds in the request: see [`ClientAddr`](super::ClientAddr),
    /// [`header`](super::header), [`extension`](super::extension).
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use tollgate::Policy;
    /// use tollgate::keyed::KeyedLimiter;
    /// use tollgate::tower::server::{ClientAddr, RateLimitLayer};
    ///
    /// let limiter = KeyedLimiter::strict(Policy::MICROSOFT_365_DEFENDER, 100_000)?;
    /// let address = ClientAddr::from_extension(|peer: &SocketAddr| *peer);
    /// let layer = RateLimitLayer::keyed(limiter, move |request| address.of(request));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn keyed(limiter: L, key: impl Fn(&Parts) -> Option<K> + Send + Sync + 'static) -> Self {
        let settings = Settings {
            key: Arc::new(key),
            cost: None,
            skip: None,
            without_key: WithoutKey::default(),
            without_answer: WithoutAnswer::default(),
            is_shadow: false,
            writes_on_grants: true,
            name: "default",
            on_decision: None,
            on_refusal: None,
        };
        RateLimitLayer { shared: Arc::new(Shared { fields: limiter.fields(), limiter, settings }) }
    }

    /// How many permits a request costs. 1 unless this is called. A request that costs 0 is granted and charges nothing.
    ///
    /// A request that costs more than the limiter ever grants at once is refused for good: with 400, and without a
    /// `Retry-After`.
    #[must_use]
    pub fn cost(self, cost: impl Fn(&Parts) -> u32 + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.settings.cost = Some(Arc::new(cost)))
    }

    /// Which requests are let through without a decision. **This replaces the default**, which skips the preflights of CORS:
    /// requests with the method `OPTIONS`, an `Origin` and an `Access-Control-Request-Method`. A handler that does work for
    /// such a request should not be behind the default.
    #[must_use]
    pub fn skip(self, skip: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.settings.skip = Some(Arc::new(skip)))
    }

    /// What is done with a request whose key cannot be had. [`WithoutKey::Share`] unless this is called.
    #[must_use]
    pub fn without_key(self, choice: WithoutKey) -> Self {
        self.with(|shared| shared.settings.without_key = choice)
    }

    /// What is done with a request if the limiter gives no answer. [`WithoutAnswer::Refuse`] unless this is called.
    #[must_use]
    pub fn without_answer(self, choice: WithoutAnswer) -> Self {
        self.with(|shared| shared.settings.without_answer = choice)
    }

    /// Shadow mode: each request is decided, charged and told to [`on_decision`](RateLimitLayer::on_decision), and then let
    /// through. Responses get no fields. Use it to see what a limit would do before it does it.
    #[must_use]
    pub fn shadow(self) -> Self {
        self.with(|shared| shared.settings.is_shadow = true)
    }

    /// Responses to requests that were let through get no fields. Those of refusals do.
    #[must_use]
    pub fn fields_on_refusals_only(self) -> Self {
        self.with(|shared| shared.settings.writes_on_grants = false)
    }

    /// Changes the fields of every policy, such as their [family]:
    ///
    /// ```
    /// use tollgate::RateLimiter;
    /// use tollgate::http::Family;
    /// use tollgate::tower::server::RateLimitLayer;
    ///
    /// let layer = RateLimitLayer::new(RateLimiter::exact("1000/1m".parse()?)?);
    /// let layer = layer.map_fields(|fields| fields.family(Family::Draft7).and(Family::XRateLimit));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    ///
    /// [family]: crate::http::Family
    #[must_use]
    pub fn map_fields(self, change: impl FnMut(Fields) -> Fields) -> Self {
        self.with(|shared| {
            shared.fields = core::mem::take(&mut shared.fields).into_iter().map(change).collect();
        })
    }

    /// A name for the hooks, to tell several layers apart. `default` unless this is called.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        self.with(|shared| shared.settings.name = name)
    }

    /// What is called with every [`Decision`], before it takes effect: for metrics and logs. It is called by the task that
    /// serves the request, so it must not block. A layer has one such hook: a second one replaces the first.
    #[must_use]
    pub fn on_decision(self, hook: impl Fn(&Decision<'_, K>) + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.settings.on_decision = Some(Arc::new(hook)))
    }

    /// What may change the response of a refusal before it is sent. It is complete by then, with its fields. A layer has one
    /// such hook, too.
    ///
    /// ```
    /// use http::HeaderValue;
    /// use http::header::CONTENT_TYPE;
    /// use tollgate::RateLimiter;
    /// use tollgate::tower::server::RateLimitLayer;
    ///
    /// let layer = RateLimitLayer::new(RateLimiter::exact("1000/1m".parse()?)?);
    /// let layer = layer.on_refusal(|_, response| {
    ///     response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    ///     *response.body_mut() = "Too many requests.".into();
    /// });
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    #[must_use]
    pub fn on_refusal(
        self,
        change: impl Fn(&Decision<'_, K>, &mut Response<Bytes>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|shared| shared.settings.on_refusal = Some(Arc::new(change)))
    }

    fn with(mut self, change: impl FnOnce(&mut Shared<L, K>)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }
}

/// The question of a browser whether a page may send a request.
#[inline]
fn is_preflight(request: &Parts) -> bool {
    request.method == Method::OPTIONS
        && request.headers.contains_key(ORIGIN)
        && request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a layer does with a request before anybody is asked.
pub(super) enum Begin<K> {
    /// Let it through, without a word.
    Skip,
    /// Ask the limiter.
    Ask { key: Option<K>, cost: u32 },
    /// It has no key, and that decides.
    NoKey { cost: u32 },
}

/// What a layer does with a request in the end.
pub(super) enum End {
    /// Let it through, and perhaps write into the response what is left.
    Serve {
        writes: bool,
    },
    Refuse(Response<Bytes>),
}

impl<L: Limiter<K>, K> Shared<L, K> {
    #[inline]
    pub(super) fn begin(&self, request: &Parts) -> Begin<K> {
        let Settings { key, cost, skip, without_key, .. } = &self.settings;
        if skip.as_ref().map_or_else(|| is_preflight(request), |skip| skip(request)) {
            return Begin::Skip;
        }
        let (key, cost) = (key(request), cost.as_ref().map_or(1, |cost| cost(request)));
        match without_key {
            WithoutKey::Allow | WithoutKey::Refuse(_) if key.is_none() => Begin::NoKey { cost },
            _ => Begin::Ask { key, cost },
        }
    }

    /// What the limiter answers, if it does so at once.
    #[inline]
    pub(super) fn answer(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        if self.writes() || self.settings.on_decision.is_some() {
            self.limiter.decide_now(key, cost)
        } else {
            self.limiter.decide_without_status(key, cost)
        }
    }

    /// Whether what is left is written into the responses to requests that are let through.
    fn writes(&self) -> bool {
        self.settings.writes_on_grants && !self.settings.is_shadow
    }

    /// The end of a request whose key, where there is one, has this answer. Without an answer nobody was asked.
    #[inline]
    pub(super) fn end(
        &self,
        request: &mut Parts,
        key: Option<&K>,
        cost: u32,
        answer: Option<&Answer>,
    ) -> End {
        let settings = &self.settings;
        let is_asked = answer.is_some();
        let answer = answer.unwrap_or(&Answer::NONE);
        let (outcome, allows) = match answer.result() {
            Some(Ok(())) => (Outcome::Acquired, true),
            Some(Err(_)) => (Outcome::Refused, false),
            None if is_asked => (Outcome::NoAnswer, settings.without_answer == WithoutAnswer::Allow),
            None => (Outcome::NoKey, settings.without_key == WithoutKey::Allow),
        };
        let is_let_through = allows || settings.is_shadow;
        // Only hooks are told of it.
        let met_before = is_asked
            && settings.on_decision.is_some()
            && Met::before(&mut request.extensions, self.limiter.identity());
        let name = settings.name;
        let decision = Decision { name, request, key, cost, answer, outcome, is_let_through, met_before };
        if let Some(hook) = &settings.on_decision {
            hook(&decision);
        }
        if is_let_through {
            return End::Serve { writes: self.writes() };
        }
        End::Refuse(self.refuse(&decision))
    }

    #[cold]
    fn refuse(&self, decision: &Decision<'_, K>) -> Response<Bytes> {
        let mut response = self.refusal(decision);
        if let Some(change) = &self.settings.on_refusal {
            change(decision, &mut response);
        }
        response
    }

    fn refusal(&self, decision: &Decision<'_, K>) -> Response<Bytes> {
        let (Some(denied), Some(fields)) = (decision.denied(), self.fields(decision.policy())) else {
            return self.without_decision(decision.outcome);
        };
        let status = decision.status().copied().unwrap_or_else(|| known_from(&denied));
        let mut response = fields.refusal(&denied, &status, decision.cost).response();
        if decision.status().is_none() {
            for name in &TELLING {
                response.headers_mut().remove(name);
            }
        }
        response.map(Bytes::from)
    }

    /// The response to a request about which the limiter has said nothing: RFC 9457, section 4.2.1.
    fn without_decision(&self, outcome: Outcome) -> Response<Bytes> {
        let code = match (outcome, self.settings.without_key) {
            (Outcome::NoKey, WithoutKey::Refuse(code)) => code,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        let (number, title) = (code.as_u16(), code.canonical_reason().unwrap_or("Refused"));
        let body = format!(r#"{{"type":"about:blank","title":"{title}","status":{number}}}"#);
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = code;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    fn fields(&self, policy: usize) -> Option<&Fields> {
        self.fields.get(policy).or(self.fields.first())
    }

    /// Writes what is left into a response, unless it tells already what another limiter has left: one that is nearer to the
    /// handler, or on another machine.
    pub(super) fn write(&self, headers: &mut HeaderMap, policy: usize, status: &Status) {
        // Most responses have few fields, and then this is faster than to look for each name.
        if headers.keys().any(|name| TELLING.contains(name)) {
            return;
        }
        if let Some(fields) = self.fields(policy) {
            fields.write(headers, status);
        }
    }
}

/// The fields that tell what is left, by this crate or others. Each response that tells it has one of them.
static TELLING: [HeaderName; 5] = [
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// A status with what a refusal alone tells: when its quota grants again. Nothing is known of the other quotas.
fn known_from(denied: &Denied) -> Status {
    let (at, next_at) = (denied.at(), denied.retry_at().unwrap_or(Nanos::MAX));
    let refusing = QuotaStatus { remaining: 0, next_at, reset_at: next_at };
    let others = QuotaStatus { remaining: u32::MAX, next_at: at, reset_at: at };
    match denied.cause() {
        Cause::Quota(quota) => Status::new(at, repeat_n(others, quota).chain([refusing])),
        Cause::Pace | Cause::Pause => Status::joint(at, refusing),
    }
}

/// The limiters that a request has met, in its extensions.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    /// The first of them. 0 is none.
    identities: [usize; 4],
}

impl Met {
    /// Notes a limiter, and tells whether the request has met it before.
    fn before(extensions: &mut Extensions, identity: usize) -> bool {
        if identity == 0 {
            return false;
        }
        let Some(met) = extensions.get_mut::<Met>() else {
            extensions.insert(Met { identities: [identity, 0, 0, 0] });
            return false;
        };
        if met.identities.contains(&identity) {
            return true;
        }
        if let Some(place) = met.identities.iter_mut().find(|place| **place == 0) {
            *place = identity;
        }
        false
    }
}

impl<S, L, K> Layer<S> for RateLimitLayer<L, K> {
    type Service = RateLimit<S, L, K>;

    fn layer(&self, inner: S) -> RateLimit<S, L, K> {
        RateLimit::new(inner, Arc::clone(&self.shared))
    }
}

impl<L, K> Clone for RateLimitLayer<L, K> {
    fn clone(&self) -> Self {
        RateLimitLayer { shared: Arc::clone(&self.shared) }
    }
}

impl<L: fmt::Debug, K> fmt::Debug for RateLimitLayer<L, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.debug("RateLimitLayer", f)
    }
}

impl<L: fmt::Debug, K> Shared<L, K> {
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        f.debug_struct(name)
            .field("name", &settings.name)
            .field("limiter", &self.limiter)
            .field("without_key", &settings.without_key)
            .field("without_answer", &settings.without_answer)
            .field("shadow", &settings.is_shadow)
            .finish_non_exhaustive()
    }
}

impl<L: Clone, K> Clone for Shared<L, K> {
    fn clone(&self) -> Self {
        Shared { limiter: self.limiter.clone(), fields: self.fields.clone(), settings: self.settings.clone() }
    }
}

/// By hand, because keys need not be `Clone`.
impl<K> Clone for Settings<K> {
    fn clone(&self) -> Self {
        Settings {
            key: Arc::clone(&self.key),
            cost: self.cost.clone(),
            skip: self.skip.clone(),
            on_decision: self.on_decision.clone(),
            on_refusal: self.on_refusal.clone(),
            ..*self
        }
    }
}
