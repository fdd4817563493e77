//! `tollgate-lab plan`: the plan, its proof, the same bucket in Redis, and how calls are paced.

use tollgate::{ClThrottle, Plan, Policy};
use tollgate_lab::plan::Planned;

fn policy(text: &str) -> Policy {
    text.parse().unwrap()
}

/// What the program prints, and its exit code.
fn ran(args: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = tollgate_lab::run(args.iter().map(Into::into), &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// The most calls in any window of `window` nanoseconds: a bucket of burst `max_burst + 1` with the interval that
/// redis-cell makes of the command.
fn most_in(window: u128, command: ClThrottle) -> u128 {
    u128::from(command.max_burst) + 1 + window.div_ceil(command.interval().into()) - 1
}

const MINUTE: u128 = 60_000_000_000;
const HOUR: u128 = 3_600_000_000_000;

#[test]
fn the_whole_plan() {
    let (code, out, err) = ran(&["plan"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "\
policy: 50/1m, 1500/1h

burst 26, then one permit per 2.440677967s: 98.33 % of the rate the policy sustains
  50/1m: at most 50 in any window
  1500/1h: at most 1500 in any window

The same bucket in Redis, by the module redis-cell:
  CL.THROTTLE key 25 1474 3600

A caller who always has one more call to make:

strategy             added  at once  longest silence  1500 calls take  3000 calls take
sliding_log              -       50         31.0 min         29.0 min           1.48 h
sliding_log          50/2m       50         2.00 min         58.0 min           1.97 h
sliding_log          5/12s        5           12.0 s         59.8 min           2.00 h
token_bucket_strict      -       26           2.44 s         60.0 min           2.02 h
"
    );
}

#[test]
fn one_call_an_hour_more_would_break_the_limit() {
    let command = ClThrottle::new(&Plan::new(Policy::MICROSOFT_365_DEFENDER).unwrap()).unwrap();
    assert_eq!(command, ClThrottle { max_burst: 25, count: 1474, period: 3600 });
    assert_eq!((most_in(MINUTE, command), most_in(HOUR, command)), (50, 1500));
    let faster = ClThrottle { count: 1475, ..command };
    assert_eq!(faster.interval(), 2_440_677_966); // 2440677966.1, cut
    assert_eq!(most_in(HOUR, faster), 1501);
}

#[test]
fn the_command_keeps_every_policy_and_loses_little() {
    for text in [
        "10/1s",
        "1/1s",
        "50/1m",
        "7/1h",
        "1/1d",
        "3/7s, 40/10m",
        "40/10s, 2/250ms; guard 1ns",
        "5/300ms",
        "1/90s",
    ] {
        let policy = policy(text);
        let plan = Plan::new(policy).unwrap();
        let command = ClThrottle::new(&plan).unwrap();
        for quota in policy.quotas() {
            let window = (quota.window() + policy.guard()).as_nanos();
            assert!(most_in(window, command) <= u128::from(quota.limit()), "{text}: {command}");
        }
        let (ours, theirs) = (plan.interval().as_nanos(), u128::from(command.interval()));
        assert!(theirs >= ours && (theirs - ours) * 500 <= ours, "{text}: {command} has {theirs} for {ours}");
    }
    let line = |text| ClThrottle::new(&Plan::new(policy(text)).unwrap()).unwrap().to_string();
    assert_eq!(line("10/1s"), "CL.THROTTLE key 0 10 1");
    assert_eq!(line("5/300ms"), "CL.THROTTLE key 0 50 3");
}

#[test]
fn an_added_quota_shortens_the_silence_and_nothing_else() {
    let planned = Planned::new(policy("10/1s, 100/1m"), None).unwrap();
    let figures: Vec<_> = planned
        .pacing
        .iter()
        .map(|it| (it.added.map(|quota| quota.to_string()), it.at_once, it.silence / 1_000_000))
        .collect();
    let added = |quota: &str| Some(String::from(quota));
    assert_eq!(figures[0], (None, 10, 51_000));
    assert_eq!(figures[1], (added("10/6s"), 10, 6_000));
    assert_eq!(figures[2], (added("1/600ms"), 1, 600));
    assert_eq!(figures.len(), 4);
}

#[test]
fn json_has_the_same_figures() {
    let (code, out, _) = ran(&["plan", "10/1s", "--burst", "4", "--format", "json"]);
    assert_eq!(code, 0);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["version"], 1);
    assert_eq!(value["burst"], 4);
    assert_eq!(value["interval_ns"], 142_857_143);
    assert_eq!(value["quotas"][0]["most_in_any_window"], 10);
    assert_eq!(value["cl_throttle"]["max_burst"], 3);
    assert_eq!(value["pacing"][0]["silence_s"], 1);
}

#[test]
fn what_is_wrong_is_one_line() {
    for (args, said) in [
        (&["plan", "50/fortnight"][..], "bad policy"),
        (&["plan", "10/1s", "--burst", "11"], "no plan: a burst of 11"),
        (&["plan", "10/1s", "--burst", "0"], "no plan: a burst of 0"),
        (&["plan", "10/1s", "--burst", "-1"], "--burst"),
        (&["plan", "10/1s", "1/1m"], "unexpected argument"),
        (&["plan", ""], "bad policy"),
    ] {
        let (code, out, err) = ran(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        assert!(err.contains(said) && err.lines().count() == 1, "{args:?}: {err}");
    }
}
