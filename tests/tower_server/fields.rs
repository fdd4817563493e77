//! What is on the wire, to the byte.

use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use tollgate::http::Family;
use tollgate::keyed::{KeyedLimiter, KeyedTable};
use tollgate::tower::server::RateLimitLayer;
use tollgate::{Manual, Plan};

use crate::support::{Server, exact, hello};

#[test]
fn a_grant_and_a_refusal_to_the_byte() {
    let (limiter, clock) = exact("burst=2/10s, 3/1h");
    let server = Server::start(hello().layer(RateLimitLayer::new(limiter)));

    assert_eq!(
        server.get(&[]).without_date(),
        "HTTP/1.1 200 OK\r\n\
         content-type: text/plain; charset=utf-8\r\n\
         ratelimit-policy: \"burst\";q=2;w=10, \"3/1h\";q=3;w=3600\r\n\
         ratelimit: \"burst\";r=1;t=10, \"3/1h\";r=2;t=3600\r\n\
         content-length: 5\r\n\
         connection: close\r\n\
         \r\n\
         hello"
    );
    clock.advance(Duration::from_millis(500));
    assert_eq!(server.get(&[]).status(), 200);
    let body = "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\
                \"title\":\"Quota exceeded\",\"status\":429,\
                \"detail\":\"The quota burst=2/10s is exceeded. Retry after 10 seconds.\",\
                \"violated-policies\":[\"burst\"],\"retry-after\":10}";
    assert_eq!(
        server.get(&[]).without_date(),
        format!(
            "HTTP/1.1 429 Too Many Requests\r\n\
             ratelimit-policy: \"burst\";q=2;w=10, \"3/1h\";q=3;w=3600\r\n\
             ratelimit: \"burst\";r=0;t=10, \"3/1h\";r=1;t=3600\r\n\
             retry-after: 10\r\n\
             cache-control: no-store\r\n\
             content-type: application/problem+json\r\n\
             content-length: {}\r\n\
             connection: close\r\n\
             \r\n\
             {body}",
            body.len()
        )
    );
    // It was true: a retry after so many seconds is granted.
    clock.advance(Duration::from_secs(10));
    assert_eq!(server.get(&[]).status(), 200);
}

#[test]
fn a_table_tells_the_pace_of_its_one_state() {
    let table = KeyedTable::new(Plan::new("50/1m, 1500/1h".parse().unwrap()).unwrap(), 64).unwrap();
    let limiter = KeyedLimiter::new(table, std::hash::RandomState::new(), Manual::new());
    let server = Server::start(hello().layer(RateLimitLayer::keyed(limiter, |_| Some("everybody"))));

    for left in (0..26).rev() {
        let answer = server.get(&[]);
        assert_eq!(answer.status(), 200);
        let seconds = if left == 0 { 3 } else { (left * 2_440_677_967_u64).div_ceil(1_000_000_000) };
        assert_eq!(answer.field("ratelimit"), Some(&*format!("\"pace\";r={left};t={seconds}")));
    }
    let refusal = server.get(&[]);
    assert_eq!((refusal.status(), refusal.field("retry-after")), (429, Some("3")));
    assert_eq!(refusal.field("ratelimit"), Some("\"pace\";r=0;t=3"));
    assert!(refusal.body().contains("\"violated-policies\":[\"pace\"]"), "{}", refusal.body());
}

#[test]
fn other_families_of_fields() {
    let (limiter, _) = exact("1/10s");
    let layer = RateLimitLayer::new(limiter).map_fields(|fields| fields.family(Family::XRateLimit));
    let server = Server::start(hello().layer(layer));
    for (status, retry_after) in [(200, None), (429, Some("10"))] {
        let answer = server.get(&[]);
        assert_eq!((answer.status(), answer.field("retry-after")), (status, retry_after));
        assert_eq!(answer.field("ratelimit"), None);
        assert_eq!(answer.field("x-ratelimit-limit"), Some("1"));
        assert_eq!(answer.field("x-ratelimit-remaining"), Some("0"));
        assert_eq!(answer.field("x-ratelimit-reset"), Some("10"));
    }
}

#[test]
fn fields_on_refusals_only() {
    let (limiter, _) = exact("1/10s");
    let server = Server::start(hello().layer(RateLimitLayer::new(limiter).fields_on_refusals_only()));
    let granted = server.get(&[]);
    assert_eq!((granted.status(), granted.field("ratelimit")), (200, None));
    let refused = server.get(&[]);
    assert_eq!((refused.status(), refused.field("ratelimit")), (429, Some("\"1/10s\";r=0;t=10")));
}

