//! The command `compare`, as a user sees it: `run` is the whole program, given its arguments and its outputs.
//!
//! - On real traces it reports what an independent program counted, and answers event by event alike.
//! - What it reports is true: windows, promises, waits and memory are checked against the naive way.
//! - What it prints is stable: JSON, decisions, built-in workloads.
//! - Whatever is wrong with the input is told in one line, with exit code 2.

#[path = "../../tests/ran/mod.rs"]
mod ran;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use allocation_counter::measure;
use fastrand::Rng;
use ran::Ran;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate::reference::{Locked, LogMachine};
use tollgate::{Algorithm, Denied, Nanos, Policy, Status};
use tollgate_lab::log::{Options, read_bytes};
use tollgate_lab::replay::{Retry, Waiting, Waits};
use tollgate_lab::traffic::seconds;
use tollgate_lab::{Event, Figures, Progress, Strategy, Traffic, Workload, replay, run};

const AZURE: &str = "azure-llm-code-2023.csv";
const NASA: &str = "nasa-http-1995-07-01.csv";

fn ran<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> Ran {
    Ran::of(args, |args, out, err| run(args, out, err))
}

/// The report of a run that must succeed, as JSON.
fn report<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> Value {
    let json = ["--format", "json"].map(OsString::from);
    let ran = ran(json.into_iter().chain(args.into_iter().map(Into::into)));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    serde_json::from_str(&ran.out).expect("JSON")
}

fn strategy<'a>(report: &'a Value, name: &str) -> &'a Value {
    let strategies = report["strategies"].as_array().expect("an array");
    strategies.iter().find(|strategy| strategy["name"] == name).expect("a strategy of this name")
}

fn granted(report: &Value, name: &str) -> u64 {
    strategy(report, name)["granted"].as_u64().expect("a count")
}

/// A file of this test's own.
fn temporary(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("compare-{name}"))
}

fn written(name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = temporary(name);
    fs::write(&path, contents).expect("a temporary file");
    path.into_os_string().into_string().expect("UTF-8")
}

/// The path of a real trace, or `None` if the traces are not there.
fn trace(name: &str) -> Option<String> {
    let path = format!("{}/../../shared/traces/{name}", env!("CARGO_MANIFEST_DIR"));
    let there = fs::exists(&path).is_ok_and(|there| there);
    if !there {
        // Not by `eprintln`, which the harness swallows when the test passes.
        let _ = writeln!(io::stderr(), "SKIPPED: there is no {path}");
    }
    there.then_some(path)
}

/// The 0s and 1s of each strategy, in the order of the events.
fn answers(decisions: &str) -> Vec<String> {
    let mut answers = vec![String::new(); 8];
    for line in decisions.lines().skip(1) {
        for (answers, answer) in answers.iter_mut().zip(line.split(',').skip(2)) {
            answers.push_str(answer);
        }
    }
    answers
}

