//! Three processes share one limit. One of them is killed, and so is the store. Every grant is logged with its instant, and at the end
//! the grants of all are counted together.
//!
//! `cargo run --release -p tollgate-redis --example three_processes` needs a `redis-server` on the PATH, and takes 14 seconds.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant, SystemTime};

use tollgate::Policy;
use tollgate_redis::{LeasedLimiter, Leases, RedisStore, WhenAway};

const POLICY: &str = "40/1s, 250/10s";
const NODES: u32 = 3;

type Anything = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let done = match args.as_slice() {
        [port] => node(port),
        _ => everything(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// One of the processes. It writes a line for every grant, and one for every second.
#[tokio::main(flavor = "current_thread")]
async fn node(port: &str) -> Result<ExitCode, Anything> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/"))?;
    let store = RedisStore::new(client.get_connection_manager().await?);
    // The guard covers the time from a grant to its line in the log.
    let policy = POLICY.parse::<Policy>()?.with_guard(Duration::from_millis(20))?;
    let leases =
        Leases::new(policy, WhenAway::Refuse)?.with_life(Duration::from_millis(200))?.with_burst(8)?;
    let limiter = LeasedLimiter::new(store, "three processes", leases)?;
    let mut log = io::stdout();
    for call in 1.. {
        if limiter.try_acquire().is_ok() {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
            writeln!(log, "granted {}", now.as_micros())?;
        }
        if call % 500 == 0 {
            let counts = limiter.counts();
            writeln!(
                log,
                "made {call} calls and {} requests, {} of them failed",
                counts.requests, counts.failures
            )?;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Kills what it started when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn everything() -> Result<ExitCode, Anything> {
    let Some(binary) = server_binary() else {
        println!("SKIPPED: no redis-server is on the PATH; apt-get install redis-server brings one");
        return Ok(ExitCode::SUCCESS);
    };
    // Below the ports that connections get: it is free again when the store restarts.
    let first = 12_000 + u16::try_from(std::process::id() % 10_000)?;
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let port = (first..32_000).find(is_free).ok_or("no port is free")?;
    let folder = env::temp_dir().join(format!("tollgate-three-processes-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let start = Instant::now();
    let say = |text: &str| println!("{:5.1} s  {text}", start.elapsed().as_secs_f64());

    let (sender, lines) = channel();
    let mut store = start_store(&binary, port, &folder)?;
    say("the store is up");
    let mut nodes = Vec::new();
    for number in 1..=NODES {
        nodes.push(start_node(number, port, &sender)?);
    }
    say("three nodes make 500 calls a second each");
    sleep(Duration::from_secs(3));
    drop(nodes.remove(1));
    say("node 2 was killed, in the middle of a lease");
    sleep(Duration::from_secs(2));
    drop(store);
    say("the store was killed");
    sleep(Duration::from_secs(2));
    store = start_store(&binary, port, &folder)?;
    say("the store is up again, with what it had written to its log");
    sleep(Duration::from_secs(2));
    nodes.push(start_node(2, port, &sender)?);
    say("node 2 was started again");
    sleep(Duration::from_secs(4));
    drop(nodes);
    drop(store);
    drop(sender);
    _ = std::fs::remove_dir_all(&folder);
    say("the end");
    judge(lines.into_iter())
}

fn server_binary() -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join("redis-server"))
        .find(|file| file.is_file())
}

/// A store that forgets nothing that it has answered: it writes its log to disk first.
fn start_store(binary: &PathBuf, port: u16, folder: &PathBuf) -> io::Result<Running> {
    let store = Command::new(binary)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"])
        .args(["--appendonly", "yes", "--appendfsync", "always"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .map(Running)?;
    for _ in 0..1_000 {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            break;
        }
        sleep(Duration::from_millis(5));
    }
    Ok(store)
}

fn start_node(number: u32, port: u16, lines: &Sender<(u32, String)>) -> io::Result<Running> {
    let mut node = Command::new(env::current_exe()?).arg(port.to_string()).stdout(Stdio::piped()).spawn()?;
    let (lines, log) = (lines.clone(), node.stdout.take());
    thread::spawn(move || {
        for line in log.into_iter().flat_map(|log| BufReader::new(log).lines()).map_while(Result::ok) {
            _ = lines.send((number, line));
        }
    });
    Ok(Running(node))
}

/// Counts the grants of all nodes in every window. It knows nothing of limiters.
fn judge(lines: impl Iterator<Item = (u32, String)>) -> Result<ExitCode, Anything> {
    let mut grants = Vec::new();
    let mut by_node = [0; NODES as usize];
    let mut made = BTreeMap::new();
    for (node, line) in lines {
        match line.strip_prefix("granted ") {
            Some(instant) => {
                grants.push(instant.parse::<u64>()?);
                by_node[node as usize - 1] += 1;
            }
            None => _ = made.insert(node, line),
        }
    }
    for (node, line) in made {
        println!("node {node} {line}");
    }
    grants.sort_unstable();
    println!("{} grants: {by_node:?} by node", grants.len());
    let mut code = ExitCode::SUCCESS;
    for (limit, seconds) in [(40, 1), (250, 10)] {
        let in_window =
            |&from: &u64| grants.iter().filter(|&&at| at >= from && at - from < seconds * 1_000_000).count();
        let most = grants.iter().map(in_window).max().unwrap_or(0);
        let verdict = if most <= limit { "kept" } else { "EXCEEDED" };
        println!("at most {limit} in {seconds} s: {verdict}, the fullest window has {most}");
        if most > limit || most == 0 {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