#[test]
fn the_response_keeps_its_own_fields() {
    let (limiter, _) = exact("5/10s");
    let app = Router::new()
        .route("/", get(|| async { ([("retry-after", "77"), ("cache-control", "max-age=60")], "own") }))
        .route("/gateway", get(|| async { ([("x-ratelimit-limit", "7")], "from elsewhere") }));
    let server = Server::start(app.layer(RateLimitLayer::new(limiter)));

    let answer = server.get(&[]);
    assert_eq!(
        (answer.field("retry-after"), answer.field("cache-control")),
        (Some("77"), Some("max-age=60"))
    );
    assert_eq!(answer.field("ratelimit"), Some("\"5/10s\";r=4;t=10"));
    // What is told by whoever is nearer to the work is not mixed with what is told here.
    let answer = server.send("GET", "/gateway", &[]);
    assert_eq!((answer.field("x-ratelimit-limit"), answer.field("ratelimit")), (Some("7"), None));
}

#[test]
fn of_two_layers_the_inner_one_tells_what_is_left() {
    let (outer, _) = exact("9/1m");
    let (inner, _) = exact("1/10s");
    let app = hello().layer(RateLimitLayer::new(inner)).layer(RateLimitLayer::new(outer.clone()));
    let server = Server::start(app);
    assert_eq!(server.get(&[]).field("ratelimit"), Some("\"1/10s\";r=0;t=10"));
    let refused = server.get(&[]);
    assert_eq!((refused.status(), refused.field("retry-after")), (429, Some("10")));
    assert_eq!(refused.field("ratelimit-policy"), Some("\"1/10s\";q=1;w=10"));
    // The outer one has charged the request that the inner one refused, as the docs say.
    assert_eq!(outer.status().remaining(), 7);
}

#[test]
fn a_refusal_of_ones_own() {
    let (limiter, _) = exact("1/10s");
    let layer = RateLimitLayer::new(limiter).on_refusal(|decision, response| {
        let seconds = decision.denied().and_then(|denied| denied.retry_after_secs()).unwrap_or(0);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        *response.body_mut() = format!("Come back in {seconds} seconds.").into();
    });
    let server = Server::start(hello().layer(layer));
    assert_eq!(server.get(&[]).body(), "hello");
    let refused = server.get(&[]);
    assert_eq!((refused.status(), refused.body()), (429, "Come back in 10 seconds."));
    assert_eq!(
        (refused.field("content-type"), refused.field("content-length")),
        (Some("text/plain"), Some("24"))
    );
    assert_eq!(
        (refused.field("retry-after"), refused.field("cache-control")),
        (Some("10"), Some("no-store"))
    );
}

#[test]
fn a_call_that_is_never_granted_and_a_pause_are_no_429() {
    let (limiter, clock) = exact("2/10s");
    let server = Server::start(hello().layer(RateLimitLayer::new(limiter.clone()).cost(|request| {
        request.headers.get("x-cost").and_then(|cost| cost.to_str().ok()?.parse().ok()).unwrap_or(1)
    })));
    let never = server.get(&[("x-cost", "3")]);
    assert_eq!((never.status(), never.field("retry-after")), (400, None));
    assert_eq!(server.status(&[("x-cost", "2")]), 200);
    assert_eq!(server.status(&[("x-cost", "0")]), 200);
    assert_eq!(server.status(&[]), 429);
    clock.advance(Duration::from_secs(10));
    limiter.pause_for(Duration::from_secs(30));
    let paused = server.get(&[]);
    assert_eq!((paused.status(), paused.field("retry-after")), (503, Some("30")));
}

#[test]
fn a_refused_head_has_no_body_and_errors_keep_their_status() {
    let (limiter, _) = exact("2/10s");
    let fails = any(|| async { (StatusCode::IM_A_TEAPOT, "short and stout").into_response() });
    let app = Router::new().route("/", fails).layer(RateLimitLayer::new(limiter));
    let server = Server::start(app);
    let answer = server.get(&[]);
    assert_eq!((answer.status(), answer.body()), (418, "short and stout"));
    assert_eq!(answer.field("ratelimit"), Some("\"2/10s\";r=1;t=10"));
    assert_eq!(server.send("HEAD", "/", &[]).status(), 418);
    let refused = server.send("HEAD", "/", &[]);
    assert_eq!((refused.status(), refused.body(), refused.field("retry-after")), (429, "", Some("10")));
}
