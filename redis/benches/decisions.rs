//! What a decision costs over a server on this machine.
//!
//! ```text
//! cargo bench -p tollgate-redis                 # redis-server, or what is on the PATH
//! cargo bench -p tollgate-redis -- --valkey
//! ```
//!
//! Each row starts with an empty server. Each connection has a key of its own and keeps four calls in flight. A refusal is
//! cheaper than a grant, because it writes nothing. So rows are to be compared only if their last columns agree: they tell
//! which share of the calls was granted. The server tells the CPU time that it used, so the cost of a decision does not
//! depend on how fast the client is. `INCR` and `EXPIRE` are the fixed window that most people write: two commands in a
//! pipeline, not atomic, for one window. They write with each call. The naive script is one window in floating-point
//! seconds, sent by EVALSHA.

#![allow(missing_docs, reason = "a program")]

#[path = "../tests/servers/mod.rs"]
mod servers;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use servers::{Kind, Server, connection, kinds};
use tokio::task::JoinSet;
use tollgate::{Policy, Quota};
use tollgate_redis::{Call, RedisStore, Rule, Store, StoreError, Time};

/// How long each row is measured.
const MEASURED: Duration = Duration::from_secs(1);

const IN_FLIGHT: usize = 4;

/// The script that is found in many repositories: one limit, seconds as floating-point numbers, no microseconds kept.
const NAIVE: &str = r"
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local interval, burst = ARGV[2] / ARGV[1], tonumber(ARGV[3])
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local new = tat + interval
if new - interval * burst > now then
  return {0, tostring(new - interval * burst - now)}
end
redis.call('SET', KEYS[1], tostring(new), 'EX', math.ceil(new - now))
return {1, '-1'}
";

#[derive(Clone)]
enum Subject {
    Rule(Box<Rule>),
    /// With its limit for an hour.
    Naive(redis::Script, u64),
    Incr,
    Ping,
}

impl Subject {
    async fn once(&self, connection: &mut MultiplexedConnection, key: &str) -> bool {
        match self {
            Subject::Rule(rule) => {
                let store = RedisStore::new(connection.clone()).with_timeout(Duration::from_secs(20));
                let reply = store.run(&rule.take(key, 1, Time::Server)).await.expect("a decision");
                rule.answer(1, &reply).expect("an answer").is_granted()
            }
            Subject::Naive(script, limit) => {
                let mut call = script.key(key);
                let (granted, _): (i64, String) =
                    call.arg(*limit).arg(3_600).arg(26).invoke_async(connection).await.expect("a decision");
                granted == 1
            }
            Subject::Incr => {
                let mut pipeline = redis::pipe();
                pipeline.incr(key, 1).expire(key, 60).ignore();
                let (count,): (u64,) = pipeline.query_async(connection).await.expect("a count");
                count <= 50
            }
            Subject::Ping => {
                let pong: String = redis::cmd("PING").query_async(connection).await.expect("a reply");
                pong == "PONG"
            }
        }
    }
}

/// The CPU seconds that the server has used.
fn used(server: &Server) -> f64 {
    let info = server.command(&["INFO", "cpu"]);
    let seconds = |field: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|text| text.trim().parse::<f64>().ok()).expect("seconds")
    };
    seconds("used_cpu_sys") + seconds("used_cpu_user")
}

struct Row {
    decisions: u64,
    granted: u64,
    seconds: f64,
    cpu: f64,
}

