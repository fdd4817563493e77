//! What a server's words change.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Response;
use tollgate::http::{Feedback, Heed};
use tollgate::tower::client::RateLimitLayer;
use tower::{Layer, ServiceExt};

use super::world::{Server, answer, call, exact, paused, plain, strict};

/// When the second call is sent, in milliseconds, if the first is answered so.
fn second_after(response: Response<()>, heed: Heed) -> u128 {
    let mut sent = 0;
    paused(async {
        let server = Server::answering([response]);
        let client = RateLimitLayer::new(exact("100/1h")).heeding(heed).layer(server.clone());
        client.clone().oneshot(call(0)).await.unwrap();
        client.oneshot(call(1)).await.unwrap();
        sent = server.times()[1];
    });
    sent
}

/// As servers send them (`Date` is the response's own, an hour past any clock of ours).
const DATE: (&str, &str) = ("date", "Wed, 25 Nov 2026 16:00:00 GMT");

#[test]
fn a_refusal_of_every_vendor_pauses_until_it_says() {
    for (vendor, status, fields, seconds) in [
        ("seconds", 429, &[("retry-after", "7")][..], 7.0),
        ("seconds with a fraction", 429, &[("retry-after", "2.5")], 2.5),
        ("a date", 429, &[DATE, ("retry-after", "Wed, 25 Nov 2026 16:00:09 GMT")], 9.0),
        ("milliseconds", 429, &[("retry-after-ms", "1500"), ("retry-after", "2")], 1.5),
        ("Azure", 429, &[("x-ms-retry-after-ms", "700")], 0.7),
        ("another status", 503, &[("retry-after", "3")], 3.0),
        ("draft 11", 429, &[("ratelimit", "\"a\";r=0;t=11"), ("ratelimit-policy", "\"a\";q=5;w=60")], 11.0),
        ("draft 7", 429, &[("ratelimit", "limit=5, remaining=0, reset=12")], 12.0),
        (
            "draft 6",
            429,
            &[("ratelimit-limit", "5"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "13")],
            13.0,
        ),
        (
            "GitHub",
            403,
            &[
                DATE,
                ("x-ratelimit-limit", "60"),
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "1795622415"),
            ],
            15.0,
        ),
        ("Discord", 429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "1.25")], 1.25),
        (
            "OpenAI",
            429,
            &[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1m6s")],
            66.0,
        ),
        (
            "Anthropic",
            429,
            &[
                DATE,
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2026-11-25T16:00:20Z"),
            ],
            20.0,
        ),
        ("nothing", 429, &[], 1.0),
    ] {
        let sent = second_after(answer(status, fields), Heed::new());
        assert_eq!(
            Duration::from_millis(u64::try_from(sent).unwrap()),
            Duration::from_secs_f64(seconds),
            "{vendor}"
        );
    }
}

#[test]
fn a_granted_response_that_says_nothing_is_left_pauses_too() {
    let last = || answer(200, &[("ratelimit", "\"a\";r=0;t=8"), ("ratelimit-policy", "\"a\";q=5;w=60")]);
    assert_eq!(second_after(last(), Heed::new()), 8_000);
    assert_eq!(second_after(last(), Heed::new().refusals_only()), 0);
}

#[test]
fn a_pause_is_no_longer_than_five_minutes_or_than_was_chosen() {
    let forever = || answer(429, &[("retry-after", "99999999999999999999")]);
    assert_eq!(second_after(forever(), Heed::new()), 300_000);
    assert_eq!(second_after(forever(), Heed::new().with_longest_pause(Duration::from_secs(20))), 20_000);
}

#[test]
fn jitter_adds_a_part_to_a_pause() {
    let heed = Heed::new().with_jitter(Duration::from_secs(4));
    let sent = second_after(answer(429, &[("retry-after", "7")]), heed);
    assert!((7_000..=11_000).contains(&sent), "{sent}");
}

#[test]
fn what_others_did_is_not_charged() {
    for (scope, charged) in [("shared", 0), ("user", 1)] {
        paused(async {
            let limiter = strict("100/1h");
            let before = limiter.status().remaining();
            let fields = [("retry-after", "2"), ("x-ratelimit-scope", scope)];
            let client = plain(limiter.clone(), &Server::answering([answer(429, &fields)]));
            client.oneshot(call(0)).await.unwrap();
            limiter.resume();
            assert_eq!(limiter.status().remaining(), before - charged, "{scope}");
        });
    }
}

#[test]
fn a_closure_sees_what_a_server_says_and_chooses() {
    paused(async {
        let (seen, refusals) = (Arc::new(Mutex::new(Vec::new())), [("retry-after", "30")]);
        let server = Server::answering([answer(200, &[]), answer(503, &refusals), answer(429, &refusals)]);
        let written = seen.clone();
        let layer = RateLimitLayer::new(exact("10/1m")).heeding_by(move |said: &Feedback| {
            written.lock().unwrap().push((said.status().as_u16(), said.retry_after()));
            // Outages last shorter than they say.
            let longest = if said.status() == 503 { 5 } else { 300 };
            Heed::new().with_longest_pause(Duration::from_secs(longest))
        });
        let client = layer.layer(server.clone());
        for number in 0..4 {
            client.clone().oneshot(call(number)).await.unwrap();
        }
        assert_eq!(server.times(), [0, 0, 5_000, 35_000]);
        let thirty = Some(Duration::from_secs(30));
        assert_eq!(*seen.lock().unwrap(), [(200, None), (503, thirty), (429, thirty), (200, None)]);
    });
}

#[test]
fn fewer_remaining_than_expected_lowers_what_is_sent_and_more_raises_nothing() {
    paused(async {
        // We think that 9 of 10 are left. The server says 2, later 90.
        let says = |remaining: &str| {
            answer(200, &[("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", remaining)])
        };
        let server = Server::answering([says("2"), says("90"), says("90")]);
        let limiter = exact("10/1m");
        let client = plain(limiter.clone(), &server);
        client.clone().oneshot(call(0)).await.unwrap();
        assert_eq!(limiter.status().remaining(), 2);
        client.clone().oneshot(call(1)).await.unwrap();
        assert_eq!(limiter.status().remaining(), 1);
    });
}