/// The first 16 digits.
fn hex(digest: &[u8]) -> String {
    let first = digest.first_chunk().expect("8 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}

/// The instants and the clients of a trace.
fn events(trace: &[u8]) -> Vec<(u64, Option<String>)> {
    let traffic = read_bytes(trace, &Options::default()).expect("a trace");
    let client = |client| traffic.clients.name(client).map(str::to_owned);
    traffic.steps.iter().map(|step| (traffic.origin + step.at, client(step.client))).collect()
}

// Real traces.

#[test]
fn real_traces_are_decided_as_counted_independently() {
    for (name, log, bucket, counter, events, hash) in [
        (AZURE, 1500, 2234, 1307, 8819, "6c4d1bf7faa80049"),
        (NASA, 5637, 6961, 5338, 9999, "c6edbaa01301773f"),
    ] {
        let Some(path) = trace(name) else { continue };
        let decisions = temporary(&format!("decisions-{name}"));
        let report = report(["--trace", path.as_str(), "--decisions", decisions.to_str().expect("UTF-8")]);
        assert_eq!(report["events"], events);
        assert_eq!(granted(&report, "sliding_log"), log);
        assert_eq!(granted(&report, "locked_token_bucket"), bucket);
        assert_eq!(granted(&report, "window_counter"), counter);
        // A coarser tick may refuse a few more, and never grants more.
        let nominal = granted(&report, "token_bucket_nominal");
        assert!((bucket - 5..=bucket).contains(&nominal), "{name}: {nominal}");

        let answers = answers(&fs::read_to_string(decisions).expect("the decisions"));
        assert_eq!(hex(&Sha256::digest(&answers[0])), hash, "{name}");
        assert_eq!(answers[0], answers[4], "{name}: the lock-free log and the locked one");
        for (answers, strategy) in answers.iter().zip(Strategy::ALL) {
            assert_eq!(answers.len(), events);
            let ones = answers.bytes().filter(|&answer| answer == b'1').count() as u64;
            assert_eq!(ones, granted(&report, strategy.name()));
            let worst =
                self::strategy(&report, strategy.name())["worst"].as_array().expect("an array").clone();
            let within = worst.iter().all(|worst| worst["count"].as_u64() <= worst["limit"].as_u64());
            assert!(within || !strategy.keeps_the_rule(), "{name}: {} {worst:?}", strategy.name());
        }
    }
}

#[test]
fn real_traces_under_other_policies() {
    for (name, policy, per_client, log) in [
        (NASA, "10/1m, 100/1h", true, 9926),
        (NASA, "5/1m, 30/1h", true, 8362),
        (NASA, "3/7s, 40/10m", false, 880),
        (AZURE, "3/7s, 40/10m", false, 215),
    ] {
        let Some(path) = trace(name) else { continue };
        let per_client = per_client.then_some("--per-client");
        let report = report(["--trace", &path, "--policy", policy].into_iter().chain(per_client));
        assert_eq!(granted(&report, "sliding_log"), log, "{name} under {policy}");
        assert_eq!(granted(&report, "locked_sliding_log"), log, "{name} under {policy}");
        assert_eq!(report["policy"], policy);
        let keyed = per_client.map(|_| Strategy::KeyedTable);
        for strategy in Strategy::ALL.into_iter().chain(keyed) {
            let outcome = self::strategy(&report, strategy.name());
            let retry = &outcome["retry"];
            assert_eq!(retry["promised"], retry["kept"], "{name} under {policy}: {outcome}");
            for worst in outcome["worst"].as_array().expect("an array") {
                let within = worst["count"].as_u64() <= worst["limit"].as_u64();
                assert!(within || !strategy.keeps_the_rule(), "{name} under {policy}: {outcome}");
            }
        }
    }
}

/// A table with a bucket for each client answers nearly as the strict buckets of their own do, in a small part of their memory.
/// Where 8 slots of one set are all in use, a newcomer begins with the debt of the client that it replaces.
#[test]
fn a_keyed_table_serves_the_clients_of_a_real_trace() {
    let Some(path) = trace(NASA) else { return };
    for (policy, buckets, table) in [("10/1m, 100/1h", 6971, 6971), ("5/1m, 30/1h", 2564, 2550)] {
        let report = report(["--trace", &path, "--policy", policy, "--per-client"]);
        let both = ["token_bucket_strict", "keyed_table"].map(|name| granted(&report, name));
        assert_eq!(both, [buckets, table], "{policy}");
        let clients = report["clients"].as_u64().expect("a count");
        let bytes = |name| strategy(&report, name)["state_bytes"].as_u64().expect("bytes");
        // Two slots of 8 bytes for each client, in sets of 8 slots, and less than 1 KiB for the table itself.
        let slots = 8 * (2 * clients).next_multiple_of(8);
        let beside = bytes("keyed_table") - slots;
        assert!(beside < 1024, "{beside} bytes beside {slots}");
        assert!(bytes("keyed_table") * 10 < bytes("token_bucket_strict"));
    }
    // Without clients of their own there is no table.
    let report = report(["--trace", path.as_str()]);
    let names = report["strategies"].as_array().expect("an array").iter().map(|strategy| &strategy["name"]);
    assert!(names.eq(&Strategy::ALL.map(|strategy| json!(strategy.name()))));
}

/// No quota is exceeded where calls are spaced, so none is blamed for their refusals.
#[test]
fn refusals_are_counted_by_their_cause() {
    let args = ["bursty", "--events", "5000", "--per-client", "--policy", "3/1m, 20/1h"];
    let report = report(args);
    for outcome in report["strategies"].as_array().expect("an array") {
        let count = |value: &Value| value.as_u64().expect("a count");
        let by_quota: u64 = outcome["refused_by"].as_array().expect("an array").iter().map(count).sum();
        let by_pace = count(&outcome["refused_by_pace"]);
        assert_eq!(by_quota + by_pace, count(&outcome["refused"]), "{outcome}");
        let paced = ["token_bucket_strict", "keyed_table"].map(Value::from).contains(&outcome["name"]);
        assert_eq!((by_quota == 0, by_pace > 0), (paced, paced), "{outcome}");
    }
    let html = temporary("pace.html");
    let table = ran(args.into_iter().chain(["--html", html.to_str().expect("UTF-8")]));
    let heading = table.out.lines().nth(4).expect("a heading");
    let columns: Vec<&str> = heading.split_whitespace().collect();
    assert_eq!(columns[..6], ["strategy", "granted", "refused", "3/1m", "20/1h", "pace"]);
    let strict = table.out.lines().find(|line| line.starts_with("token_bucket_strict")).expect("a row");
    let cells: Vec<&str> = strict.split_whitespace().collect();
    assert_eq!((cells[2], &cells[3..5]), (cells[5], &["0", "0"][..]));
    assert!(fs::read_to_string(html).expect("a page").contains(">refused by pace</th>"));
}

#[test]
fn the_table_marks_what_broke_the_rule_and_says_what_to_use() {
    let Some(path) = trace(AZURE) else { return };
    let table = ran(["--trace", &path]);
    assert_eq!((table.code, table.err.as_str()), (0, ""));
    let line = |start: &str| table.out.lines().find(|line| line.starts_with(start)).expect("a line");
    let words = |start: &str| line(start).split_whitespace().take(11).collect::<Vec<_>>().join(" ");
    assert_eq!(line("azure"), "azure-llm-code-2023.csv: 8819 events in 3435.948056 s, one limiter for all");
    assert!(words("sliding_log ").starts_with("sliding_log 1500 7319 6624 695 0 50 1500 100 %"));
    assert_eq!(words("locked_token_bucket"), "locked_token_bucket 2234 6585 6585 0 0 99 > 50 ! 2234");
    assert_eq!(words("fixed_window"), "fixed_window 1500 7319 5516 1803 0 100 > 50 ! 1500");
    assert_eq!(
        line("Within every limit, always"),
        "Within every limit, always: sliding_log, token_bucket_strict, window_counter, locked_sliding_log."
    );
    assert_eq!(
        line("Use"),
        "Use sliding_log for the most grants (1500), or token_bucket_strict for the least memory"
    );
    let last = table.out.lines().rev().take(2).collect::<Vec<_>>();
    assert_eq!(
        last,
        [
            "  2.44 s under token_bucket_strict.",
            "A client that waits goes without a call for up to 28.8 min under sliding_log,"
        ]
    );
    let waiting = |name| {
        let row = table.out.lines().filter(|line| line.starts_with(name)).nth(1).expect("a second table");
        row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).skip(1).collect::<Vec<_>>()
    };
    assert_eq!(waiting("sliding_log "), ["28.8 min", "2.09 h", "4.39 h", "4.47 h", "4.51 h", "5.47 h"]);
    let widest = table.out.lines().map(str::len).max();
    assert!(widest <= Some(110), "{widest:?} columns");
}

#[test]
fn unix_time_is_judged_as_time_since_midnight() {
    let Some(path) = trace(AZURE) else { return };
    let trace = fs::read_to_string(&path).expect("the trace");
    let events = events(trace.as_bytes());
    let midnight = 19_675 * 86_400_000_000_000;
    let later = events.iter().map(|(nanos, _)| seconds(nanos + midnight));
    let later = format!("seconds\n{}\n", later.collect::<Vec<_>>().join("\n"));
    let path = written("unix.csv", later);

    let timeless = |mut report: Value| {
        for strategy in report["strategies"].as_array_mut().expect("an array") {
            assert!(strategy["ns_per_decision"].is_f64());
            strategy["ns_per_decision"] = Value::Null;
        }
        report
    };
    let decisions = temporary("unix-decisions.csv");
    let shifted = report(["--trace", &path, "--decisions", decisions.to_str().expect("UTF-8")]);
    let original =
        report(["--trace".into(), format!("{}/../../shared/traces/{AZURE}", env!("CARGO_MANIFEST_DIR"))]);
    assert_eq!(timeless(shifted), timeless(original));
    let decisions = fs::read_to_string(decisions).expect("the decisions");
    assert_eq!(decisions.lines().nth(2), Some("1699920000.052,,1,1,1,1,1,1,1,1"));
}

// What it reports is true.

/// The figures of every strategy that can keep the policy, and the traffic with their answers.
fn figures(events: &[Event], policy: &Policy, per_client: bool) -> (Vec<(Strategy, Figures)>, Traffic) {
    let traffic = Traffic::new("test", events, per_client);
    let bar = Progress::replaying(events.len(), 0);
    let figures = Strategy::of(&traffic).filter_map(|strategy| {
        let figures = strategy.replay(policy, &traffic, &bar);
        // These two cannot count in microseconds.
        let may_fail = matches!(strategy, Strategy::WindowCounter | Strategy::KeyedTable);
        assert!(figures.is_ok() || may_fail, "{}: {figures:?}", strategy.name());
        Some((strategy, figures.ok()?))
    });
    (figures.collect(), traffic)
}

fn figures_of(figures: &[(Strategy, Figures)], strategy: Strategy) -> &Figures {
    &figures.iter().find(|(it, _)| *it == strategy).expect("a strategy that keeps the policy").1
}

#[test]
fn figures_agree_with_the_naive_way_on_random_traffic() {
    for seed in 0..200 {
        let mut rng = Rng::with_seed(seed / 2);
        let in_seconds = seed % 2 == 1;
        let (unit, nanos) = if in_seconds { ("s", 1_000_000_000) } else { ("us", 1_000) };
        let (short, long) = (rng.u64(1..50), rng.u64(60..400));
        let limit = rng.u32(1..6);
        let text = format!("{limit}/{short}{unit}, {}/{long}{unit}", limit + rng.u32(1..20));
        let policy: Policy = text.parse().expect("a policy");
        let mut now = rng.u64(0..100);
        let events: Vec<Event> = (0..300)
            .map(|_| {
                now += if rng.u8(0..10) == 0 { rng.u64(0..2 * long) } else { rng.u64(0..8) };
                Event { nanos: now * nanos, client: Some(rng.u64(0..3)) }
            })
            .collect();
        let per_client = rng.bool();
        let (figures, traffic) = figures(&events, &policy, per_client);
        let keyed = usize::from(per_client);
        assert!(!in_seconds || figures.len() == Strategy::ALL.len() + keyed, "seed {seed}, {text}");
        for (strategy, figures) in &figures {
            let context = format!("seed {seed}, {text}, {}", strategy.name());
            let grants = |limiter| {
                let steps = traffic.steps.iter().zip(figures.answers.iter()).filter(|(_, granted)| *granted);
                let steps = steps.filter(|(step, _)| traffic.limiter(step) == limiter);
                steps.map(|(step, _)| step.at).collect::<Vec<_>>()
            };
            let mut all = 0;
            let mut worst = vec![0; policy.quotas().len()];
            for grants in (0..traffic.limiters()).map(grants) {
                all += grants.len();
                for (worst, quota) in worst.iter_mut().zip(policy.quotas()) {
                    let inside = |at: u64| {
                        grants
                            .iter()
                            .filter(move |&&it| it <= at && u128::from(at - it) < quota.window().as_nanos())
                    };
                    let most = grants.iter().map(|&at| inside(at).count() as u64).max().unwrap_or(0);
                    *worst = most.max(*worst);
                }
            }
            assert_eq!(figures.granted, all as u64, "{context}");
            assert_eq!(figures.granted + figures.refused(), events.len() as u64, "{context}");
            assert_eq!(figures.worst, worst, "{context}");
            assert_eq!(figures.retry.promised, figures.retry.kept, "{context}");
            let over =
                policy.quotas().iter().zip(&worst).any(|(quota, &worst)| worst > u64::from(quota.limit()));
            assert!(!over || !strategy.keeps_the_rule(), "{context}: {worst:?}");
        }
        // Whole microseconds and seconds lie on the log's grid: there it is exact.
        let [exact, locked] =
            [Strategy::SlidingLog, Strategy::LockedSlidingLog].map(|it| &figures_of(&figures, it).answers);
        assert_eq!(exact, locked, "seed {seed}, {text}");
    }
}

/// Promises an instant that is off by so many nanoseconds.
#[derive(Debug)]
struct Liar {
    log: Locked<LogMachine>,
    off: i64,
}

impl Algorithm for Liar {
    fn policy(&self) -> &Policy {
        self.log.policy()
    }

    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.log.try_acquire_at(now, n).map_err(|denied| {
            let off = |instant: Nanos| Nanos::from_nanos(instant.as_nanos().saturating_add_signed(self.off));
            Denied::new(now, denied.quota(), denied.retry_at().map(off), denied.burst())
        })
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.log.peek_at(now, n)
    }

    fn status_at(&self, now: Nanos) -> Status {
        self.log.status_at(now)
    }
}

