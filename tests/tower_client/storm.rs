//! Whatever servers say and callers do, every call ends, and no window holds more calls than the policy allows.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Request, Response};
use tokio::time::{Instant, sleep, timeout};
use tollgate::tower::client::RateLimitLayer;
use tower::{Layer, ServiceExt};

use super::hosts::{hosts, to};
use super::world::{Answered, Server, answer, call, exact, paused, spawn};

/// What servers say that mean no good, or do not know what they say.
const ANSWERS: [(u16, &[(&str, &str)]); 16] = [
    (200, &[]),
    (200, &[("ratelimit", "\"x\";r=0;t=99999999999")]),
    (200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "18446744073709551615")]),
    (200, &[("x-ratelimit-remaining", "0")]),
    (200, &[("ratelimit", "\"x\";r=1")]),
    (200, &[("x-ratelimit-limit", "4294967295"), ("x-ratelimit-remaining", "4294967295")]),
    (429, &[]),
    (429, &[("retry-after", "0")]),
    (429, &[("retry-after", "-1")]),
    (429, &[("retry-after", "3")]),
    (429, &[("retry-after", "18446744073709551615")]),
    (429, &[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")]),
    (429, &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"), ("date", "Fri, 31 Dec 9999 23:59:59 GMT")]),
    (429, &[("x-ratelimit-reset-after", "NaN"), ("retry-after", "1e308")]),
    (503, &[("retry-after", "2")]),
    (599, &[]), // the connection breaks
];

const CALLS: u32 = 60;

/// No answer causes a pause of more than five minutes, and a call is sent three times at most.
const LONGEST: Duration = Duration::from_secs(3 * 300 * CALLS as u64);

/// Whether no half-open window of so many milliseconds has more than `limit` of these instants.
fn keeps(times: &[u128], limit: usize, window: u128) -> bool {
    times.iter().zip(times.iter().skip(limit)).all(|(first, past)| past - first >= window)
}

async fn storm(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let answers: Vec<Response<()>> = (0..3 * CALLS)
        .map(|_| random.choice(ANSWERS).unwrap())
        .map(|(status, fields)| answer(status, fields))
        .collect();
    let server = Server::answering(answers).slow(Duration::from_millis(random.u64(0..1_500)));
    let limiter = exact("5/1s, 40/1m").with_bound(50);
    let layer = RateLimitLayer::new(limiter.clone()).repeating(2, |request: &Request<u32>| {
        (request.body() % 3 > 0).then(|| Request::new(*request.body()))
    });
    let layer = if random.bool() { layer.within(Duration::from_secs(random.u64(0..400))) } else { layer };
    let client = layer.layer(server.clone());

    let mut tasks = Vec::new();
    for number in 0..CALLS {
        sleep(Duration::from_millis(random.u64(0..300))).await;
        let task = spawn(&client, call(number));
        if random.u8(0..4) == 0 {
            let (abort, after) = (task.abort_handle(), Duration::from_millis(random.u64(0..2_000)));
            tokio::spawn(async move {
                sleep(after).await;
                abort.abort();
            });
        }
        tasks.push(task);
    }
    for task in tasks {
        let ended: Result<Answered, _> = timeout(LONGEST, task).await.expect("a call that waits for ever");
        assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()), "a panic, seed {seed}");
    }
    assert_eq!(limiter.waiting(), 0, "seed {seed}");

    let times = server.times();
    assert!(keeps(&times, 5, 1_000) && keeps(&times, 40, 60_000), "seed {seed}: {times:?}");
    // It recovers: nothing that was said holds longer than five minutes, and nothing that was charged longer than the minute.
    sleep(Duration::from_secs(360)).await;
    let start = Instant::now();
    drop(client.oneshot(call(0)).await);
    assert!(start.elapsed() <= Duration::from_millis(1_500 * 3 + 600_000), "seed {seed}");
    assert_eq!(limiter.waiting(), 0);
}

#[test]
fn every_call_ends_and_no_window_is_exceeded() {
    for seed in 0..200 {
        paused(storm(seed));
    }
}

/// More hosts than there is room for, so that their limiters come and go.
#[test]
fn a_host_that_was_forgotten_owes_nothing() {
    paused(async {
        const HOSTS: u32 = 5;
        let mut random = fastrand::Rng::with_seed(7);
        let (limits, made) = hosts(2);
        let server = Server::new().slow(Duration::from_secs(3));
        let client = RateLimitLayer::new(limits).within(Duration::from_secs(15)).layer(server.clone());
        for number in 0..4_000 {
            sleep(Duration::from_millis(random.u64(0..4_000))).await;
            let host = number % HOSTS;
            let task = spawn(&client, to(&format!("{host}.test"), number));
            if random.bool() {
                sleep(Duration::from_millis(random.u64(0..4_000))).await;
                task.abort();
            }
        }
        let came = server.came();
        for host in 0..HOSTS {
            let times: Vec<u128> =
                came.iter().filter(|(number, _)| number % HOSTS == host).map(|&(_, time)| time).collect();
            assert!(times.len() > 100, "{} calls to host {host}", times.len());
            assert!(keeps(&times, 1, 10_000), "host {host}: {times:?}");
        }
        assert!(made.load(Ordering::Relaxed) > 100);
    });
}
