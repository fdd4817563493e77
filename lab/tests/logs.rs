//! Logs as they are: every format by a small log in `logs/`, with the numbers that `count_logs.py` found.
//!
//! - Formats, fields and times are recognised, and named in the answer.
//! - Compressed, in several files, by standard input, out of order, with other lines in between: it is one traffic.
//! - Whatever is wrong is told in one line that names the line and what would help.

#[path = "../../tests/ran/mod.rs"]
mod ran;

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use allocation_counter::measure;
use flate2::Compression;
use flate2::write::GzEncoder;
use ran::Ran;
use serde_json::{Value, json};
use tollgate::Policy;
use tollgate_lab::log::{Clock, Fault, Input, LogError, NoTime, Options, Unit, read, read_bytes};
use tollgate_lab::{Progress, Strategy, Traffic, run};

fn log(name: &str) -> String {
    format!("{}/tests/logs/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn ran<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> Ran {
    Ran::of(args, |args, out, err| run(args, out, err))
}

fn refused(args: &[&str]) -> String {
    ran(args).refusal("tollgate-lab")
}

fn answer(args: &[&str]) -> Value {
    let ran = ran(args.iter().chain(&["--format", "json"]));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    serde_json::from_str(&ran.out).expect("JSON")
}

fn written(name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("logs-{name}"));
    fs::write(&path, contents).expect("a temporary file");
    path.into_os_string().into_string().expect("UTF-8")
}

/// A line in a hundred may be wrong by default; in ten lines that is none.
fn lenient() -> Options {
    Options { skip_per_million: Some(200_000), ..Options::default() }
}

/// How many the exact rule grants.
fn granted(traffic: &Traffic) -> u64 {
    let policy: Policy = "3/1s, 5/1m".parse().expect("a policy");
    let figures = Strategy::LockedSlidingLog.replay(&policy, traffic, &Progress::hidden());
    figures.expect("figures").granted
}

fn names(traffic: &Traffic) -> Vec<&str> {
    traffic.steps.iter().map(|step| traffic.clients.name(step.client).unwrap_or("?")).collect()
}

#[test]
fn every_format_is_recognised_and_read_as_counted_independently() {
    // Name, format, the fields; requests, clients, the span in nanoseconds, granted for all, granted for each.
    for (name, format, time, client, counts) in [
        ("common.log", "Common Log Format", "time", "client", (9, 5, 92_000_000_000, 6, 9)),
        ("combined.log", "Combined Log Format", "time", "client", (8, 4, 63_000_000_000, 7, 8)),
        (
            "vhost.log",
            "Combined Log Format, the virtual host first",
            "time",
            "client",
            (4, 3, 6_000_000_000, 4, 4),
        ),
        ("alb.log", "AWS ALB access log", "request_creation_time", "client", (3, 2, 2_499_000_000, 3, 3)),
        ("cloudfront.log", "CloudFront standard log", "time", "c-ip", (3, 3, 1_000_000_000, 3, 3)),
        ("iis.log", "W3C Extended Log Format", "time", "c-ip", (3, 2, 2_000_000_000, 3, 3)),
        ("millis.tsv", "TSV", "timestamp", "user_id", (3, 2, 250_500_000, 3, 3)),
        ("nested.jsonl", "JSON lines", "ts", "request.remote_ip", (4, 3, 875_000_000, 3, 4)),
        ("dotted.jsonl", "JSON lines", "@timestamp", "source.ip", (2, 1, 250_000_000, 2, 2)),
    ] {
        let traffic = read(&[Input::named(log(name).into())], &lenient()).expect(name);
        let summary = traffic.log.clone().expect("a summary");
        assert_eq!(summary.formats, [format], "{name}");
        assert_eq!((summary.time.as_str(), summary.client.as_deref()), (time, Some(client)), "{name}");
        let alone =
            Traffic { per_client: true, ..read(&[Input::named(log(name).into())], &lenient()).expect(name) };
        let found =
            (traffic.steps.len(), traffic.clients.len(), traffic.span(), granted(&traffic), granted(&alone));
        assert_eq!(found, counts, "{name}");
    }
}

