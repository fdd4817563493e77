//! `tollgate-lab recommend`: the smallest limits, against a search that tries every one.

use std::time::Duration;

use fastrand::Rng;
use tollgate_lab::Traffic;
use tollgate_lab::recommend::{Recommendation, Refused, Share, Target};
use tollgate_lab::traffic::Event;

/// What the program prints, and its exit code.
fn ran(args: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = tollgate_lab::run(args.iter().map(Into::into), &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn share(text: &str) -> Share {
    text.parse().unwrap()
}

/// Calls of a few callers within a minute, at whole seconds so that there are ties.
fn calls(rng: &mut Rng) -> Vec<(u64, u64)> {
    let (count, callers) = (rng.usize(1..60), rng.u64(1..6));
    let mut at = 0;
    let mut next = || {
        at += rng.u64(0..3) * rng.u64(0..2);
        (at, rng.u64(0..callers))
    };
    (0..count).map(|_| next()).collect()
}

fn traffic(calls: &[(u64, u64)], per_client: bool) -> Traffic {
    let event = |&(at, client): &(u64, u64)| Event { nanos: at * 1_000_000_000, client: Some(client) };
    Traffic::new("calls", &calls.iter().map(event).collect::<Vec<_>>(), per_client)
}

/// What limits over windows of seconds refuse: every grant of every caller is kept, and counted anew for each call.
fn refused(calls: &[(u64, u64)], per_client: bool, limits: &[(u64, u64)]) -> Refused {
    let mut granted: Vec<(u64, u64)> = Vec::new();
    let mut hit = Vec::new();
    let mut refused = Refused::default();
    for &(at, client) in calls {
        let caller = if per_client { client } else { 0 };
        let full = limits.iter().any(|&(limit, window)| {
            let recent = granted.iter().filter(|&&(then, by)| by == caller && at - then < window);
            recent.count() as u64 >= limit
        });
        if full {
            refused.calls += 1;
            hit.push(caller);
        } else {
            granted.push((at, caller));
        }
    }
    hit.sort_unstable();
    hit.dedup();
    refused.callers = hit.len() as u64;
    refused
}

#[test]
fn the_limits_are_the_smallest() {
    let mut rng = Rng::with_seed(7);
    let mut lowered = 0;
    for round in 0..400 {
        let calls = calls(&mut rng);
        let per_client = rng.bool();
        let windows = [rng.u64(1..6), rng.u64(6..20)];
        let target = Target {
            calls: share(["0%", "5%", "20%", "100%"][rng.usize(0..4)]),
            callers: [None, Some(share("34%"))][rng.usize(0..2)].filter(|_| per_client),
        };
        let traffic = traffic(&calls, per_client);
        let durations = windows.map(Duration::from_secs);
        let found = Recommendation::new(&traffic, &durations, target).unwrap();
        let callers = found.callers;
        let keeps = |refused: Refused| {
            target.calls.allows(refused.calls, calls.len() as u64)
                && target.callers.is_none_or(|share| share.allows(refused.callers, callers))
        };
        for (window, seconds) in found.windows.iter().zip(windows) {
            let with = |limit| refused(&calls, per_client, &[(limit, seconds)]);
            let least = (1..1_000).find(|&limit| keeps(with(limit))).unwrap();
            assert_eq!((window.limit, window.refused), (least, with(least)), "round {round}");
            assert_eq!(
                window.peak,
                (1..1_000).find(|&limit| with(limit).calls == 0).unwrap(),
                "round {round}"
            );
            for &(limit, told) in &window.curve {
                assert_eq!(told, with(limit), "round {round}, {limit}");
            }
        }
        let policy = found.policy.unwrap();
        let limits = [0, 1].map(|it| (u64::from(policy.quotas()[it].limit()), windows[it]));
        let together = refused(&calls, per_client, &limits);
        assert_eq!(found.refused, together, "round {round}");
        assert!(keeps(together), "round {round}");
        for place in 0..2 {
            let mut lower = limits;
            lower[place].0 -= 1;
            if lower[place].0 > 0 {
                lowered += 1;
                assert!(!keeps(refused(&calls, per_client, &lower)), "round {round}: {lower:?}");
            }
        }
        let hit: u64 = found.hit.iter().map(|hit| hit.refused).sum();
        assert_eq!((hit, found.hit.len() as u64), (together.calls, together.callers), "round {round}");
    }
    assert!(lowered > 300, "{lowered}");
}

#[test]
fn real_traffic() {
    let trace = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/traces/nasa-http-1995-07-01.csv");
    if !std::path::Path::new(trace).exists() {
        println!("SKIPPED: {trace} is absent");
        return;
    }
    let (code, out, err) =
        ran(&["recommend", "--trace", trace, "--per-client", "--refused-callers", "1%", "--format", "json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["policy"], "12/1m, 57/1h");
    assert_eq!(value["refused"], serde_json::json!({"calls": 95, "callers": 7}));
    assert_eq!(value["windows"][0]["limit"], 12);
    assert_eq!(value["windows"][1]["limit"], 55);
    assert_eq!(
        value["hit"][0],
        serde_json::json!({"client": "205", "calls": 118, "refused": 48, "peaks": [12, 105]})
    );
    // Counted by an independent program: 10 a minute and 100 an hour grant 9926 of 9999, so they refuse 73.
    let (_, out, _) =
        ran(&["compare", "--trace", trace, "--per-client", "--policy", "12/1m, 57/1h", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["strategies"][0]["refused"], 95);
}

#[test]
fn the_whole_answer() {
    let (code, out, err) =
        ran(&["recommend", "steady", "--events", "20", "--windows", "10s", "--refused", "10%"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[0],
        "steady (seed 1): 20 calls, one limiter for all; at most 10% of the calls may be refused."
    );
    assert!(lines[2].starts_with("A limit per 10s: "), "{out}");
    assert_eq!(lines.iter().filter(|line| line.starts_with('>')).count(), 1);
    assert!(out.contains("All windows together: "), "{out}");
}

#[test]
fn shares_are_exact() {
    for (text, said) in
        [("1%", "1%"), ("0.05 %", "0.05%"), ("100%", "100%"), ("0%", "0%"), ("0.0001%", "0.0001%")]
    {
        assert_eq!(share(text).to_string(), said);
    }
    for text in
        ["", "%", "1", "0.5", "101%", "100.0001%", "-1%", "1.00001%", "1e1%", ".5%", "99999999999999999999%"]
    {
        assert!(text.parse::<Share>().is_err(), "{text}");
    }
    assert!(share("1%").allows(1, 100) && !share("1%").allows(1, 99));
    assert!(share("0%").allows(0, 0) && !share("0%").allows(1, u64::MAX));
    assert!(share("100%").allows(u64::MAX, u64::MAX));
}

#[test]
fn what_is_wrong_is_one_line() {
    for (args, said) in [
        (&["recommend", "--windows", "1m, fortnight"][..], "bad windows"),
        (&["recommend", "--windows", "1m, 60s"], "bad windows"),
        (&["recommend", "--windows", ""], "bad windows"),
        (&["recommend", "--windows", "0s"], "bad windows"),
        (&["recommend", "--refused", "1"], "expected a share"),
        (&["recommend", "--refused", "-1%"], "expected a share"),
        (&["recommend", "--refused-callers", "1%"], "--per-client"),
        (&["recommend", "--trace", "/nowhere"], "cannot read"),
    ] {
        let (code, out, err) = ran(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        assert!(err.contains(said) && err.lines().count() == 1, "{args:?}: {err}");
    }
}
