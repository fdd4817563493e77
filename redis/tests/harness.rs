//! The servers of the other tests: they start, answer, restart, and never outlive who started them.

mod servers;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use servers::{Kind, Server, kinds};

/// Set for the process that a test starts and kills.
const ROLE: &str = "TOLLGATE_HARNESS_ROLE";

fn runs(pid: u32) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

fn is_gone_soon(pid: u32) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while runs(pid) && Instant::now() < until {
        sleep(Duration::from_millis(10));
    }
    !runs(pid)
}

#[test]
fn a_server_answers_and_ends_with_its_guard() {
    for kind in kinds() {
        let mut server = Server::start(kind);
        let name = server.command(&["INFO", "server"]);
        assert_eq!(name.contains("valkey_version:"), kind == Kind::Valkey, "{name}");
        assert_eq!(server.command(&["SET", "key", "value"]), "OK");
        assert_eq!(server.command(&["GET", "key"]), "value");
        assert_eq!(server.command(&["LPUSH", "key", "value"]).split(' ').next(), Some("-WRONGTYPE"));
        let (pid, port) = (server.pid(), server.port());
        server.restart();
        assert_eq!((server.command(&["GET", "key"]).as_str(), server.port()), ("nil", port));
        assert!(!runs(pid));
        let (pid, folder) = (server.pid(), server.folder().to_owned());
        drop(server);
        assert!(!runs(pid) && !folder.exists());
    }
}

#[test]
fn a_server_with_persistence_keeps_its_keys() {
    for kind in kinds() {
        // So slow in reading its keys that it replies to many commands before it has read them.
        let slow = ["--appendonly", "yes", "--appendfsync", "always", "--key-load-delay", "200"];
        let mut server = Server::start_with(kind, &slow);
        let many = "for i = 1, 4000 do redis.call('SET', 'key ' .. i, i) end";
        assert_eq!(server.command(&["EVAL", many, "0"]), "nil");
        server.kill();
        server.restart();
        assert_eq!(server.command(&["GET", "key 4000"]), "4000");
    }
}

/// Not a test of its own: it is the process that the next test kills.
#[test]
fn starts_a_server_and_waits() {
    if std::env::var_os(ROLE).is_some() {
        let kind = kinds()[0];
        let server = Server::start(kind);
        println!("\nserver {}", server.pid());
        sleep(Duration::from_secs(60));
    }
}

#[test]
fn a_server_ends_when_its_test_is_killed() {
    if kinds().is_empty() {
        return;
    }
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "starts_a_server_and_waits", "--nocapture"])
        .env(ROLE, "killed")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(test.stdout.take().unwrap()).lines();
    let pid =
        lines.map_while(Result::ok).find_map(|line| line.strip_prefix("server ")?.parse().ok()).unwrap();
    assert!(runs(pid));
    test.kill().unwrap();
    test.wait().unwrap();
    assert!(is_gone_soon(pid), "the server {pid} outlives its test");
}