#[test]
fn a_promise_that_is_not_kept_is_noticed() {
    let policy: Policy = "1/10s".parse().expect("a policy");
    let events = [0, 1, 12].map(|second| Event { nanos: second * 1_000_000_000, client: None });
    let retry = |off| {
        let traffic = Traffic::new("test", &events, false);
        let liar = || Ok(Liar { log: Locked::new(LogMachine::new(policy)), off });
        replay(liar, &policy, &traffic, &Progress::replaying(3, 0)).expect("figures").retry
    };
    // The client that comes back at 10 s and is granted meets another refusal at 12 s.
    assert_eq!(retry(0), Retry { promised: 2, kept: 2, late: 0 });
    assert_eq!(retry(1), Retry { promised: 2, kept: 0, late: 2 });
    // Refused at 10 s less 1 ns, it asks again at 12 s.
    assert_eq!(retry(-1), Retry { promised: 1, kept: 0, late: 0 });
    assert_eq!(retry(-20_000_000_000), Retry { promised: 1, kept: 0, late: 0 });
}

// A client that waits.

/// When each step is served by the exact rule if it waits, and nobody overtakes: a call joins the grants when no
/// window that ends with it holds more than its limit.
fn served(traffic: &Traffic, policy: &Policy) -> Vec<u64> {
    let mut grants = vec![Vec::new(); traffic.limiters()];
    let served = traffic.steps.iter().map(|step| {
        let grants: &mut Vec<u64> = &mut grants[traffic.limiter(step)];
        let free = policy.quotas().iter().filter_map(|quota| {
            let leaves = grants.len().checked_sub(quota.limit() as usize)?;
            Some(grants[leaves] + u64::try_from(quota.window().as_nanos()).ok()?)
        });
        let at = free.chain(grants.last().copied()).fold(step.at, u64::max);
        grants.push(at);
        at
    });
    served.collect()
}