#[test]
fn columns_of_any_name_are_named() {
    let path = log("named.csv");
    let options = Options {
        time: Some("Started At".into()),
        client: Some("customer name".into()),
        cost: Some("Tokens".into()),
        ..Options::default()
    };
    let traffic = read(&[Input::named(path.clone().into())], &options).expect("a log");
    // Dates with and without an offset; quotes, a comma and a line end inside of fields.
    assert_eq!(traffic.origin + traffic.steps[0].at, 1_700_158_623_979_960_000);
    assert_eq!(
        (traffic.steps.len(), traffic.span(), granted(&Traffic { log: None, ..traffic })),
        (5, 120_040_000, 1)
    );
    let traffic = read(&[Input::named(path.clone().into())], &options).expect("a log");
    assert_eq!(names(&traffic), ["Smith, John", "O\"Hara", "two\nlines", "Smith, John", "O\"Hara"]);
    assert_eq!(traffic.steps.iter().map(|step| step.cost).collect::<Vec<_>>(), [4808, 3180, 110, 7433, 0]);

    let args = ["--trace", &path, "--time", "Started At", "--client", "Customer Name", "--cost", "Tokens"];
    let table = ran(args).out;
    assert_eq!(
        table.lines().nth(1),
        Some("read as CSV: times from Started At, clients from Customer Name, costs from Tokens")
    );
    let decisions = written("named-decisions.csv", "");
    assert_eq!(ran(args.iter().chain(&["--decisions", &decisions])).code, 0);
    let decisions = fs::read_to_string(decisions).expect("decisions");
    assert!(decisions.contains("\n1700158623.97996,\"Smith, John\",0,"), "{decisions}");
    assert!(decisions.contains("\n1700158624.1,\"O\"\"Hara\",1,1,1,1,1,1,1,1\n"), "{decisions}");
    // Nothing has a usual name.
    let unknown = refused(&["--trace", &path]);
    assert_eq!(
        unknown,
        format!(
            "bad log {path:?}: the first line is \"Request ID,Started At,Tokens,Customer Name\", which is none of the \
             known formats (trace, w3c, json, alb, access, csv); if it is a header, --time COLUMN names the column that \
             holds the time; --input FORMAT names the format"
        )
    );
    let wrong = refused(&["--trace", &path, "--time", "Started At", "--cost", "tokens used"]);
    assert_eq!(
        wrong,
        format!(
            "bad log {path:?}: --cost \"tokens used\" is no field of this log; its fields are Request ID, Started At, \
             Tokens, Customer Name"
        )
    );
}

