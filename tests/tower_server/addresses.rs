//! Whose request is it? Peers, proxies that are trusted, and clients that lie.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderName, Request};
use proptest::prelude::*;
use tollgate::keyed::{KeyedLimiter, Prefix};
use tollgate::tower::server::{ClientAddr, RateLimitLayer, WithoutKey};

use crate::support::{Server, hello};

fn request(fields: &[(&str, &str)]) -> Parts {
    let request =
        fields.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
    request.body(()).expect("a request").into_parts().0
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// What is read from one value of the header, with so many proxies.
fn x_forwarded_for(value: &str, proxies: usize) -> Option<String> {
    let found = ClientAddr::x_forwarded_for(proxies).of(&request(&[("x-forwarded-for", value)]));
    found.map(|address| address.to_string())
}

fn forwarded(value: &str, proxies: usize) -> Option<String> {
    let found = ClientAddr::forwarded(proxies).of(&request(&[("forwarded", value)]));
    found.map(|address| address.to_string())
}

#[test]
fn entries_are_counted_from_the_right() {
    let (spoofed, client, outer) = ("203.0.113.66", "198.51.100.5", "192.0.2.10");
    let list = format!("{spoofed}, {client},{outer}");
    for (proxies, expected) in [(0, None), (1, Some(outer)), (2, Some(client)), (4, None), (usize::MAX, None)]
    {
        assert_eq!(x_forwarded_for(&list, proxies).as_deref(), expected, "{proxies} proxies");
    }
    // However many entries a client adds, they stand left of the one that counts.
    let long = format!("{}{client}, {outer}", "203.0.113.66, ".repeat(500));
    assert_eq!(x_forwarded_for(&long, 2).as_deref(), Some(client));
}

#[test]
fn a_header_may_stand_in_several_places() {
    let several = [("x-forwarded-for", "203.0.113.66, 198.51.100.5"), ("x-forwarded-for", "192.0.2.10")];
    let of = |proxies| ClientAddr::x_forwarded_for(proxies).of(&request(&several));
    assert_eq!((of(1), of(2)), (Some(ip("192.0.2.10")), Some(ip("198.51.100.5"))));
    assert_eq!(of(4), None);
}

#[test]
fn each_form_of_an_address() {
    for (text, expected) in [
        ("192.0.2.1", Some("192.0.2.1")),
        (" \t192.0.2.1 ", Some("192.0.2.1")),
        ("192.0.2.1:4711", Some("192.0.2.1")),
        ("192.0.2.1:_hidden", Some("192.0.2.1")),
        ("2001:db8:1:2:3::1", Some("2001:db8:1:2::")),
        ("[2001:db8:1:2:3::1]", Some("2001:db8:1:2::")),
        ("[2001:db8:1:2:3::1]:4711", Some("2001:db8:1:2::")),
        ("::ffff:192.0.2.1", Some("192.0.2.1")),
        ("::ffff:c000:201", Some("192.0.2.1")),
        ("[::ffff:192.0.2.1]:80", Some("192.0.2.1")),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        (",", None),
        ("192.0.2", None),
        ("192.0.2.256", None),
        ("192.0.2.1.", None),
        ("0300.0.2.1", None),
        ("[2001:db8::1", None),
        ("[2001:db8::1]x", None),
        ("[192.0.2.1]", None),
        ("fe80::1%eth0", None),
        ("example.com", None),
        ("example.com:80", None),
        ("192.0.2.1 192.0.2.2", None),
    ] {
        assert_eq!(x_forwarded_for(text, 1).as_deref(), expected, "{text:?}");
    }
}

#[test]
fn bytes_that_are_no_text_are_no_address() {
    let mut parts = request(&[]);
    let value = http::HeaderValue::from_bytes(b"\xff\xfe, 192.0.2.1").unwrap();
    parts.headers.insert("x-forwarded-for", value);
    assert_eq!(ClientAddr::x_forwarded_for(1).of(&parts), Some(ip("192.0.2.1")));
    assert_eq!(ClientAddr::x_forwarded_for(2).of(&parts), None);
}

#[test]
fn empty_entries_do_not_count() {
    assert_eq!(
        x_forwarded_for("203.0.113.66, 198.51.100.5, , 192.0.2.10 ,", 2).as_deref(),
        Some("198.51.100.5")
    );
}

#[test]
fn the_forwarded_header() {
    for (text, expected) in [
        ("for=192.0.2.1", Some("192.0.2.1")),
        ("For=192.0.2.1", Some("192.0.2.1")),
        ("by=203.0.113.43;FOR=\"192.0.2.1:4711\";proto=https", Some("192.0.2.1")),
        ("for=\"[2001:db8:cafe::17]:4711\"", Some("2001:db8:cafe::")),
        ("for=203.0.113.66, for=192.0.2.1;by=10.0.0.1", Some("192.0.2.1")),
        // RFC 7239, section 4: a pair may be missing.
        ("for=192.0.2.1;", Some("192.0.2.1")),
        (";for=192.0.2.1;;proto=https", Some("192.0.2.1")),
        (";", None),
        ("for=unknown", None),
        ("for=_SEVKISEK", None),
        ("by=192.0.2.1", None),
        ("192.0.2.1", None),
        ("for=192.0.2.1;for=192.0.2.2", None),
        ("for", None),
        ("for=", None),
        ("for=\"192.0.2.1", None),
    ] {
        assert_eq!(forwarded(text, 1).as_deref(), expected, "{text:?}");
    }
}

/// A proxy copies what the client chose, such as its `Host`, into its own entry. A comma in it must not make an entry.
#[test]
fn a_quoted_text_of_the_client_is_no_entry() {
    for text in [
        "for=192.0.2.1;host=\"a,for=203.0.113.66\"",
        "for=192.0.2.1;host=\"a,for=203.0.113.66;b=c\"",
        r#"for=192.0.2.1;host="a\",for=203.0.113.66;x=\"b""#,
        r#"for=192.0.2.1;host="a\\,for=203.0.113.66""#,
    ] {
        for proxies in 1..=3 {
            let found = forwarded(text, proxies);
            assert_ne!(found.as_deref(), Some("203.0.113.66"), "{text:?}, {proxies} proxies");
        }
    }
    // Text that was not closed stands left of what a proxy adds.
    assert_eq!(forwarded("for=\"203.0.113.66, for=192.0.2.1", 1).as_deref(), Some("192.0.2.1"));
}

#[test]
fn only_the_header_that_was_named_is_read() {
    let both = request(&[
        ("x-forwarded-for", "192.0.2.1"),
        ("forwarded", "for=192.0.2.2"),
        ("x-real-ip", "192.0.2.3"),
    ]);
    let named = HeaderName::from_static("x-real-ip");
    assert_eq!(ClientAddr::x_forwarded_for(1).of(&both), Some(ip("192.0.2.1")));
    assert_eq!(ClientAddr::forwarded(1).of(&both), Some(ip("192.0.2.2")));
    assert_eq!(ClientAddr::from_header(named, 1).of(&both), Some(ip("192.0.2.3")));
    assert_eq!(ClientAddr::from_extension(|peer: &SocketAddr| *peer).of(&both), None);
}

#[test]
fn prefixes() {
    let of = |prefix, text| {
        ClientAddr::x_forwarded_for(1).with_prefix(prefix).of(&request(&[("x-forwarded-for", text)]))
    };
    assert_eq!(of(Prefix::new(24, 48), "192.0.2.77"), Some(ip("192.0.2.0")));
    assert_eq!(of(Prefix::new(24, 48), "2001:db8:1:2::3"), Some(ip("2001:db8:1::")));
}

proptest! {
    /// Whatever stands left of the entry that counts changes nothing.
    #[test]
    fn what_a_client_writes_changes_nothing(client in "[ -~]{0,40}", proxies in 1_usize..4) {
        let trusted = ["198.51.100.5", "192.0.2.10", "192.0.2.11"];
        let added = trusted[..proxies].join(", ");
        prop_assert_eq!(x_forwarded_for(&format!("{client}, {added}"), proxies), Some("198.51.100.5".into()));
        let added: Vec<_> = trusted[..proxies].iter().map(|address| format!("for={address}")).collect();
        let value = format!("{client}, {}", added.join(", "));
        prop_assert_eq!(forwarded(&value, proxies), Some("198.51.100.5".into()));
    }

    /// All of a /64 is one caller, in each of the ways to write it.
    #[test]
    fn rotation_within_a_prefix_changes_nothing(network: u64, hosts: [u64; 2]) {
        prop_assume!(network != 0); // where mapped addresses are
        let key = |host: u64| {
            let address = std::net::Ipv6Addr::from((u128::from(network) << 64) | u128::from(host));
            let forms = [format!("{address}"), format!("[{address}]"), format!("[{address}]:443")];
            let keys = forms.map(|form| x_forwarded_for(&form, 1));
            assert!(keys.iter().all(|key| *key == keys[0]));
            keys[0].clone().expect("an address")
        };
        prop_assert_eq!(key(hosts[0]), key(hosts[1]));
    }

    #[test]
    fn a_mapped_address_is_the_address(address: std::net::Ipv4Addr) {
        let mapped = address.to_ipv6_mapped();
        let [a, b, c, d, e, f, g, h] = mapped.segments();
        let hex = format!("{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{f:x}:{g:x}:{h:x}");
        for form in [mapped.to_string(), hex, format!("[{mapped}]:1")] {
            prop_assert_eq!(x_forwarded_for(&form, 1), Some(address.to_string()));
        }
    }

    #[test]
    fn nothing_panics(value: Vec<u8>, proxies in 0_usize..5) {
        if let Ok(value) = http::HeaderValue::from_bytes(&value) {
            let mut parts = request(&[]);
            parts.headers.insert("x-forwarded-for", value.clone());
            parts.headers.insert("forwarded", value);
            let _ = ClientAddr::x_forwarded_for(proxies).of(&parts);
            let _ = ClientAddr::forwarded(proxies).of(&parts);
        }
    }
}

fn keyed(policy: &str) -> KeyedLimiter {
    KeyedLimiter::strict(policy.parse().unwrap(), 1_000).unwrap()
}

fn by_peer() -> RateLimitLayer<KeyedLimiter, IpAddr> {
    let address = ClientAddr::from_extension(|peer: &ConnectInfo<SocketAddr>| peer.0);
    RateLimitLayer::keyed(keyed("2/1h, 1000/1d"), move |request| address.of(request))
}

#[test]
fn the_peer_is_the_key_and_forwarded_headers_are_ignored() {
    let server = Server::start(hello().layer(by_peer()));
    let statuses: Vec<_> = (0..4)
        .map(|i| {
            server.status(&[
                ("x-forwarded-for", &format!("203.0.113.{i}")),
                ("forwarded", &format!("for=203.0.113.{i}")),
            ])
        })
        .collect();
    assert_eq!(statuses, [200, 429, 429, 429]);
}

/// Without `into_make_service_with_connect_info`, no request has an address. That is no error: they share one bucket.
#[test]
fn no_connect_info_is_no_500() {
    let server = Server::start_without_peers(hello().layer(by_peer()));
    assert_eq!([(); 3].map(|()| server.status(&[])), [200, 429, 429]);

    let server = Server::start_without_peers(hello().layer(by_peer().without_key(WithoutKey::Allow)));
    assert_eq!([(); 3].map(|()| server.status(&[])), [200, 200, 200]);

    let refuse = WithoutKey::Refuse(http::StatusCode::FORBIDDEN);
    let server = Server::start_without_peers(hello().layer(by_peer().without_key(refuse)));
    let answer = server.get(&[]);
    assert_eq!((answer.status(), answer.field("cache-control")), (403, Some("no-store")));
    assert_eq!(answer.field("content-type"), Some("application/problem+json"));
    assert_eq!(answer.body(), r#"{"type":"about:blank","title":"Forbidden","status":403}"#);
}

#[test]
fn behind_a_proxy_each_client_has_a_limit() {
    let address = ClientAddr::x_forwarded_for(1);
    let layer = RateLimitLayer::keyed(keyed("1/1h"), move |request| address.of(request));
    let server = Server::start(hello().layer(layer));
    let from = |addresses: &str| server.status(&[("x-forwarded-for", addresses)]);
    assert_eq!(from("192.0.2.1"), 200);
    assert_eq!(from("192.0.2.2"), 200);
    assert_eq!(from("203.0.113.1, 192.0.2.1"), 429);
    assert_eq!(from("203.0.113.2, ::ffff:192.0.2.1"), 429);
    assert_eq!(from("2001:db8::1"), 200);
    assert_eq!(from("2001:db8::2"), 429);
    assert_eq!(from("[2001:db8:0:0:ffff::3]:80"), 429);
    assert_eq!(from("2001:db8:0:1::1"), 200);
    // Those without an address share one bucket.
    assert_eq!((from("unknown"), server.status(&[])), (200, 429));
}