#[test]
fn waits_agree_with_the_naive_way_on_random_traffic() {
    for seed in 0..100 {
        let mut rng = Rng::with_seed(seed);
        let (limit, short) = (rng.u32(1..6), rng.u64(1..50));
        let text = format!("{limit}/{short}us, {}/{}us", limit + rng.u32(1..20), rng.u64(60..400));
        let policy: Policy = text.parse().expect("a policy");
        let mut now = rng.u64(0..100);
        let events: Vec<Event> = (0..300)
            .map(|_| {
                now += if rng.u8(0..10) == 0 { rng.u64(0..2_000) } else { rng.u64(0..20) };
                Event { nanos: now * 1_000, client: Some(rng.u64(0..3)) }
            })
            .collect();
        let (figures, traffic) = figures(&events, &policy, rng.bool());
        let served = served(&traffic, &policy);
        let calls = || traffic.steps.iter().zip(&served);
        // A call is kept waiting by silence from its arrival or, if that is later, from the last grant before it.
        let silence = calls().enumerate().map(|(i, (step, &at))| {
            let before = calls().take(i).filter(|(it, _)| traffic.limiter(it) == traffic.limiter(step));
            at - before.map(|(_, &at)| at).fold(step.at, u64::max)
        });
        let mut waits: Vec<u64> = calls().map(|(step, at)| at - step.at).collect();
        waits.sort_unstable();
        let ranked = [150, 270, 297, 300].map(|rank| waits[rank - 1]);
        for strategy in [Strategy::SlidingLog, Strategy::LockedSlidingLog] {
            let waiting = figures_of(&figures, strategy).waiting;
            let context = format!("seed {seed}, {text}, {}: {waiting:?}", strategy.name());
            assert_eq!(Some(waiting.silence), silence.clone().max(), "{context}");
            assert_eq!(Some(waiting.last + traffic.steps[0].at), served.iter().copied().max(), "{context}");
            assert_eq!((waiting.waits[3], waiting.unserved), (Some(ranked[3]), 0), "{context}");
            for (told, exact) in waiting.waits.into_iter().zip(ranked) {
                let told = told.expect("served");
                assert!(told.abs_diff(exact) <= exact / 200, "{context}: {ranked:?}");
            }
        }
    }
}

#[test]
fn a_greedy_caller_waits_31_minutes_unless_it_is_paced() {
    let waiting = |policy, name| {
        let report = report(["greedy", "--events", "3000", "--policy", policy]);
        strategy(&report, name)["waiting"].clone()
    };
    let figures = |silence: Value, waits: [Value; 4]| {
        let [p50, p90, p99, max] = waits;
        let last = max.clone();
        json!({"silence_s": silence, "wait_s": {"p50": p50, "p90": p90, "p99": p99, "max": max}, "last_s": last,
               "unserved": 0})
    };
    let whole = |silence, waits: [u64; 4]| figures(json!(silence), waits.map(|wait| json!(wait)));
    let rule = "50/1m, 1500/1h";
    // 50 at the start of each of 30 minutes: the last at 29 minutes, the next at 60.
    assert_eq!(waiting(rule, "sliding_log"), whole(31 * 60, [29 * 60, 83 * 60, 89 * 60, 89 * 60]));
    // 26 at once, then one per 2.440677967 s.
    let spread = [json!(3600), json!(6530), json!(7190), json!(7_258.576_273_858)];
    assert_eq!(waiting(rule, "token_bucket_strict"), figures(json!(2.440_677_967), spread));
    // A quota of the hour's rate over a shorter window.
    assert_eq!(
        waiting("50/2m, 50/1m, 1500/1h", "sliding_log"),
        whole(120, [29 * 120, 53 * 120, 59 * 120, 59 * 120])
    );
    assert_eq!(waiting("5/12s, 50/1m, 1500/1h", "sliding_log"), whole(12, [3590, 6470, 7120, 599 * 12]));
    // What it costs those who are refused.
    for (policy, log) in [("50/2m, 50/1m, 1500/1h", 18_244), ("5/12s, 50/1m, 1500/1h", 6_429)] {
        assert_eq!(granted(&report(["bursty", "--policy", policy]), "sliding_log"), log, "{policy}");
    }
}

#[test]
fn a_queue_that_is_told_of_no_instant_ahead_is_never_served() {
    let policy: Policy = "1/10s".parse().expect("a policy");
    let events = [0, 1, 12].map(|second| Event { nanos: second * 1_000_000_000, client: None });
    let waiting = |off| {
        let traffic = Traffic::new("test", &events, false);
        let liar = || Ok(Liar { log: Locked::new(LogMachine::new(policy)), off });
        replay(liar, &policy, &traffic, &Progress::replaying(3, 0)).expect("figures").waiting
    };
    let second = 1_000_000_000;
    let waits = [8 * second, 9 * second, 9 * second, 9 * second].map(Some);
    assert_eq!(
        waiting(0),
        Waiting { silence: 9 * second, waits, last: 20 * second, unserved: 0, too_much: 0 }
    );
    // From 1 s to 10 s, and from 12 s to 20 s.
    let late = waiting(1);
    assert_eq!((late.silence, late.last), (9 * second + 1, 20 * second + 2));
    assert_eq!(waiting(-1), Waiting { silence: 0, waits: [None; 4], last: 0, unserved: 2, too_much: 0 });
}

// Limiters do not last for ever.

#[test]
fn a_stamp_of_1970_does_not_turn_into_advice() {
    let later = (0..10_000).map(|request| format!("{}\n", 1_700_000_000 + request));
    let path = written("1970.csv", format!("seconds\n0\n{}", later.collect::<String>()));
    assert_eq!(
        refused(["--trace", &path]),
        format!(
            "bad log {path:?}: the requests span 53 years, from 0 s (line 2) to 2023-11-15T00:59:59Z (line 10002), and \
             limiters last 10: is one of these times wrong?"
        )
    );
}