#[test]
fn requests_of_one_kind_are_picked() {
    let picked = |name: &str, args: &[&str]| {
        let path = log(name);
        let skip = ["--skip-bad", "20"];
        let answer = answer(&["--trace", &path].iter().chain(args).chain(&skip).copied().collect::<Vec<_>>());
        (answer["events"].as_u64().expect("a count"), answer["log"]["filtered"].as_u64().expect("a count"))
    };
    assert_eq!(picked("common.log", &["--only", "status=200"]), (6, 3));
    assert_eq!(picked("common.log", &["--only", "status!=200"]), (3, 6));
    assert_eq!(picked("common.log", &["--only", "status=4*", "--only", "method=GET"]), (1, 8));
    assert_eq!(picked("common.log", &["--path", "/shuttle/"]), (3, 6));
    assert_eq!(picked("combined.log", &["--path", "/api/v1/"]), (5, 3));
    assert_eq!(picked("combined.log", &["--only", "agent=an \\\"agent\\\" with quotes"]), (1, 7));
    assert_eq!(picked("vhost.log", &["--only", "vhost=api.example.com:443"]), (2, 2));
    assert_eq!(picked("alb.log", &["--path", "/checkout", "--only", "status=200"]), (1, 2));
    assert_eq!(picked("alb.log", &["--only", "client:port=192.0.2.10:2818"]), (1, 2));
    assert_eq!(picked("cloudfront.log", &["--only", "status=200"]), (2, 1));
    assert_eq!(picked("iis.log", &["--only", "path=/moved"]), (1, 2));
    assert_eq!(picked("nested.jsonl", &["--path", "/a"]), (3, 1));
    assert_eq!(picked("nested.jsonl", &["--only", "request.method=GET"]), (1, 3));
    assert_eq!(picked("dotted.jsonl", &["--only", "status=5*"]), (1, 1));

    let path = log("vhost.log");
    let table = ran(["--trace", &path, "--path", "/v1"]).out;
    assert_eq!(table.lines().nth(2), Some("left out 2 of 4 requests by --only and --path"));
    assert_eq!(
        refused(&["--trace", &path, "--path", "/nowhere"]),
        format!("bad log {path:?}: none of its 4 requests passes --only and --path")
    );
    assert_eq!(
        refused(&["--trace", &path, "--only", "colour=red"]),
        format!(
            "bad log {path:?}: --only \"colour\" is no field of this log; its fields are vhost, client, ident, user, time, \
             method, path, protocol, status, bytes, referer, agent"
        )
    );
}

