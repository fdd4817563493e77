//! What a page of another origin can see, and what asking for leave costs.

use axum::Router;
use http::HeaderValue;
use tollgate::http::{EXPOSED_HEADERS, EXPOSED_HEADERS_VALUE};
use tollgate::tower::server::RateLimitLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::support::{Answer, Server, exact, hello};

const PREFLIGHT: [(&str, &str); 2] =
    [("origin", "https://page.example"), ("access-control-request-method", "GET")];

fn cors() -> CorsLayer {
    let origin = "https://page.example".parse::<HeaderValue>().unwrap();
    CorsLayer::new().allow_origin(origin).allow_methods(Any).expose_headers(EXPOSED_HEADERS.clone())
}

/// What a page may read of a field, as a browser decides it.
fn readable<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let allowed = answer.field("access-control-allow-origin") == Some("https://page.example");
    let mut exposed = answer.field("access-control-expose-headers").unwrap_or("").split(',');
    answer.field(name).filter(|_| allowed && exposed.any(|exposed| exposed.trim() == name))
}

fn page(server: &Server) -> Answer {
    server.get(&[("origin", "https://page.example")])
}

#[test]
fn outside_of_the_limit_cors_lets_a_page_read_everything() {
    let (limiter, _) = exact("1/10s");
    let server = Server::start(hello().layer(RateLimitLayer::new(limiter)).layer(cors()));
    let granted = page(&server);
    assert_eq!((granted.status(), readable(&granted, "ratelimit")), (200, Some("\"1/10s\";r=0;t=10")));
    let refused = page(&server);
    assert_eq!((refused.status(), readable(&refused, "retry-after")), (429, Some("10")));
    assert_eq!(readable(&refused, "ratelimit"), Some("\"1/10s\";r=0;t=10"));
    assert_eq!(readable(&refused, "ratelimit-policy"), Some("\"1/10s\";q=1;w=10"));
    let exposed = refused.field("access-control-expose-headers").unwrap_or("");
    assert_eq!(exposed.replace(',', ", "), EXPOSED_HEADERS_VALUE);
}

/// That is why the docs say: CORS goes outside.
#[test]
fn inside_of_the_limit_cors_does_not_see_refusals() {
    let (limiter, _) = exact("1/10s");
    let server = Server::start(hello().layer(cors()).layer(RateLimitLayer::new(limiter)));
    let granted = page(&server);
    assert_eq!((granted.status(), readable(&granted, "ratelimit")), (200, Some("\"1/10s\";r=0;t=10")));
    let refused = page(&server);
    assert_eq!((refused.status(), refused.field("access-control-allow-origin")), (429, None));
}

#[test]
fn preflights_are_not_charged() {
    let charged_first = |app: fn(Router, RateLimitLayer<_>) -> Router, skips: bool| {
        let (limiter, _) = exact("1/10s");
        let layer = RateLimitLayer::new(limiter.clone());
        let layer = if skips { layer } else { layer.skip(|_| false) };
        let server = Server::start(app(hello(), layer));
        for _ in 0..3 {
            let answer = server.send("OPTIONS", "/", &PREFLIGHT);
            if skips {
                assert_eq!((answer.status(), answer.field("ratelimit")), (200, None));
            }
        }
        limiter.status().remaining()
    };
    assert_eq!(charged_first(|app, layer| app.layer(layer).layer(cors()), true), 1);
    assert_eq!(charged_first(|app, layer| app.layer(cors()).layer(layer), true), 1);
    assert_eq!(charged_first(Router::layer, true), 1);
    // CORS outside answers them itself. Inside, they are charged if the user wants it.
    assert_eq!(charged_first(|app, layer| app.layer(layer).layer(cors()), false), 1);
    assert_eq!(charged_first(|app, layer| app.layer(cors()).layer(layer), false), 0);
}

#[test]
fn what_only_resembles_a_preflight_is_charged() {
    let (limiter, _) = exact("3/10s");
    let server = Server::start(hello().layer(RateLimitLayer::new(limiter)));
    assert_eq!(server.send("OPTIONS", "/", &[]).status(), 200);
    assert_eq!(server.send("OPTIONS", "/", &PREFLIGHT[..1]).status(), 200);
    assert_eq!(server.send("GET", "/", &PREFLIGHT).status(), 200);
    assert_eq!(server.send("OPTIONS", "/", &PREFLIGHT[1..]).status(), 429);
}
