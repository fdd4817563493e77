//! One response of each kind of server, and what it says.

use std::time::Duration;

use crate::{DATE, nonsense, quotas, read};

struct Response<'a> {
    status: u16,
    fields: &'a [(&'a str, &'a str)],
}

struct Said<'a> {
    refusal: bool,
    retry_after: Option<Duration>,
    quotas: &'a [&'a str],
}

#[track_caller]
fn check(response: &Response<'_>, said: &Said<'_>) {
    let feedback = read(response.status, response.fields);
    assert_eq!(nonsense(&feedback), Vec::<String>::new());
    assert_eq!(quotas(&feedback), said.quotas);
    assert_eq!(feedback.is_refusal(), said.refusal);
    assert_eq!(feedback.retry_after(), said.retry_after);
    assert_eq!(feedback.status().as_u16(), response.status);
}

fn granted<'a>(fields: &'a [(&'a str, &'a str)], quotas: &[&str]) {
    check(&Response { status: 200, fields }, &Said { refusal: false, retry_after: None, quotas });
}

fn refused<'a>(
    status: u16,
    fields: &'a [(&'a str, &'a str)],
    retry_after: Option<Duration>,
    quotas: &[&str],
) {
    check(&Response { status, fields }, &Said { refusal: true, retry_after, quotas });
}

#[expect(clippy::unnecessary_wraps, reason = "what is told may be nothing")]
fn secs(secs: u64) -> Option<Duration> {
    Some(Duration::from_secs(secs))
}

#[expect(clippy::unnecessary_wraps, reason = "what is told may be nothing")]
fn millis(millis: u64) -> Option<Duration> {
    Some(Duration::from_millis(millis))
}

#[test]
fn the_newest_draft() {
    let policy = ("ratelimit-policy", "\"minute\";q=50;w=60, \"hour\";q=1500;w=3600;pk=:dXNlcg==:");
    granted(
        &[("ratelimit", "\"minute\";r=49;t=60,\"hour\";r=1499;t=3600;pk=:dXNlcg==:"), policy],
        &["minute: 50/60s, 49 left, reset 60s", "hour: 1500/3600s, 1499 left, reset 3600s"],
    );
    // What is left of a quota that has no policy; two partitions of one quota; two lines of one field.
    refused(
        429,
        &[
            policy,
            ("ratelimit", "\"hour\";r=0;t=120;pk=:dXNlcg==:, \"hour\";r=7;pk=:b3RoZXI=:"),
            ("ratelimit", "\"other\";r=0;t=90.5"),
        ],
        secs(120),
        &[
            "minute: 50/60s, ? left, reset ?",
            "hour: 1500/3600s, 0 left, reset 120s",
            "hour: ?/?, 7 left, reset ?",
            "other: ?/?, 0 left, reset 90.5s",
        ],
    );
    let units =
        "\"a\";q=9;qu=\"content-bytes\", \"b\";q=9;qu=\"concurrent-requests\", \"c\";q=9;qu=\"requests\"";
    granted(
        &[("ratelimit-policy", units), ("ratelimit", "\"b\";r=0;t=10")],
        &[
            "a: Other 9/?, ? left, reset ?",
            "b: Concurrency 9/?, 0 left, reset 10s",
            "c: 9/?, ? left, reset ?",
        ],
    );
}

#[test]
fn express_by_draft_8() {
    granted(
        &[
            ("ratelimit-policy", "\"100-in-15min\"; q=100; w=900; pk=:MTYyNzE1:"),
            ("ratelimit", "\"100-in-15min\"; r=99; t=900"),
        ],
        &["100-in-15min: 100/900s, 99 left, reset 900s"],
    );
}

#[test]
fn express_by_draft_7() {
    granted(
        &[("ratelimit-policy", "100;w=60"), ("ratelimit", "limit=100, remaining=99, reset=60")],
        &[": 100/60s, 99 left, reset 60s"],
    );
    refused(
        429,
        &[("ratelimit", "limit=100, remaining=0, reset=17"), ("ratelimit-policy", "100;w=60, 2000;w=3600")],
        secs(17),
        &[": 100/60s, 0 left, reset 17s", ": 2000/3600s, ? left, reset ?"],
    );
}

