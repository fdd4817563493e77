//! Real processes lease permits from a real server, and are killed by SIGKILL in the middle of a lease, or stopped by SIGSTOP and
//! continued later, again and again. The grants of all of them together never exceed the limit in any window.

mod servers;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use servers::{Server, kinds};
use tollgate::Policy;
use tollgate_redis::{LeasedLimiter, Leases, RedisStore, WhenAway};

/// Set for the processes that the test starts: the server's address, and the file in which they log.
const URL: &str = "TOLLGATE_LEASES_URL";
const LOG: &str = "TOLLGATE_LEASES_LOG";

const POLICY: &str = "60/1s, 200/4s";

/// Not a test of its own: it is what the processes do.
#[tokio::test]
async fn leases_permits_until_it_is_killed() {
    let (Ok(url), Ok(log)) = (std::env::var(URL), std::env::var(LOG)) else { return };
    let mut log: File = OpenOptions::new().append(true).create(true).open(log).unwrap();
    let client = redis::Client::open(url).unwrap();
    let store = RedisStore::new(client.get_connection_manager().await.unwrap());
    // The guard covers the time from a grant to its line in the log, on a machine with more threads than cores.
    let policy = POLICY.parse::<Policy>().unwrap().with_guard(Duration::from_millis(100)).unwrap();
    let leases = Leases::new(policy, WhenAway::Refuse).unwrap();
    let leases = leases.with_life(Duration::from_millis(300)).unwrap().with_burst(20).unwrap();
    let limiter = LeasedLimiter::new(store, "killed", leases).unwrap();
    loop {
        let before = Instant::now();
        if limiter.try_acquire().is_ok() {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            // Whoever is not called for so long holds its permit too long, and gives it up.
            if before.elapsed() < Duration::from_millis(50) {
                writeln!(log, "{}", now.as_micros()).unwrap();
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

struct Node(Child);

impl Node {
    fn start(url: &str, log: &Path) -> Node {
        let test = std::env::current_exe().unwrap();
        let node = Command::new(test)
            .args(["--exact", "leases_permits_until_it_is_killed"])
            .env(URL, url)
            .env(LOG, log)
            .stdout(Stdio::null())
            .spawn();
        Node(node.unwrap())
    }
}

impl Node {
    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn grants(logs: &[PathBuf]) -> Vec<u64> {
    let mut grants: Vec<u64> = logs
        .iter()
        .flat_map(|log| {
            let text = fs::read_to_string(log).unwrap_or_default();
            // The last line of a process that was killed may be cut.
            let lines = text.rsplit_once('\n').map_or("", |(lines, _)| lines).to_owned();
            lines.lines().map(|line| line.parse().unwrap()).collect::<Vec<u64>>()
        })
        .collect();
    grants.sort_unstable();
    grants
}

#[test]
fn no_window_is_exceeded_by_processes_that_are_killed() {
    for kind in kinds() {
        let server = Server::start(kind);
        let mut logs: Vec<PathBuf> = Vec::new();
        let start = |logs: &mut Vec<PathBuf>| {
            let log = server.folder().join(format!("grants-{}", logs.len()));
            logs.push(log.clone());
            Node::start(&server.url(), &log)
        };
        let mut nodes: Vec<Node> = (0..4).map(|_| start(&mut logs)).collect();
        let mut rng = fastrand::Rng::with_seed(7);
        let end = Instant::now() + Duration::from_secs(9);
        let (mut killed, mut stopped) = (0, 0);
        while Instant::now() < end {
            sleep(Duration::from_millis(rng.u64(100..600)));
            let victim = rng.usize(0..nodes.len());
            if rng.bool() {
                // Around the life of a lease, so that some of them have just expired.
                nodes[victim].signal("-STOP");
                sleep(Duration::from_millis(rng.u64(100..400)));
                nodes[victim].signal("-CONT");
                stopped += 1;
                continue;
            }
            drop(nodes.swap_remove(victim));
            nodes.push(start(&mut logs));
            killed += 1;
        }
        drop(nodes);
        let grants = grants(&logs);
        println!(
            "{kind:?}: {} grants by {} processes, {killed} killed, {stopped} stopped",
            grants.len(),
            logs.len()
        );
        assert!(grants.len() > 100 && killed > 3 && stopped > 3);
        for (limit, window) in [(60, 1_000_000), (200, 4_000_000)] {
            let inside = |&from: &u64| grants.iter().filter(|&&at| at >= from && at - from < window).count();
            let most = grants.iter().map(inside).max().unwrap();
            println!("  at most {most} in {window} us");
            assert!(most <= limit, "{most} of {limit} in {window} us");
        }
    }
}
