//! What the hooks are told, and what each choice does.

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, StatusCode};
use tollgate::http::Fields;
use tollgate::tower::server::{
    Answer, Decision, Limiter, Outcome, RateLimitLayer, WithoutAnswer, WithoutKey,
};
use tollgate::{Denied, Nanos, Policy, Status};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Server, exact, hello};

/// Each decision as one text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn hook<K: std::fmt::Debug>(&self) -> impl Fn(&Decision<'_, K>) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        move |decision| {
            let text = format!(
                "{} {} {} key={:?} cost={} policy={} left={:?} retry={:?} again={} {}",
                decision.name(),
                decision.outcome(),
                if decision.is_let_through() { "through" } else { "stopped" },
                decision.key(),
                decision.cost(),
                decision.policy(),
                decision.status().map(Status::remaining),
                decision.denied().and_then(|denied| denied.retry_after_secs()),
                decision.is_charged_again(),
                decision.request().uri.path(),
            );
            log.lock().unwrap().push(text);
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The status of one request, by a layer alone.
fn status<L, K>(layer: &RateLimitLayer<L, K>, request: Request<String>) -> StatusCode
where
    L: Limiter<K>,
{
    let handler = service_fn(|_: Request<String>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    let response = futures_lite::future::block_on(layer.layer(handler).oneshot(request));
    response.unwrap_or_else(|never| match never {}).status()
}

fn get(path: &str) -> Request<String> {
    Request::get(path).body(String::new()).unwrap()
}

#[test]
fn the_hook_is_told_every_decision() {
    let (limiter, clock) = exact("3/10s");
    let log = Log::default();
    let layer = RateLimitLayer::new(limiter)
        .named("api")
        .cost(|request| if request.uri.path() == "/search" { 2 } else { 1 })
        .on_decision(log.hook());
    assert_eq!(status(&layer, get("/search")), 200);
    clock.advance(Duration::from_secs(4));
    assert_eq!(status(&layer, get("/search")), 429);
    assert_eq!(status(&layer, get("/")), 200);
    assert_eq!(
        log.take(),
        [
            "api acquired through key=Some(()) cost=2 policy=0 left=Some(1) retry=None again=false /search",
            "api refused stopped key=Some(()) cost=2 policy=0 left=Some(1) retry=Some(6) again=false /search",
            "api acquired through key=Some(()) cost=1 policy=0 left=Some(0) retry=None again=false /",
        ]
    );
    // What is skipped is not decided.
    let layer = layer.skip(|request| request.uri.path() == "/health");
    assert_eq!(status(&layer, get("/health")), 200);
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn shadow_mode_decides_and_lets_through() {
    let (limiter, _) = exact("1/10s");
    let log = Log::default();
    let server = Server::start(hello().layer(RateLimitLayer::new(limiter).shadow().on_decision(log.hook())));
    for _ in 0..2 {
        let answer = server.get(&[]);
        assert_eq!((answer.status(), answer.body()), (200, "hello"));
        for field in ["ratelimit", "ratelimit-policy", "retry-after", "cache-control"] {
            assert_eq!(answer.field(field), None);
        }
    }
    assert_eq!(
        log.take(),
        [
            "default acquired through key=Some(()) cost=1 policy=0 left=Some(0) retry=None again=false /",
            "default refused through key=Some(()) cost=1 policy=0 left=Some(0) retry=Some(10) again=false /",
        ]
    );
}

/// Says what it is told to say.
#[derive(Clone)]
struct Says(Answer);

impl<K> Limiter<K> for Says {
    type Deciding = Ready<Answer>;

    fn fields(&self) -> Vec<Fields> {
        let policies: [Policy; 2] = ["1/1m".parse().unwrap(), "7/1m, 20/1h".parse().unwrap()];
        policies.iter().map(Fields::new).collect()
    }

    fn decide(&self, _key: Option<&K>, _cost: u32) -> Ready<Answer> {
        ready(self.0)
    }
}

#[test]
fn without_an_answer_the_request_is_refused_or_let_through_as_told() {
    let log = Log::default();
    let layer = RateLimitLayer::new(Says(Answer::NONE)).on_decision(log.hook());
    let server = Server::start(hello().layer(layer.clone()));
    let answer = server.get(&[]);
    assert_eq!((answer.status(), answer.field("cache-control")), (503, Some("no-store")));
    assert_eq!(answer.body(), r#"{"type":"about:blank","title":"Service Unavailable","status":503}"#);
    assert_eq!(status(&layer.without_answer(WithoutAnswer::Allow), get("/")), 200);
    assert_eq!(
        log.take(),
        [
            "default no_answer stopped key=Some(()) cost=1 policy=0 left=None retry=None again=false /",
            "default no_answer through key=Some(()) cost=1 policy=0 left=None retry=None again=false /",
        ]
    );
}

#[test]
fn without_a_key_the_layer_does_as_told() {
    let log = Log::default();
    let layer = RateLimitLayer::keyed(Says(Answer::NONE), |_| None::<u8>).on_decision(log.hook());
    let unauthorized = WithoutKey::Refuse(StatusCode::UNAUTHORIZED);
    assert_eq!(status(&layer, get("/")), 503);
    assert_eq!(status(&layer.clone().without_key(unauthorized), get("/")), 401);
    assert_eq!(status(&layer.clone().without_key(unauthorized).shadow(), get("/")), 200);
    assert_eq!(status(&layer.clone().without_key(WithoutKey::Allow), get("/")), 200);
    assert_eq!(
        log.take(),
        [
            "default no_answer stopped key=None cost=1 policy=0 left=None retry=None again=false /",
            "default no_key stopped key=None cost=1 policy=0 left=None retry=None again=false /",
            "default no_key through key=None cost=1 policy=0 left=None retry=None again=false /",
            "default no_key through key=None cost=1 policy=0 left=None retry=None again=false /",
        ]
    );
    // With a key, the choice changes nothing.
    let layer = RateLimitLayer::keyed(Says(Answer::NONE), |_| Some(7)).without_key(WithoutKey::Allow);
    assert_eq!(status(&layer, get("/")), 503);
}

/// A store may tell a refusal and no more.
#[test]
fn a_refusal_without_a_status_tells_when_to_come_back_and_no_more() {
    let denied = Denied::new(Nanos::from_secs(5), 1, Some(Nanos::from_secs(65)), 7);
    let answer = Answer::new(Err(denied), None).by_policy(1);
    let server = Server::start(hello().layer(RateLimitLayer::new(Says(answer))));
    let refused = server.get(&[]);
    assert_eq!((refused.status(), refused.field("retry-after")), (429, Some("60")));
    assert_eq!(refused.field("ratelimit"), None);
    assert_eq!(refused.field("ratelimit-policy"), Some("\"7/1m\";q=7;w=60, \"20/1h\";q=20;w=3600"));
    assert!(refused.body().contains("\"violated-policies\":[\"20/1h\"]"), "{}", refused.body());

    let paced = Answer::new(Err(denied.by_pace()), None);
    let server = Server::start(hello().layer(RateLimitLayer::new(Says(paced))));
    let refused = server.get(&[]);
    assert_eq!((refused.status(), refused.field("retry-after")), (429, Some("60")));
    assert_eq!(refused.field("ratelimit"), None);

    let server = Server::start(hello().layer(RateLimitLayer::new(Says(Answer::new(Ok(()), None)))));
    let granted = server.get(&[]);
    assert_eq!(
        (granted.status(), granted.field("ratelimit"), granted.field("ratelimit-policy")),
        (200, None, None)
    );
}

#[test]
fn a_policy_that_does_not_exist_is_the_first() {
    let denied = Denied::new(Nanos::ZERO, 0, Some(Nanos::from_secs(1)), 1);
    let layer = RateLimitLayer::new(Says(Answer::new(Err(denied), None).by_policy(9)));
    let server = Server::start(hello().layer(layer));
    assert_eq!(server.get(&[]).field("ratelimit-policy"), Some("\"1/1m\";q=1;w=60"));
}

#[test]
fn a_limiter_that_is_met_twice_is_noticed() {
    let log = Log::default();
    let (shared, _) = exact("9/10s");
    let (other, _) = exact("9/10s");
    let named = |limiter, name| RateLimitLayer::new(limiter).named(name).on_decision(log.hook());
    let app = hello()
        .layer(named(shared.clone(), "inner"))
        .layer(named(other, "between"))
        .layer(named(shared.clone(), "outer"));
    assert_eq!(Server::start(app).status(&[]), 200);
    let again = log
        .take()
        .iter()
        .map(|text| (text.starts_with("inner"), text.contains("again=true")))
        .collect::<Vec<_>>();
    assert_eq!(again, [(false, false), (false, false), (true, true)]);
    // It is charged each time: only stricter.
    assert_eq!(shared.status().remaining(), 7);
}

#[test]
fn outcomes_have_names_for_metrics() {
    let outcomes = [Outcome::Acquired, Outcome::Refused, Outcome::NoKey, Outcome::NoAnswer];
    assert_eq!(outcomes.map(Outcome::as_str), ["acquired", "refused", "no_key", "no_answer"]);
}

/// A limiter that is told a key.
#[derive(Clone, Debug)]
struct Keyed(tollgate::RateLimiter<tollgate::SlidingLog, tollgate::Manual>);

impl Limiter<String> for Keyed {
    type Deciding = Ready<Answer>;

    fn fields(&self) -> Vec<Fields> {
        self.0.fields()
    }

    fn decide(&self, _key: Option<&String>, cost: u32) -> Ready<Answer> {
        self.0.decide(None, cost)
    }
}

#[test]
fn nothing_shows_a_key() {
    let shown = Arc::new(Mutex::new(String::new()));
    let hook = {
        let shown = Arc::clone(&shown);
        move |decision: &Decision<'_, String>| *shown.lock().unwrap() = format!("{decision:?}")
    };
    let (limiter, _) = exact("9/10s");
    let layer = RateLimitLayer::keyed(Keyed(limiter), |_| Some("secret".to_owned())).on_decision(hook);
    assert_eq!(
        status(&layer, Request::get("/secret").header("x-api-key", "secret").body(String::new()).unwrap()),
        200
    );
    let shown = shown.lock().unwrap();
    assert!(shown.contains("Acquired") && !shown.contains("secret"), "{shown}");
    assert!(!format!("{layer:?}").contains("secret"));
}