#[test]
fn addresses_of_one_network_are_one_client() {
    let clients = |bits| {
        let options = Options { ipv6_prefix: bits, ..lenient() };
        let traffic = read(&[Input::named(log("combined.log").into())], &options).expect("a log");
        let mut names: Vec<String> = names(&traffic).into_iter().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(clients(None), ["198.51.100.20", "2001:db8:0:1::aa", "2001:db8:0:1::bb", "203.0.113.9"]);
    assert_eq!(clients(Some(64)), ["198.51.100.20", "2001:db8:0:1::/64", "203.0.113.9"]);
    assert_eq!(clients(Some(32)), ["198.51.100.20", "2001:db8::/32", "203.0.113.9"]);
    assert_eq!(clients(Some(128)).len(), 4);
    let mapped = read_bytes(
        b"time,client\n1,::ffff:192.0.2.1\n2,192.0.2.1\n3,[2001:db8::1]\n4,2001:db8::2\n",
        &Options { ipv6_prefix: Some(64), ..Options::default() },
    );
    assert_eq!(names(&mapped.expect("a log")), ["192.0.2.1", "192.0.2.1", "2001:db8::/64", "2001:db8::/64"]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn what_is_compressed_or_in_several_files_is_the_same() {
    let whole = fs::read(log("combined.log")).expect("the log");
    let half = whole.split_inclusive(|&byte| byte == b'\n').take(4).map(<[u8]>::len).sum::<usize>();
    let plain = read_bytes(&whole, &lenient()).expect("a log");
    // Two members one after the other, as when files are put together.
    let mut members = gzip(&whole[..half]);
    members.extend(gzip(&whole[half..]));
    assert_eq!(read_bytes(&members, &lenient()).expect("a log").steps, plain.steps);

    let (newer, older) =
        (written("newer.log", &whole[half..]), written("older.log.1.gz", gzip(&whole[..half])));
    let inputs = [&newer, &older].map(|path| Input::named(path.into()));
    let together = read(&inputs, &lenient()).expect("logs");
    assert_eq!(together.title, "2 files");
    assert_eq!(together.span(), plain.span());
    let ats = |traffic: &Traffic| traffic.steps.iter().map(|step| step.at).collect::<Vec<_>>();
    assert_eq!(ats(&together), ats(&plain));
    // The late line was sorted, and the files' order is not counted as disorder.
    assert_eq!(together.log.expect("a summary").late, 1);

    let cut = &members[..members.len() - 12];
    assert!(matches!(read_bytes(cut, &lenient()), Err(LogError::Read(_))));

    let mut program = Command::new(env!("CARGO_BIN_EXE_tollgate-lab"));
    let args = ["compare", "--trace", "-", "--format", "json", "--skip-bad", "20"];
    let mut child =
        program.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program");
    child.stdin.take().expect("a pipe").write_all(&members).expect("a reader");
    let output = child.wait_with_output().expect("an answer");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&answer["events"], &answer["log"]["formats"]), (&json!(8), &json!(["Combined Log Format"])));
}

#[test]
fn lines_out_of_order_are_sorted_up_to_a_bound() {
    let log = |times: &[u32]| {
        times.iter().fold(String::from("time,client\n"), |log, time| log + &format!("{time},c{time}\n"))
    };
    let read = |times: &[u32], bound| {
        let options = Options { out_of_order: Duration::from_secs(bound), ..Options::default() };
        read_bytes(log(times).as_bytes(), &options)
    };
    let traffic = read(&[10, 13, 11, 12, 13, 9], 4).expect("a log");
    let ats: Vec<u64> = traffic.steps.iter().map(|step| (traffic.origin + step.at) / 1_000_000_000).collect();
    assert_eq!(ats, [9, 10, 11, 12, 13, 13]);
    assert_eq!(names(&traffic), ["c9", "c10", "c11", "c12", "c13", "c13"]);
    let summary = traffic.log.expect("a summary");
    assert_eq!((summary.late, summary.latest), (3, 4_000_000_000));

    let error = read(&[10, 13, 11, 12, 13, 9], 3).expect_err("too far");
    assert_eq!(
        error.to_string(),
        "line 7: time goes backwards by 4 s, from 13 s (line 6) to 9 s; lines are sorted up to 3 s (--out-of-order \
         DURATION)"
    );
    // Equal times are in order.
    assert_eq!(read(&[5, 5, 5], 0).expect("a log").log.expect("a summary").late, 0);

    let path = written("disorder.csv", log(&[1_714_564_800, 1_714_561_200]));
    assert_eq!(
        refused(&["--trace", &path]),
        format!(
            "bad log {path:?}: line 3: time goes backwards by 3600 s, from 2024-05-01T12:00:00Z (line 2) to \
             2024-05-01T11:00:00Z; lines are sorted up to 300 s (--out-of-order DURATION)"
        )
    );
    let table = ran(["--trace", &path, "--out-of-order", "1h"]).out;
    assert_eq!(table.lines().nth(2), Some("sorted 1 lines that were out of order, by up to 3600 s"));
}

#[test]
fn lines_that_are_no_requests_are_counted_and_limited() {
    let path = log("common.log");
    assert_eq!(
        refused(&["--trace", &path]),
        format!(
            "bad log {path:?}: 1 of 10 lines are no requests, the first is line 9: \"this line is none\" is not a line of \
             the format access; --skip-bad PERCENT accepts more of them"
        )
    );
    assert!(refused(&["--trace", &path, "--skip-bad", "9.9999"]).contains("1 of 10 lines"));
    let table = ran(["--trace", &path, "--skip-bad", "10%"]).out;
    assert_eq!(
        table.lines().nth(2),
        Some(
            "skipped 1 of 10 lines that are no requests, the first is line 9: \"this line is none\" is not a line of the \
             format access"
        )
    );
    let summary = &answer(&["--trace", &path, "--skip-bad", "10"])["log"];
    assert_eq!(
        *summary,
        json!({
            "formats": ["Common Log Format"], "time": "time", "client": "client", "cost": null, "lines": 10,
            "skipped": 1,
            "first_skipped": "line 9: \"this line is none\" is not a line of the format access",
            "filtered": 0, "out_of_order": 1, "out_of_order_s": 14,
        })
    );
    // None may be wrong: the first is told at once.
    assert_eq!(
        refused(&["--trace", &path, "--skip-bad", "0"]),
        format!("bad log {path:?}: line 9: \"this line is none\" is not a line of the format access")
    );
    for (bytes, expected) in [
        (
            &b"time,client\n1,a\nx,b\n"[..],
            "line 3: \"x\" is not a time: expected a number, or a date such as 2024-05-01T12:00:00Z or 01/May/2024:12:00:00 +0000",
        ),
        (b"time,client\n1,a\n,b\n", "line 3: the field \"time\" is missing"),
        (b"time,client\n1,a\n2\n", "line 3: 1 fields where the header has 2"),
        (b"time,client\n1,a\n2,\"b\n\n", "line 3: a quoted field that begins here does not end"),
        (b"{\"ts\":1}\n{\"ts\":2\n", "line 2: \"{\\\"ts\\\":2\" is not a line of the format json"),
        (b"{\"ts\":1}\n{\"other\":2}\n", "line 2: the field \"ts\" is missing"),
        (b"time\n1969-12-31T23:59:59Z\n", "line 2: \"1969-12-31T23:59:59Z\" is before 1970"),
        (b"#Fields: date time c-ip\n2024-05-01 10:00:00\n", "line 2: 2 fields where the header has 3"),
    ] {
        let options = Options { skip_per_million: Some(0), ..Options::default() };
        let error = read_bytes(bytes, &options).expect_err("a fault");
        assert!(matches!(error, LogError::Line { .. }));
        assert_eq!(error.to_string(), expected);
    }
    let options = Options { cost: Some("n".into()), skip_per_million: Some(0), ..Options::default() };
    for (cost, expected) in [
        ("-", Ok(0)),
        ("0", Ok(0)),
        ("4294967295", Ok(u32::MAX)),
        ("4294967296", Err(())),
        ("1.5", Err(())),
        ("", Err(())),
        ("-1", Err(())),
    ] {
        let read = read_bytes(format!("time,n\n1,{cost}\n").as_bytes(), &options);
        match (read, expected) {
            (Ok(traffic), Ok(expected)) => assert_eq!(traffic.steps[0].cost, expected),
            (Err(LogError::Line { line: 2, fault: Fault::Cost(text) }), Err(())) => assert_eq!(text, cost),
            (read, _) => panic!("{cost}: {read:?}"),
        }
    }
}

#[test]
fn times_of_all_kinds() {
    const NOON: u64 = 1_714_564_800_000_000_000;
    for (text, expected) in [
        ("1714564800", Ok(NOON)),
        ("1714564800.25", Ok(NOON + 250_000_000)),
        ("1714564800000", Ok(NOON)),
        ("1714564800000.000001", Ok(NOON + 1)),
        ("1714564800000000", Ok(NOON)),
        ("1714564800000000000", Ok(NOON)),
        ("99999999999", Err("above")),
        ("0", Ok(0)),
        ("17145648000000000000", Ok(NOON * 10)),
        ("171456480000000000000", Err("above")),
        ("1714564800.1234567891", Err("finer")),
        ("2024-05-01T12:00:00Z", Ok(NOON)),
        ("2024-05-01 12:00:00", Ok(NOON)),
        ("2024-05-01T12:00:00.000000001Z", Ok(NOON + 1)),
        ("2024-05-01T12:00:00,5Z", Ok(NOON + 500_000_000)),
        ("2024-05-01T14:00:00+02:00", Ok(NOON)),
        ("2024-05-01T14:00:00+0200", Ok(NOON)),
        ("20240501T070000-0500", Ok(NOON)),
        ("01/May/2024:12:00:00 +0000", Ok(NOON)),
        ("[01/May/2024:05:30:00 -0630]", Ok(NOON)),
        ("01/May/2024:12:00:00", Ok(NOON)),
        ("2024-05-01", Ok(NOON - 43_200_000_000_000)),
        ("31/Feb/2024:12:00:00 +0000", Err("is not a time")),
        ("2024-05-01T12:00:00 noon", Err("is not a time")),
        ("1969-12-31T23:59:59Z", Err("before 1970")),
        ("9999-01-01T00:00:00Z", Err("above")),
        ("1e9", Err("is not a time")),
        ("-1", Err("is not a time")),
        (".", Err("is not a time")),
        ("", Err("is not a time")),
    ] {
        match (Clock::new(None).nanos(text), expected) {
            (Ok(nanos), Ok(expected)) => assert_eq!(nanos, expected, "{text}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{text}: {error}"),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }
    // The first number tells the unit of all.
    let mut clock = Clock::new(None);
    assert_eq!([clock.nanos("1714564800000"), clock.nanos("1000")], [Ok(NOON), Ok(1_000_000_000)]);
    assert_eq!(Clock::new(Some(Unit::Micros)).nanos("1000"), Ok(1_000_000));
    assert_eq!(Clock::seconds().nanos("2024-05-01"), Err(NoTime::NotSeconds("2024-05-01".into())));
    // A name may tell it as well, and an option.
    let at = |log: &str, unit| {
        let traffic = read_bytes(log.as_bytes(), &Options { unit, ..Options::default() }).expect("a log");
        traffic.origin + traffic.steps[0].at
    };
    assert_eq!(at("time_ms\n5\n", None), 5_000_000);
    assert_eq!(at("timestamp_us\n5\n", None), 5_000);
    assert_eq!(at("time\n5\n", Some(Unit::Nanos)), 5);
}

#[test]
fn options_of_logs_are_checked() {
    let path = log("vhost.log");
    for (args, expected) in [
        (
            &["--trace", &path, "--only", "status"][..],
            "invalid value 'status' for '--only <FIELD=VALUE>': expected NAME=VALUE or NAME!=VALUE, such as status=200, and found \"status\" (see --help)",
        ),
        (
            &["--trace", &path, "--skip-bad", "101"],
            "invalid value '101' for '--skip-bad <PERCENT>': expected a percentage from 0 to 100, such as 2.5 (see --help)",
        ),
        (
            &["--trace", &path, "--out-of-order", "soon"],
            "invalid value 'soon' for '--out-of-order <DURATION>': expected a duration such as 30s or 5m (see --help)",
        ),
        (
            &["--trace", &path, "--ipv6-prefix", "129"],
            "invalid value '129' for '--ipv6-prefix <BITS>': 129 is not in 1..=128 (see --help)",
        ),
        (
            &["--time", "t"],
            "the following required arguments were not provided: --trace <FILE>... (see --help)",
        ),
        (
            &["--trace", &path, "--policy", "1/1s", "--policy", "1/1s"],
            "the policy \"1/1s\" is given twice (see --help)",
        ),
        (
            &["--policy", "1/1s", "--policy", "2/1s", "--plot", "x.svg"],
            "--plot draws one policy, and 2 are given (see --help)",
        ),
    ] {
        assert_eq!(refused(args), expected);
    }
    let error = refused(&["--trace", &path, "--input", "json"]);
    assert!(error.ends_with("it is not what --input json promises: JSON lines: an object a line; nested fields by path, as in request.remote_ip"), "{error}");
    let array = written("array.json", "[{\"ts\":1}]\n");
    assert!(refused(&["--trace", &array]).ends_with("a JSON array becomes JSON lines by: jq -c '.[]'"));
}

#[test]
fn policies_stand_side_by_side() {
    let path = log("combined.log");
    let args = ["--trace", &path, "--policy", "3/1s, 5/1m", "--policy", "1/1s"];
    let answer = answer(&args);
    assert_eq!((&answer["policy"], &answer["strategies"]), (&Value::Null, &Value::Null));
    let policies = answer["policies"].as_array().expect("an array");
    let found = policies.iter().map(|it| (it["policy"].as_str(), it["strategies"][4]["granted"].as_u64()));
    assert_eq!(found.collect::<Vec<_>>(), [(Some("3/1s, 5/1m"), Some(7)), (Some("1/1s"), Some(6))]);
    let table = ran(args).out;
    let line = |start: &str| {
        let line = table.lines().find(|line| line.starts_with(start)).expect(start);
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        line("2 policies side by side"),
        "2 policies side by side: granted, and the longest silence of a client that waits"
    );
    assert_eq!(line("locked_sliding_log"), "locked_sliding_log 7 57.0 s 6 1.00 s");
    assert_eq!(table.matches("\npolicy: ").count(), 2);
    let decisions = written("policies.csv", "");
    assert_eq!(ran(args.iter().chain(&["--decisions", &decisions])).code, 0);
    let decisions = fs::read_to_string(decisions).expect("decisions");
    let header = decisions.lines().next().expect("a header");
    assert!(
        header.starts_with("seconds,client,\"sliding_log 3/1s, 5/1m\",\"token_bucket_strict 3/1s, 5/1m\",")
    );
    assert!(header.ends_with(",fixed_window 1/1s,sliding_window_counter 1/1s"), "{header}");
    assert!(decisions.lines().skip(1).all(|line| line.split(',').count() == 18));
}

#[test]
fn what_costs_more_than_is_ever_granted_is_never() {
    // Costs 2, 9, 2, 1: the limit is 4 in ten seconds.
    let path = written("costs.csv", "time,client,tokens\n0,a,2\n1,a,9\n2,a,2\n3,a,1\n");
    let args = ["--trace", &path, "--cost", "tokens", "--policy", "4/10s"];
    let report = answer(&args);
    let log = &report["strategies"][0];
    assert_eq!(report["log"]["cost"], "tokens");
    assert_eq!((&log["granted"], &log["refused"], &log["never"]), (&json!(2), &json!(2), &json!(1)));
    assert_eq!(log["worst"], json!([{"window_s": 10, "limit": 4, "count": 4}]));
    // It comes back when the first two permits are out of the window, and nobody waits behind the one that is never.
    assert_eq!(log["waiting"]["wait_s"]["max"], 7);
    assert_eq!(log["waiting"]["unserved"], 0);
    // The strict bucket takes one at a time.
    assert_eq!(report["strategies"][1]["never"], 3);
    let table = ran(args).out;
    let header = table.lines().find(|line| line.starts_with("strategy")).expect("a header");
    assert_eq!(
        header.split_whitespace().collect::<Vec<_>>()[..4],
        ["strategy", "granted", "refused", "never"]
    );
    let row = table.lines().find(|line| line.starts_with("sliding_log")).expect("a row");
    assert_eq!(row.split_whitespace().collect::<Vec<_>>()[..4], ["sliding_log", "2", "2", "1"]);
    // Without costs there is no such column.
    assert!(!ran(["--trace", &path]).out.contains("never"));
}

#[test]
fn memory_stays_below_40_bytes_a_request() {
    let mut text = String::new();
    for request in 0..300_000_u64 {
        let (minute, second) = (request / 6_000 % 60, request / 100 % 60);
        // Every third line is out of order.
        let second = if request % 3 == 0 { second / 2 } else { second };
        let line = format!(
            "192.0.2.{} - - [01/May/2024:12:{minute:02}:{second:02} +0000] \"GET /{request} HTTP/1.1\" 200 5\n",
            request % 200
        );
        text.push_str(&line);
    }
    let input = [Input::named(written("memory.log", text).into())];
    let mut traffic = None;
    let peak = measure(|| traffic = Some(read(&input, &Options::default()))).bytes_max;
    let traffic = traffic.expect("read").expect("a log");
    assert_eq!((traffic.steps.len(), traffic.clients.len()), (300_000, 200));
    assert!(traffic.log.expect("a summary").late > 90_000);
    assert!(peak / 300_000 < 40, "{peak} bytes");
}
