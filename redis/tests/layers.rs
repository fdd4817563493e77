//! A server of axum shares its limit with others by one changed line: over sockets, on real servers.

#![cfg(feature = "tower")]

mod servers;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use servers::{Server, kinds};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tollgate::tower::server::{Answer, Limiter, RateLimitLayer};
use tollgate::{Plan, Policy, RateLimiter, TokenBucket};
use tollgate_redis::tower::Plans;
use tollgate_redis::{LeasedLimiter, Leases, RedisLimiter, RedisStore, Rule, WhenAway};

type Fields = BTreeMap<String, String>;

/// The status and the fields of the response to a request on a connection of its own.
async fn call(port: u16, key: Option<&str>) -> (u16, Fields) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let key = key.map_or(String::new(), |key| format!("x-api-key: {key}\r\n"));
    let request = format!("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{key}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let head = response.split("\r\n\r\n").next().unwrap();
    let (first, fields) = head.split_once("\r\n").unwrap();
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    let fields = fields.lines().map(|line| line.split_once(": ").unwrap());
    (status, fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect())
}

async fn serve(app: Router) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

/// The server of a user. Only its limiter differs.
async fn keyed<D>(limiter: impl Limiter<String, Deciding = D> + Clone + 'static) -> u16
where
    D: Future<Output = Answer> + Send + 'static,
{
    let key = |parts: &Parts| Some(parts.headers.get("x-api-key")?.to_str().ok()?.to_owned());
    serve(Router::new().route("/", get(|| async { "Hello!" })).layer(RateLimitLayer::keyed(limiter, key)))
        .await
}

async fn for_all<D>(limiter: impl Limiter<(), Deciding = D> + Clone + 'static) -> u16
where
    D: Future<Output = Answer> + Send + 'static,
{
    serve(Router::new().route("/", get(|| async { "Hello!" })).layer(RateLimitLayer::new(limiter))).await
}

async fn store(server: &Server) -> RedisStore<redis::aio::ConnectionManager> {
    let client = redis::Client::open(server.url()).unwrap();
    RedisStore::new(client.get_connection_manager().await.unwrap()).with_timeout(Duration::from_secs(5))
}

/// Five an hour, and five at once.
fn policy() -> Policy {
    "5/1h".parse().unwrap()
}

fn plan() -> Plan {
    Plan::with_burst(policy(), 5).unwrap()
}

/// Seven calls, and what was told by the first, the fifth and the last of them.
async fn seven(ports: &[u16], key: Option<&str>) -> ([u16; 7], [Fields; 3]) {
    let (mut statuses, mut told) = ([0; 7], Vec::new());
    for (i, status) in statuses.iter_mut().enumerate() {
        let (answered, fields) = call(ports[i % ports.len()], key).await;
        *status = answered;
        told.extend(matches!(i, 0 | 4 | 6).then_some(fields));
    }
    (statuses, told.try_into().unwrap())
}

/// The fields that tell of limits, without those that tell the time.
fn of_limits(fields: &Fields) -> Vec<(&str, &str)> {
    let told = fields.iter().filter(|(name, _)| name.contains("ratelimit") || *name == "retry-after");
    told.map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn a_limit_for_each_key_by_one_changed_line() {
    for kind in kinds() {
        let server = Server::start(kind);
        let limiter = || async { RedisLimiter::new(store(&server).await, Rule::planned(plan()).unwrap()) };
        // Two servers share the limit of each key.
        let ports = [keyed(limiter().await).await, keyed(limiter().await).await];
        for key in [Some("anna"), Some("berta"), None] {
            let (statuses, [first, fifth, last]) = seven(&ports, key).await;
            assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429], "{key:?}");
            let policy = ("ratelimit-policy", r#""5/1h";q=5;w=3600, "pace";q=5;w=18000"#);
            assert_eq!(of_limits(&first), [("ratelimit", r#""pace";r=4;t=14400"#), policy]);
            assert_eq!(of_limits(&fifth), [("ratelimit", r#""pace";r=0;t=3600"#), policy]);
            assert_eq!(
                of_limits(&last),
                [("ratelimit", r#""pace";r=0;t=3600"#), policy, ("retry-after", "3600")]
            );
        }
    }
}

#[tokio::test]
async fn callers_with_different_plans_share_a_store() {
    for kind in kinds() {
        let server = Server::start(kind);
        let rule = |burst| Rule::planned(Plan::with_burst(policy(), burst).unwrap()).unwrap();
        let limiter = RedisLimiter::new(store(&server).await, rule(2));
        let plans = Plans::new(limiter, vec![rule(5)], |key: &String| match key.as_str() {
            "berta" => 1,
            "carla" => 7, // There is no such plan.
            _ => 0,
        });
        let ports = [keyed(plans.clone()).await, keyed(plans).await];
        for key in [Some("anna"), Some("carla"), None] {
            let (statuses, [first, ..]) = seven(&ports, key).await;
            assert_eq!(statuses, [200, 200, 429, 429, 429, 429, 429], "{key:?}");
            assert!(first["ratelimit-policy"].contains(r#""pace";q=2;"#));
        }
        let (statuses, [first, ..]) = seven(&ports, Some("berta")).await;
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
        assert!(first["ratelimit-policy"].contains(r#""pace";q=5;"#));
    }
}

#[tokio::test]
async fn one_limit_for_all_by_one_changed_line() {
    for kind in kinds() {
        let server = Server::start(kind);
        let leases = Leases::new(policy(), WhenAway::Refuse).unwrap().with_burst(5).unwrap();
        let limiter = || async { LeasedLimiter::new(store(&server).await, "all", leases).unwrap() };
        let ports = [for_all(limiter().await).await, for_all(limiter().await).await];
        let (statuses, [first, _, last]) = seven(&ports, None).await;
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
        // A server of one process tells the same.
        let bucket = TokenBucket::with_burst(*leases.plan().policy(), 5).unwrap();
        let here = for_all(RateLimiter::new(bucket, tollgate::DefaultClock::new())).await;
        let (statuses, here) = seven(&[here], None).await;
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
        assert_eq!(of_limits(&first), of_limits(&here[0]));
        assert_eq!(of_limits(&last), of_limits(&here[2]));
        assert_eq!(last["retry-after"], "3601");
    }
}

#[tokio::test]
async fn without_the_store_there_is_no_decision() {
    for kind in kinds() {
        let mut server = Server::start(kind);
        let limiter = RedisLimiter::new(
            store(&server).await.with_timeout(Duration::from_millis(50)),
            Rule::planned(plan()).unwrap(),
        );
        let leases = Leases::new(policy(), WhenAway::Refuse).unwrap().with_burst(5).unwrap();
        let shared = LeasedLimiter::new(store(&server).await, "all", leases).unwrap();
        let ports = [keyed(limiter).await, for_all(shared).await];
        for port in ports {
            assert_eq!(call(port, Some("anna")).await.0, 200);
        }
        server.kill();
        for port in ports {
            assert_eq!(call(port, Some("anna")).await.0, 503);
        }
    }
}