#[test]
fn the_older_drafts() {
    // SharePoint, near the limit.
    granted(
        &[("ratelimit-limit", "1200"), ("ratelimit-remaining", "120"), ("ratelimit-reset", "5")],
        &[": 1200/?, 120 left, reset 5s"],
    );
    // Bluesky.
    refused(
        429,
        &[
            ("ratelimit-limit", "3000"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "1795622690"),
            ("ratelimit-policy", "3000;w=300"),
            DATE,
        ],
        secs(290),
        &[": 3000/300s, 0 left, reset 290s"],
    );
    granted(
        &[("ratelimit-limit", "10, 10;w=1, 50;w=60"), ("ratelimit-remaining", "9"), ("ratelimit-reset", "1")],
        &[": 10/1s, 9 left, reset 1s", ": 50/60s, ? left, reset ?"],
    );
}

#[test]
fn tower_governor_and_actix_governor() {
    granted(&[("x-ratelimit-limit", "5"), ("x-ratelimit-remaining", "4")], &[": 5/?, 4 left, reset ?"]);
    // It takes 0.2 s, and they say 0: whoever waits a second is never refused for that.
    refused(
        429,
        &[
            ("x-ratelimit-limit", "5"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-after", "0"),
            ("retry-after", "0"),
        ],
        secs(1),
        &[": 5/?, 0 left, reset ?"],
    );
    refused(429, &[("x-ratelimit-after", "3")], secs(4), &[]);
}

#[test]
fn express_with_its_first_fields() {
    refused(
        429,
        &[
            DATE,
            ("x-ratelimit-limit", "100"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1795622425"),
            ("retry-after", "25"),
        ],
        secs(25),
        &[": 100/?, 0 left, reset 25s"],
    );
}

#[test]
fn spring_cloud_gateway() {
    let fields = |left| {
        [
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-requested-tokens", "3"),
            ("x-ratelimit-burst-capacity", "20"),
            ("x-ratelimit-replenish-rate", "7"),
        ]
    };
    granted(&fields("17"), &[": 20/2.857142858s, 17 left, reset ?"]);
    // Two are left where three are needed, and seven come with each second of its clock.
    refused(429, &fields("2"), secs(1), &[": 20/2.857142858s, 2 left, reset 1s"]);
    // One call a minute: it costs 60, and one comes each second.
    refused(
        429,
        &[
            ("x-ratelimit-remaining", "13"),
            ("x-ratelimit-requested-tokens", "60"),
            ("x-ratelimit-burst-capacity", "60"),
            ("x-ratelimit-replenish-rate", "1"),
        ],
        secs(47),
        &[": 60/60s, 13 left, reset 47s"],
    );
}

#[test]
fn github() {
    let fields = |left| {
        [
            DATE,
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-used", "1"),
            ("x-ratelimit-reset", "1795624200"),
            ("x-ratelimit-resource", "core"),
            ("x-github-request-id", "C0DE:1:2:3:4"),
        ]
    };
    granted(&fields("4999"), &["core: 5000/?, 4999 left, reset 1800s"]);
    refused(403, &fields("0"), secs(1800), &["core: 5000/?, 0 left, reset 1800s"]);
    refused(429, &fields("0"), secs(1800), &["core: 5000/?, 0 left, reset 1800s"]);
    // The secondary limits, with and without an answer to the question "when".
    refused(429, &fields("4999"), secs(60), &["core: 5000/?, 4999 left, reset 1800s"]);
    let mut secondary = fields("4999").to_vec();
    secondary.push(("retry-after", "30"));
    refused(403, &secondary, secs(30), &["core: 5000/?, 4999 left, reset 1800s"]);
    // A call that is forbidden is no call too many.
    let forbidden = Response { status: 403, fields: &fields("4999") };
    let quotas = &["core: 5000/?, 4999 left, reset 1800s"];
    check(&forbidden, &Said { refusal: false, retry_after: None, quotas });
    // A query costs points, not calls.
    granted(
        &[("x-ratelimit-resource", "graphql"), ("x-ratelimit-limit", "5000"), ("x-ratelimit-used", "12")],
        &["graphql: Other 5000/?, 4988 left, reset ?"],
    );
}

#[test]
fn openai() {
    let fields = |left| {
        [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-requests", left),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]
    };
    let tokens = "tokens: Tokens 150000/?, 149984 left, reset 360s";
    granted(&fields("59"), &["requests: 60/?, 59 left, reset 1s", tokens]);
    refused(429, &fields("0"), secs(1), &["requests: 60/?, 0 left, reset 1s", tokens]);
    refused(
        429,
        &[
            ("x-ratelimit-limit-tokens_usage_based", "90000"),
            ("x-ratelimit-remaining-tokens_usage_based", "0"),
            ("x-ratelimit-reset-tokens_usage_based", "12ms"),
            ("x-ratelimit-remaining-project-tokens", "0"),
            ("x-ratelimit-reset-project-tokens", "1h2m3.5s"),
        ],
        millis(3_723_500),
        &[
            "tokens_usage_based: Tokens 90000/?, 0 left, reset 12ms",
            "project-tokens: Tokens ?/?, 0 left, reset 3723.5s",
        ],
    );
}

#[test]
fn azure_openai() {
    refused(
        429,
        &[
            ("x-ratelimit-limit-requests", "6"),
            ("x-ratelimit-renewalperiod-requests", "10"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "7"),
            ("retry-after", "8"),
            ("x-ms-retry-after-ms", "7600"),
            ("retry-after-ms", "7500"),
        ],
        millis(7500),
        &["requests: 6/10s, 0 left, reset 7s"],
    );
    refused(429, &[("retry-after", "8"), ("x-ms-retry-after-ms", "7600")], millis(7600), &[]);
}

#[test]
fn anthropic() {
    refused(
        429,
        &[
            DATE,
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-11-25T16:00:01Z"),
            ("anthropic-ratelimit-output-tokens-limit", "8000"),
            ("anthropic-ratelimit-output-tokens-remaining", "0"),
            ("anthropic-ratelimit-output-tokens-reset", "2026-11-25T16:00:41.25Z"),
            ("anthropic-priority-input-tokens-limit", "10000"),
            ("anthropic-priority-input-tokens-remaining", "9618"),
            ("anthropic-priority-input-tokens-reset", "2026-11-25T17:00:04+01:00"),
            ("anthropic-ratelimit-unified-reset", "1795640400"),
        ],
        millis(41_250),
        &[
            "requests: 50/?, 49 left, reset 1s",
            "output-tokens: Tokens 8000/?, 0 left, reset 41.25s",
            "priority-input-tokens: Tokens 10000/?, 9618 left, reset 4s",
            "unified: Other ?/?, ? left, reset 18000s",
        ],
    );
    // Nothing is told but the reset.
    refused(
        429,
        &[DATE, ("anthropic-ratelimit-unified-reset", "1795640400")],
        secs(18_000),
        &["unified: Other ?/?, ? left, reset 18000s"],
    );
}

#[test]
fn discord() {
    let fields = [
        ("x-ratelimit-limit", "5"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1795622403.512"),
        ("x-ratelimit-reset-after", "1.25"),
        ("x-ratelimit-bucket", "abcd1234"),
    ];
    let quotas = &["abcd1234: 5/?, 0 left, reset 1.25s"];
    // The next call would be one too many.
    let granted = Response { status: 200, fields: &fields };
    check(&granted, &Said { refusal: false, retry_after: millis(1250), quotas });
    refused(429, &fields, millis(1250), quotas);

    let scope = |scope| {
        let fields =
            [("retry-after", "65"), ("x-ratelimit-scope", scope), ("x-ratelimit-reset-after", "64.57")];
        read(429, &fields)
    };
    assert_eq!(scope("user").retry_after(), secs(65));
    assert!(scope("user").counts_against_us());
    assert!(scope("global").counts_against_us());
    assert!(!scope("shared").counts_against_us());
}

#[test]
fn riot() {
    let fields = [
        ("x-app-rate-limit-count", "1:1,100:120"),
        ("x-app-rate-limit", "20:1,100:120"),
        ("x-method-rate-limit", "2000:60"),
        ("x-method-rate-limit-count", "1:60"),
        ("x-rate-limit-type", "application"),
        ("retry-after", "57"),
    ];
    let quotas = &[
        "app: 20/1s, 19 left, reset ?",
        "app: 100/120s, 0 left, reset ?",
        "method: 2000/60s, 1999 left, reset ?",
    ];
    refused(429, &fields, secs(57), quotas);
    assert!(read(429, &fields).counts_against_us());
    assert!(!read(429, &[("x-rate-limit-type", "service")]).counts_against_us());
}

#[test]
fn stripe() {
    let counts = |reason| {
        let feedback = read(429, &[("stripe-rate-limited-reason", reason)]);
        assert_eq!((feedback.is_refusal(), feedback.retry_after()), (true, None));
        feedback.counts_against_us()
    };
    assert!(counts("global-rate"));
    assert!(counts("endpoint-rate"));
    assert!(counts("resource-specific"));
    assert!(!counts("global-concurrency"));
    assert!(!counts("endpoint-concurrency"));
    // A granted call is charged, whatever is said.
    assert!(read(200, &[("stripe-rate-limited-reason", "global-concurrency")]).counts_against_us());
}

#[test]
fn microsoft_graph_and_defender() {
    assert_eq!(read(200, &[("x-ms-throttle-limit-percentage", "0.8")]).used_percent(), Some(80));
    assert_eq!(read(200, &[("x-ms-throttle-limit-percentage", "1.201")]).used_percent(), Some(121));
    assert_eq!(read(200, &[]).used_percent(), None);
    refused(429, &[("retry-after", "315")], secs(315), &[]);
    refused(503, &[("retry-after", "41")], secs(41), &[]);
}

#[test]
fn shopify() {
    granted(&[("x-shopify-shop-api-call-limit", "32/40")], &[": 40/?, 8 left, reset ?"]);
    refused(
        429,
        &[("x-shopify-shop-api-call-limit", "40/40"), ("retry-after", "2.0")],
        secs(2),
        &[": 40/?, 0 left, reset ?"],
    );
}

#[test]
fn aws() {
    refused(429, &[("x-amzn-requestid", "1"), ("x-amzn-errortype", "TooManyRequestsException")], None, &[]);
}

#[test]
fn lemlist() {
    refused(
        429,
        &[
            DATE,
            ("x-ratelimit-limit", "20"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "Wed Nov 25 2026 16:00:02 GMT+0000 (Coordinated Universal Time)"),
        ],
        secs(2),
        &[": 20/?, 0 left, reset 2s"],
    );
}

#[test]
fn kong_x_and_okta() {
    granted(
        &[
            ("x-ratelimit-limit-minute", "10"),
            ("x-ratelimit-remaining-minute", "9"),
            ("ratelimit-limit", "10"),
            ("ratelimit-remaining", "9"),
            ("ratelimit-reset", "33"),
        ],
        &["minute: 10/60s, 9 left, reset ?", ": 10/?, 9 left, reset 33s"],
    );
    refused(
        429,
        &[
            DATE,
            ("x-rate-limit-limit", "900"),
            ("x-rate-limit-remaining", "0"),
            ("x-rate-limit-reset", "1795622401"),
        ],
        secs(1),
        &[": 900/?, 0 left, reset 1s"],
    );
}

/// Its windows stand behind the numbers.
#[test]
fn docker_hub() {
    refused(
        429,
        &[("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600")],
        None,
        &[": 100/21600s, 0 left, reset ?"],
    );
}

#[test]
fn kong_by_the_month() {
    granted(
        &[("x-ratelimit-limit-month", "5000"), ("x-ratelimit-remaining-month", "4999")],
        &["month: 5000/2592000s, 4999 left, reset ?"],
    );
    granted(
        &[("x-ratelimit-limit-year", "5000"), ("x-ratelimit-remaining-year", "4999")],
        &["year: 5000/31536000s, 4999 left, reset ?"],
    );
}

#[test]
fn cerebras() {
    granted(
        &[
            ("x-ratelimit-limit-requests-day", "14400"),
            ("x-ratelimit-remaining-requests-day", "14399"),
            ("x-ratelimit-reset-requests-day", "33011.382867"),
            ("x-ratelimit-limit-tokens-minute", "60000"),
            ("x-ratelimit-remaining-tokens-minute", "59000"),
        ],
        &[
            "requests-day: 14400/86400s, 14399 left, reset 33011.382867s",
            "tokens-minute: Tokens 60000/60s, 59000 left, reset ?",
        ],
    );
}