#[test]
fn a_strategy_whose_clock_ends_before_the_trace_does_says_so() {
    // Ticks of a nanosecond in 57 bits last four and a half years.
    let policy = "50/1us, 1500/1ms";
    let path = written("nine-years.csv", format!("seconds\n0\n{}", "284000000\n".repeat(60)));
    let report = report(["--trace", &path, "--policy", policy]);
    let log = strategy(&report, "sliding_log");
    assert_eq!(
        log["error"],
        "the trace is longer than this limiter lasts: at 284000000 s it tells no instant to come back, and later it \
         refuses everything"
    );
    assert_eq!(granted(&report, "locked_sliding_log"), 51);
    let table = ran(["--trace", &path, "--policy", policy]).out;
    assert!(table.contains("\nsliding_log: the trace is longer than this limiter lasts"), "{table}");
    assert!(!table.contains("Use sliding_log"), "{table}");
}

// What is read is never written over, and what is written is whole.

#[test]
fn nothing_is_written_over_the_trace_whatever_it_is_called() {
    let path = written("precious.csv", "seconds\n1\n2\n");
    let (hard, soft) = (temporary("precious-hard.csv"), temporary("precious-soft.csv"));
    for link in [&hard, &soft] {
        let _ = fs::remove_file(link);
    }
    fs::hard_link(&path, &hard).expect("a hard link");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, &soft).expect("a symbolic link");
    let dotted = format!("{}/./compare-precious.csv", env!("CARGO_TARGET_TMPDIR"));
    let names = [hard.to_str().expect("UTF-8"), soft.to_str().expect("UTF-8"), &dotted, &path];
    for name in names.into_iter().filter(|name| fs::exists(name).is_ok_and(|there| there)) {
        for option in ["--decisions", "--plot"] {
            let error = refused(["--trace", &path, option, name]);
            assert_eq!(error, format!("{name:?} is named twice: give each file of its own"));
            assert_eq!(fs::read_to_string(&path).expect("the trace"), "seconds\n1\n2\n");
        }
    }
    // Nor two outputs to one file, there or not.
    let (new, same) =
        (temporary("twice.csv"), format!("{}/./compare-twice.csv", env!("CARGO_TARGET_TMPDIR")));
    let error = refused(["--decisions", new.to_str().expect("UTF-8"), "--plot", &same]);
    assert_eq!(error, format!("{same:?} is named twice: give each file of its own"));
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let path = written("whole.csv", "seconds\n1\n2\n");
    let folder = temporary("outputs");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).expect("a folder");
    let (decisions, plot) = (folder.join("decisions.csv"), folder.join("plot.svg"));
    fs::write(&decisions, "older").expect("a file");
    let names = || {
        let names =
            fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let args = |trace: &str| {
        let outputs = ["--decisions".into(), decisions.clone(), "--plot".into(), plot.clone()];
        ["--trace".into(), PathBuf::from(trace)].into_iter().chain(outputs).map(PathBuf::into_os_string)
    };
    // The trace turns out to be bad when the outputs are known already.
    let bad = written("broken.csv", "seconds\n1\nx\n");
    refused(args(&bad));
    assert_eq!(
        (names(), fs::read_to_string(&decisions).expect("the file")),
        (vec!["decisions.csv".into()], "older".into())
    );
    assert_eq!(ran(args(&path)).code, 0);
    assert_eq!(names(), ["decisions.csv", "plot.svg"]);
    assert!(fs::read_to_string(&decisions).expect("the file").starts_with("seconds,client,sliding_log"));
    // A disk that is full is noticed when the other file is already written.
    if fs::exists("/dev/full").is_ok_and(|there| there) {
        fs::write(&decisions, "older").expect("a file");
        let outputs = ["--decisions".into(), decisions.clone(), "--plot".into(), PathBuf::from("/dev/full")];
        let full = refused(["--trace".into(), PathBuf::from(&path)].into_iter().chain(outputs));
        assert!(full.starts_with("cannot write \"/dev/full\": "), "{full}");
        assert_eq!(fs::read_to_string(&decisions).expect("the file"), "older");
        assert_eq!(names(), ["decisions.csv", "plot.svg"]);
    }
}

#[test]
fn waits_are_told_to_three_digits() {
    for (wait, told) in [
        (0, 0),
        (1, 1),
        (999, 999),
        (1_000, 1_000),
        (1_004, 1_000),
        (1_005, 1_010),
        (9_994, 9_990),
        (9_995, 10_000),
        (2_440_677_967, 2_440_000_000),
        (999_500, 1_000_000),
        (123_456_789_012_345_678, 123_000_000_000_000_000),
        (u64::MAX - 1, 18_400_000_000_000_000_000),
    ] {
        let mut waits = Waits::new();
        waits.add(wait);
        waits.add(u64::MAX);
        assert_eq!(waits.percentile(50, 2), Some(told), "{wait}");
        assert_eq!(waits.percentile(51, 2), Some(18_400_000_000_000_000_000));
        assert_eq!((waits.percentile(100, 2), waits.percentile(67, 3)), (Some(u64::MAX), None));
    }
    // Rounded up, it does not exceed the longest.
    let mut waits = Waits::new();
    waits.add(1_006);
    assert_eq!(waits.percentile(50, 1), Some(1_006));
}

#[test]
fn state_is_what_is_held_at_the_most() {
    let policy: Policy = "3/1s, 100/1h".parse().expect("a policy");
    let events: Vec<Event> =
        (0..200).map(|second| Event { nanos: second * 1_000_000_000, client: Some(second % 2) }).collect();
    let bytes = |events: &[Event], strategy: Strategy, per_client| {
        figures_of(&figures(events, &policy, per_client).0, strategy).state_bytes.expect("counted")
    };
    let inline = size_of::<Locked<LogMachine>>() as u64;
    let deque = |events: &[Event]| bytes(events, Strategy::LockedSlidingLog, false) - inline;
    assert!(deque(&events[..10]) >= 80 && deque(&events[..10]) < 400);
    assert!(deque(&events) >= 800 && deque(&events) < 2_000, "the deque is charged for its grants");
    // The ring has 128 slots from the start.
    let ring = bytes(&events, Strategy::SlidingLog, false);
    assert_eq!(ring, size_of::<tollgate::SlidingLog>() as u64 + 128 * 8);
    assert_eq!(ring, bytes(&events[..1], Strategy::SlidingLog, false));
    assert_eq!(bytes(&events, Strategy::SlidingLog, true), 2 * ring, "one for each of two clients");
}