async fn measure(server: &Server, subject: &Subject, connections: usize) -> Row {
    let mut callers = Vec::new();
    for number in 0..connections {
        let mut connection = connection(&server.url()).await;
        subject.once(&mut connection, "warm").await;
        callers.push((number, connection));
    }
    let before = used(server);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for (number, connection) in callers {
        for _ in 0..IN_FLIGHT {
            let (subject, mut connection, key) =
                (subject.clone(), connection.clone(), format!("key {number}"));
            tasks.spawn(async move {
                let (mut decisions, mut granted) = (0_u64, 0_u64);
                while start.elapsed() < MEASURED {
                    granted += u64::from(subject.once(&mut connection, &key).await);
                    decisions += 1;
                }
                (decisions, granted)
            });
        }
    }
    let (mut decisions, mut granted) = (0, 0);
    while let Some(counts) = tasks.join_next().await {
        let counts = counts.expect("a caller");
        (decisions, granted) = (decisions + counts.0, granted + counts.1);
    }
    let seconds = start.elapsed().as_secs_f64();
    Row { decisions, granted, seconds, cpu: used(server) - before }
}

/// The requests of one connection for 1,000 decisions, a request at a time.
async fn round_trips(server: &Server, rule: &Rule) -> f64 {
    /// Counts what is sent.
    struct Counting(RedisStore<MultiplexedConnection>, std::sync::atomic::AtomicU32);

    impl Store for Counting {
        async fn eval_sha(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.0.eval_sha(call).await
        }

        async fn eval(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.0.eval(call).await
        }
    }

    let connection = connection(&server.url()).await;
    let store = Counting(RedisStore::new(connection).with_timeout(Duration::from_secs(20)), 0.into());
    for _ in 0..1_000 {
        store.run(&rule.take("trips", 1, Time::Server)).await.expect("a decision");
    }
    f64::from(store.1.into_inner()) / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "figures to show")]
#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let kinds = kinds();
    let wanted = if std::env::args().any(|arg| arg == "--valkey") { Kind::Valkey } else { Kind::Redis };
    let Some(&kind) = kinds.iter().find(|kind| **kind == wanted).or(kinds.first()) else { return };
    let policy = Policy::MICROSOFT_365_DEFENDER;
    // The same rate for both, which hardly anybody reaches: rings of different sizes.
    let log = |limit: u32| {
        let window = Duration::from_micros(20) * limit;
        Rule::exact(Policy::new(&[Quota::new(limit, window)]).expect("a policy")).expect("a rule")
    };
    let rule = |rule| Subject::Rule(Box::new(rule));
    let naive = |limit| Subject::Naive(redis::Script::new(NAIVE), limit);
    let strict = Rule::strict(policy).expect("a rule");
    let fast = Rule::strict(Policy::new(&[Quota::per_second(1_000_000)]).expect("a policy")).expect("a rule");
    let subjects = [
        ("PING, no decision", Subject::Ping),
        ("INCR + EXPIRE, one window", Subject::Incr),
        ("naive GCRA script, 1500/h", naive(1_500)),
        ("strict, 50/min and 1500/h", rule(strict.clone())),
        ("exact, 50/min and 1500/h", rule(Rule::exact(policy).expect("a rule"))),
        ("naive GCRA script, 1,000,000/s", naive(3_600_000_000)),
        ("strict, 1,000,000/s", rule(fast)),
        ("exact, 50 in 1 ms", rule(log(50))),
        ("exact, 10,000 in 200 ms", rule(log(10_000))),
    ];
    let trips = round_trips(&Server::start(kind), &strict).await;
    println!("{kind:?}; round trips per decision: {trips:.3}\n");
    println!(
        "{:<31}{:>12}{:>12}{:>12}{:>14}{:>9}",
        "", "1 conn.", "8 conn.", "64 conn.", "server CPU", "granted"
    );
    for (name, subject) in subjects {
        let mut line = format!("{name:<31}");
        let (mut cpu, mut granted) = (0.0, 0.0);
        for connections in [1, 8, 64] {
            let server = Server::start(kind);
            let row = measure(&server, &subject, connections).await;
            let _ = write!(line, "{:>10.0}/s", row.decisions as f64 / row.seconds);
            cpu = row.cpu * 1e6 / row.decisions as f64;
            granted = 100.0 * row.granted as f64 / row.decisions as f64;
        }
        println!("{line}{cpu:>11.2} us{granted:>8.1}%");
    }
}