#[test]
fn a_guard_is_kept_but_windows_are_judged_as_written() {
    let events = [0, 1_000, 1_250].map(|milli| Event { nanos: milli * 1_000_000, client: None });
    let policy: Policy = "1/1s; guard 250ms".parse().expect("a policy");
    let (figures, _) = figures(&events, &policy, false);
    let log = figures_of(&figures, Strategy::SlidingLog);
    assert_eq!(log.answers.iter().collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(log.worst, [1]);
}

#[test]
fn memory_does_not_grow_with_the_trace() {
    let policy = Policy::MICROSOFT_365_DEFENDER;
    let bar = Progress::replaying(0, 0);
    let peaks = [20_000, 200_000].map(|count| {
        let traffic = Traffic::new("test", &Workload::Bursty.events(1, count), false);
        assert_eq!(size_of_val(&traffic.steps[0]), 16, "the trace is two words an event");
        Strategy::ALL.map(|strategy| {
            let replayed = || drop(strategy.replay(&policy, &traffic, &bar).expect("figures"));
            // The answers are a bit an event.
            measure(replayed).bytes_max - count / 8
        })
    });
    // Beside them a replay holds the grants of the longest window.
    assert!(peaks.iter().flatten().all(|&peak| peak < 100_000), "{peaks:?}");
}

#[test]
fn a_million_events_take_well_under_a_second() {
    let traffic = Traffic::new("test", &Workload::Steady.events(1, 1_000_000), false);
    let bar = Progress::replaying(0, 0);
    for strategy in [Strategy::SlidingLog, Strategy::TokenBucketStrict] {
        let figures = strategy.replay(&Policy::MICROSOFT_365_DEFENDER, &traffic, &bar).expect("figures");
        let nanos = figures.ns_per_decision.expect("a million events");
        assert!(nanos > 0.0 && nanos < 500.0, "{}: {nanos}", strategy.name());
    }
}

// What it prints is stable.

#[test]
fn json_has_the_documented_shape() {
    let path = written("shape.csv", "seconds,client\n0,7\n0,8\n0.25,7\n");
    let mut report = report(["--trace", &path, "--policy", "a=1/250ms,5/1m"]);
    let strategies = report["strategies"].as_array_mut().expect("an array");
    let names: Vec<Value> = strategies.iter().map(|strategy| strategy["name"].clone()).collect();
    assert_eq!(names, Strategy::ALL.map(Strategy::name));
    let outcome = &mut strategies[0];
    assert!(outcome["state_bytes"].is_u64());
    outcome["state_bytes"] = json!(0);
    let expected = concat!(
        r#"{"name":"sliding_log","granted":2,"refused":1,"refused_by":[1,0],"refused_by_pace":0,"#,
        r#""worst":[{"window_s":0.25,"limit":1,"count":1},{"window_s":60,"limit":5,"count":2}],"#,
        r#""retry":{"promised":2,"kept":2,"late":0},"ns_per_decision":null,"state_bytes":0,"#,
        r#""waiting":{"silence_s":0.25,"wait_s":{"p50":0.25,"p90":0.25,"p99":0.25,"max":0.25},"#,
        r#""last_s":0.5,"unserved":0}}"#
    );
    assert_eq!(outcome.to_string(), expected);
    report["strategies"] = json!([]);
    let expected = concat!(
        r#"{"version":1,"policy":"a=1/250ms, 5/1m","events":3,"clients":2,"per_client":false,"#,
        r#""log":{"formats":["trace"],"time":"seconds","client":"client","cost":null,"lines":3,"skipped":0,"#,
        r#""first_skipped":null,"filtered":0,"out_of_order":0,"out_of_order_s":0},"strategies":[]}"#
    );
    assert_eq!(report.to_string(), expected);
}

#[test]
fn a_strategy_that_cannot_serve_the_policy_says_so() {
    let args = ["steady", "--events", "5", "--policy", "4000000000/1s"];
    let report = report(args);
    let unable = strategy(&report, "sliding_log");
    assert_eq!(unable.as_object().map(serde_json::Map::len), Some(2));
    let error = unable["error"].as_str().expect("an error");
    assert!(error.starts_with("quota 0 (counted from 0) needs a finer clock"), "{error}");
    assert_eq!(granted(&report, "locked_sliding_log"), 5);

    let decisions = temporary("unable.csv");
    let table = ran(args.into_iter().chain(["--decisions", decisions.to_str().expect("UTF-8")]));
    assert!(table.out.contains(&format!("\nsliding_log: {error}\n")), "{}", table.out);
    let decisions = fs::read_to_string(decisions).expect("the decisions");
    assert!(decisions.lines().skip(1).all(|line| line.ends_with(",,,1,1,1,1,1,1")), "{decisions}");

    // Refused before the memory is taken.
    let huge = self::report(["steady", "--per-client", "--policy", "10000000/1h"]);
    let unable = &strategy(&huge, "sliding_log")["error"];
    assert_eq!(unable, "100 limiters would take 12800 MiB; the lab stops at 4096 MiB");
}

#[test]
fn decisions_tell_every_event() {
    let trace = "seconds,client\n0.10,7\n0.1,8\n1.1,7\n1.100000001,18446744073709551615\n";
    let path = written("small.csv", trace);
    let decisions = temporary("small-decisions.csv");
    let decided = |more: &[&str]| {
        let args = ["--trace", &path, "--policy", "1/1s", "--decisions", decisions.to_str().expect("UTF-8")];
        assert_eq!(ran(args.iter().chain(more)).code, 0);
        fs::read_to_string(&decisions).expect("the decisions")
    };
    let header = "seconds,client,sliding_log,token_bucket_strict,token_bucket_nominal,\
                  window_counter,locked_sliding_log,locked_token_bucket,fixed_window,sliding_window_counter";
    // The weighted counter still sees nine tenths of the permit of the second before. The planned one counts a permit for up
    // to a step longer than its window.
    let global = "0.1,7,1,1,1,1,1,1,1,1\n0.1,8,0,0,0,0,0,0,0,0\n1.1,7,1,1,1,0,1,1,1,0\n\
                  1.100000001,18446744073709551615,0,0,0,0,0,0,0,0\n";
    assert_eq!(decided(&[]), format!("{header}\n{global}"));
    // A slot of the table counts time in steps, and rounds up.
    let per_client = "0.1,7,1,1,1,1,1,1,1,1,1\n0.1,8,1,1,1,1,1,1,1,1,1\n1.1,7,1,1,1,0,1,1,1,0,0\n\
                      1.100000001,18446744073709551615,1,1,1,1,1,1,1,1,1\n";
    assert_eq!(decided(&["--per-client"]), format!("{header},keyed_table\n{per_client}"));
}

#[test]
fn a_seed_means_the_same_events_everywhere() {
    for (workload, hash, log) in [
        (Workload::Steady, "19177c678659c0e1", 41632),
        (Workload::Bursty, "da7ec46fb378bf0b", 25110),
        (Workload::Diurnal, "2ec9ea2fdd37ecea", 35735),
        (Workload::Greedy, "fbce7c476ea6cd8a", 50),
    ] {
        let events = workload.events(1, 50_000);
        assert!(events.is_sorted_by_key(|event| event.nanos));
        assert_eq!(events[..1_000], workload.events(1, 1_000), "more events do not change the first ones");
        assert_ne!(events[..1_000], workload.events(2, 1_000));
        let mut hasher = Sha256::new();
        for event in &events {
            hasher.update(format!("{},{:?}\n", event.nanos, event.client));
        }
        let digest = hex(&hasher.finalize());
        let report = report([workload.name()]);
        assert_eq!((digest.as_str(), granted(&report, "sliding_log")), (hash, log), "{workload:?}");
    }
    assert!(ran(["--events", "100"]).out.starts_with("bursty (seed 1): 100 events in "));
}

#[test]
fn workloads_have_the_rates_they_claim() {
    const HOUR: u64 = 3_600_000_000_000;
    for (workload, an_hour) in [(Workload::Steady, 1800), (Workload::Bursty, 2600), (Workload::Diurnal, 1800)]
    {
        let events = workload.events(7, 500_000);
        let hours = events.last().expect("events").nanos / HOUR;
        let rate = events.len() as u64 / hours;
        assert!(rate.abs_diff(an_hour) < an_hour / 20, "{workload:?}: {rate} an hour");
    }
    let events = Workload::Diurnal.events(7, 2 * 43_200);
    let within = |from: u64, to: u64| {
        let hour = |event: &&Event| (from * HOUR..to * HOUR).contains(&event.nanos);
        events.iter().filter(hour).count()
    };
    assert!((250..380).contains(&within(0, 1)) && (3_100..3_500).contains(&within(12, 13)));
}

#[test]
fn the_plot_shows_every_strategy_and_stays_small() {
    let path = temporary("plot.svg");
    let drawn = |args: &[&str]| {
        let ran = ran(args.iter().chain(&["--plot", path.to_str().expect("UTF-8")]));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        fs::read_to_string(&path).expect("the plot")
    };
    let svg = drawn(&["bursty", "--events", "20000"]);
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    for text in [
        "bursty (seed 1) under 50/1m, 1500/1h",
        "sliding_log = locked_sliding_log: ",
        "fixed_window: ",
        "over the limit",
        "Grants in the last 1h (limit 1500)",
        "time (hours)",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    assert_eq!(svg, drawn(&["bursty", "--events", "20000"]));
    assert!(drawn(&["bursty", "--events", "120000"]).len() < 250_000);

    // One instant, one client, eight quotas.
    let instant = written("instant.csv", "seconds,client\n5,1\n5,1\n");
    let policy = "1/1ns, 2/2ns, 3/3ns, 4/4ns, 5/5ns, 6/6ns, 7/7ns, 8/1d";
    let svg = drawn(&["--trace", &instant, "--policy", policy, "--per-client"]);
    assert!(svg.contains("Grants in the last 1ns (limit 1), busiest client") && !svg.contains("NaN"));
}

#[test]
fn help_documents_names_workloads_columns_and_keys() {
    let help = ran(["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    let names = Strategy::ALL.map(Strategy::name);
    let keys = [
        "keyed_table",
        "refused_by_pace",
        "policy",
        "events",
        "worst",
        "window_s",
        "promised",
        "ns_per_decision",
        "state_bytes",
        "silence_s",
        "error",
    ];
    let words = ["steady", "bursty", "diurnal", "greedy", "refused by", "most in any", "longest silence"];
    for text in names.iter().chain(&keys).chain(&words) {
        assert!(help.out.contains(text), "{text}");
    }
    assert!(ran(["-h"]).out.lines().all(|line| line.len() <= 125));
}

// Whatever is wrong.

/// Runs, must fail, and gives the one line without the program's name.
fn refused<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> String {
    ran(args).refusal("tollgate-lab")
}

#[test]
fn bad_arguments_are_told_in_one_line() {
    for (args, expected) in [
        (
            &["sunny"][..],
            "invalid value 'sunny' for '[WORKLOAD]' [possible values: steady, bursty, diurnal, greedy]",
        ),
        (&["--sunny"], "unexpected argument '--sunny' found"),
        (&["steady", "bursty"], "unexpected argument 'bursty' found"),
        (&["--trace"], "a value is required for '--trace <FILE>...' but none was supplied"),
        (&["steady", "--trace", "x"], "the argument '[WORKLOAD]' cannot be used with '--trace <FILE>...'"),
        (&["--events", "0"], "invalid value '0' for '--events <N>': 0 is not in 1..=100000000"),
        (&["--seed", "-1"], "invalid value '-1' for '--seed <N>': invalid digit found in string"),
        (&["--format", "xml"], "invalid value 'xml' for '--format <FORMAT>' [possible values: table, json]"),
        (
            &["st\neady"],
            "invalid value 'st eady' for '[WORKLOAD]' [possible values: steady, bursty, diurnal, greedy]",
        ),
    ] {
        assert_eq!(refused(args), format!("{expected} (see --help)"));
    }
}

#[test]
fn bad_policies_are_told_in_one_line() {
    for (policy, expected) in [
        ("", r#"bad policy "": a policy has 1 to 8 quotas; none was given"#),
        (
            "50",
            r#"bad policy "50": cannot read "50" at byte 0: expected a quota as LIMIT/WINDOW, such as 50/1m"#,
        ),
        ("0/1s", r#"bad policy "0/1s": quota 0 (counted from 0) has limit 0; a limit is at least 1"#),
        (
            "1/1s,\n2/60s, 3/1m",
            "bad policy \"1/1s,\\n2/60s, 3/1m\": quotas 1 and 2 (counted from 0) both have the window 1m; \
             windows must differ, because the larger limit would have no effect",
        ),
    ] {
        assert_eq!(refused(["--policy", policy]), expected);
    }
}

#[test]
fn bad_traces_are_told_in_one_line() {
    let long = format!("seconds\n{}\n", "1".repeat((1 << 20) + 1));
    let unknown = |line: &str| {
        format!(
            "the first line is {line:?}, which is none of the known formats (trace, w3c, json, alb, access, csv); \
             if it is a header, --time COLUMN names the column that holds the time; --input FORMAT names the format"
        )
    };
    for (contents, expected) in [
        (&b""[..], "the file is empty"),
        (b"\n\r\n", "the file is empty"),
        (b"0\n1\n", &unknown("0")),
        (b"second,client,path\n", &unknown("second,client,path")),
        (b"seconds\n\n", "there is no request in it"),
        (b"seconds\n1\n2,3\n", "line 3: 2 fields where the header has 1"),
        (b"seconds,client\n1\n", "line 2: 1 fields where the header has 2"),
        (b"seconds\n1\n\n\n1e3\n", r#"line 5: "1e3" is not a time in plain decimal seconds, such as 12.345"#),
        (b"seconds\r\n1\r\n-1\r\n", r#"line 3: "-1" is not a time in plain decimal seconds, such as 12.345"#),
        (b"seconds,client\n,4\n", r#"line 2: "" is not a time in plain decimal seconds, such as 12.345"#),
        (b"seconds\nNaN\n", r#"line 2: "NaN" is not a time in plain decimal seconds, such as 12.345"#),
        (b"seconds\n.\n", r#"line 2: "." is not a time in plain decimal seconds, such as 12.345"#),
        (b"seconds\n1.2.3\n", r#"line 2: "1.2.3" is not a time in plain decimal seconds, such as 12.345"#),
        (b"seconds\n\xff\n", "line 2: \"\u{fffd}\" is not a time in plain decimal seconds, such as 12.345"),
        (b"seconds\n0.1234567891\n", r#"line 2: "0.1234567891" is finer than a nanosecond"#),
        (
            b"seconds\n18446744073.709551616\n",
            r#"line 2: "18446744073.709551616" is above 18446744073.709551615 s, the last nanosecond that 64 bits can tell"#,
        ),
        (
            b"seconds\n2\n400\n399\n99.5\n",
            "line 5: time goes backwards by 300.5 s, from 400 s (line 3) to 99.5 s; lines are sorted up to 300 s \
             (--out-of-order DURATION)",
        ),
        (long.as_bytes(), "line 2: longer than 1048576 bytes"),
    ] {
        let path = written("bad.csv", contents);
        assert_eq!(refused(["--trace", &path]), format!("bad log {path:?}: {expected}"));
    }
}

#[test]
fn files_that_fail_are_told_in_one_line() {
    let missing = temporary("missing/trace.csv").into_os_string().into_string().expect("UTF-8");
    let not_found = io::Error::from_raw_os_error(2);
    assert_eq!(refused(["--trace", &missing]), format!("cannot read {missing:?}: {not_found}"));
    assert_eq!(refused(["--decisions", &missing]), format!("cannot write {missing:?}: {not_found}"));
    assert_eq!(refused(["--plot", &missing]), format!("cannot write {missing:?}: {not_found}"));
    let directory = env!("CARGO_TARGET_TMPDIR");
    assert!(refused(["--trace", directory]).starts_with(&format!("cannot read {directory:?}: ")));
    assert!(refused(["--decisions", directory]).starts_with(&format!("cannot write {directory:?}: ")));

    let path = written("no-clients.csv", "seconds\n1\n");
    let expected = "--per-client needs clients, and \"compare-no-clients.csv\" names none; --client COLUMN names the field";
    assert_eq!(refused(["--trace", &path, "--per-client"]), expected);
}

/// A standard output that fails.
struct Failing(io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_leaves_is_no_error_and_a_full_disk_is() {
    for args in
        [&["--help"][..], &["steady", "--events", "10"], &["steady", "--events", "10", "--format", "json"]]
    {
        for (kind, code, expected) in [
            (io::ErrorKind::BrokenPipe, 0, String::new()),
            (
                io::ErrorKind::StorageFull,
                2,
                format!("tollgate-lab: cannot write to standard output: {}\n", io::ErrorKind::StorageFull),
            ),
        ] {
            let mut err = Vec::new();
            let out = &mut Failing(kind);
            assert_eq!(run(args.iter().map(OsString::from), out, &mut err), code);
            assert_eq!(String::from_utf8_lossy(&err), expected);
        }
    }
}

#[test]
fn what_a_trace_may_look_like() {
    let event = |nanos, client: Option<&str>| (nanos, client.map(str::to_owned));
    for (contents, expected) in [
        (&b"seconds\n1"[..], vec![event(1_000_000_000, None)]),
        (b"seconds\r\n0.5\r\n\r\n0.5\r\n", vec![event(500_000_000, None); 2]),
        (b"\xef\xbb\xbf seconds , client \n 1.5 , 2 \n", vec![event(1_500_000_000, Some("2"))]),
        (b"seconds\n.000000001\n1.\n", vec![event(1, None), event(1_000_000_000, None)]),
        (b"seconds\n0.123456789000\n", vec![event(123_456_789, None)]),
        (b"seconds\n00018446744073.709551615\n", vec![event(u64::MAX, None)]),
        (
            b"seconds,client\n3,\n2,a b\n",
            vec![event(2_000_000_000, Some("a b")), event(3_000_000_000, Some(""))],
        ),
    ] {
        assert_eq!(events(contents), expected);
    }
    for nanos in [0, 1, 10, 1_000_000_000, 52_000_000, u64::MAX] {
        let text = format!("seconds\n{}\n", seconds(nanos));
        assert_eq!(events(text.as_bytes()), [event(nanos, None)]);
    }
}
