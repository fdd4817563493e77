//! Which address does a request come from?

use alloc::sync::Arc;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::header::{FORWARDED, HeaderName};
use http::request::Parts;

use crate::keyed::Prefix;

/// The address of the client as a key: the address of the peer, or one that a trusted proxy has written.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use tollgate::tower::server::ClientAddr;
///
/// # fn parts(peer: &str, forwarded: &str) -> http::request::Parts {
/// #     let request = http::Request::builder().extension(peer.parse::<SocketAddr>().unwrap());
/// #     request.header("x-forwarded-for", forwarded).body(()).unwrap().into_parts().0
/// # }
/// // Whoever connects from 192.0.2.7 says that somebody else called.
/// let request = parts("192.0.2.7:4711", "203.0.113.66, 198.51.100.5");
///
/// let peer = ClientAddr::from_extension(|address: &SocketAddr| *address);
/// assert_eq!(peer.of(&request), Some(IpAddr::from([192, 0, 2, 7])));
///
/// // 192.0.2.7 is a proxy of ours, and has added the last address itself.
/// let behind_one = ClientAddr::x_forwarded_for(1);
/// assert_eq!(behind_one.of(&request), Some(IpAddr::from([198, 51, 100, 5])));
///
/// // Three proxies would have written three addresses. No address is told, rather than a wrong one.
/// assert_eq!(ClientAddr::x_forwarded_for(3).of(&request), None);
/// ```
///
/// With axum, [`from_extension`](ClientAddr::from_extension) takes the address from `ConnectInfo`:
///
/// ```
/// use std::net::SocketAddr;
/// use axum::extract::ConnectInfo;
/// use tollgate::tower::server::ClientAddr;
///
/// let address = ClientAddr::from_extension(|peer: &ConnectInfo<SocketAddr>| peer.0);
/// ```
///
/// # Behind proxies
///
/// A header can be written by anybody. Only the entries that your own proxies have added can be trusted, and they stand at
/// the right. So **state how many proxies of yours each request passes**. The entry of the outermost of them is the client:
/// with one proxy the last entry, with two the last but one. Whatever stands left of it is ignored.
///
/// - If the number is too small, the address is that of one of your proxies, and all clients share it.
/// - If it is too large, the client writes the address itself. Nothing can notice that.
/// - A request with fewer entries has gone around a proxy. It has no address.
/// - Name the header that your proxies write. They let the other one pass as it is.
///
/// # What becomes of an address
///
/// The key is a [prefix](ClientAddr::with_prefix) of it: all of an IPv4 address, and the first 64 bits of an IPv6 address. An
/// IPv4 address that is written as an IPv6 one is the IPv4 address. Ports are ignored. `unknown` and the hidden names of
/// `Forwarded` are no addresses.
#[derive(Clone)]
pub struct ClientAddr {
    source: Source,
    prefix: Prefix,
}

type Find = Arc<dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync>;

#[derive(Clone)]
enum Source {
    Extension(Find),
    Header { name: HeaderName, hops: usize },
}

impl ClientAddr {
    /// The address of the peer, which the server has put into the extensions of the request as a `T`.
    pub fn from_extension<T: Send + Sync + 'static, A: Address>(
        address: impl Fn(&T) -> A + Send + Sync + 'static,
    ) -> ClientAddr {
        let find = move |request: &Parts| Some(address(request.extensions.get()?).address());
        ClientAddr { source: Source::Extension(Arc::new(find)), prefix: Prefix::DEFAULT }
    }

    /// The address that the outermost of so many proxies has added to `X-Forwarded-For`. With 0 proxies there is none.
    pub fn x_forwarded_for(proxies: usize) -> ClientAddr {
        ClientAddr::from_header(HeaderName::from_static("x-forwarded-for"), proxies)
    }

    /// The address that the outermost of so many proxies has added to `Forwarded` (RFC 7239). With 0 proxies there is none.
    ///
    /// ```
    /// use tollgate::tower::server::ClientAddr;
    ///
    /// let request = http::Request::builder().header("forwarded", "for=evil, for=\"[2001:db8::1]:4711\";proto=https");
    /// let (request, ()) = request.body(())?.into_parts();
    /// let address = ClientAddr::forwarded(1).of(&request);
    /// assert_eq!(address.map(|address| address.to_string()), Some("2001:db8::".into())); // its /64
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn forwarded(proxies: usize) -> ClientAddr {
        ClientAddr::from_header(FORWARDED, proxies)
    }

    /// The address that the outermost of so many proxies has added to the header of this name, a list of addresses. One
    /// proxy that writes a single address, such as `X-Real-IP`, is a list of one.
    pub fn from_header(name: HeaderName, proxies: usize) -> ClientAddr {
        ClientAddr { source: Source::Header { name, hops: proxies }, prefix: Prefix::DEFAULT }
    }

    /// How much of the address is the key. [`Prefix::DEFAULT`] unless this is called.
    #[must_use]
    pub fn with_prefix(self, prefix: Prefix) -> ClientAddr {
        ClientAddr { prefix, ..self }
    }

    /// The key of the client, or `None` if its address cannot be known.
    pub fn of(&self, request: &Parts) -> Option<IpAddr> {
        let address = match &self.source {
            Source::Extension(find) => find(request)?,
            Source::Header { name, hops } => from_the_right(request, name, *hops)?,
        };
        Some(self.prefix.of(address))
    }
}

/// The address in the entry number `hops` from the right, counted from 1, of all headers of this name together.
fn from_the_right(request: &Parts, name: &HeaderName, hops: usize) -> Option<IpAddr> {
    let mut left = hops.checked_sub(1)?;
    for value in request.headers.get_all(name).iter().rev() {
        for entry in value.as_bytes().rsplit(|&byte| byte == b',') {
            let entry = core::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
            // RFC 9110, section 5.6.1.2: an empty element of a list does not count.
            if entry.is_empty() {
                continue;
            }
            // A comma in a quoted text has cut it in two: what looks like an entry may be a text that the client chose.
            if entry.bytes().filter(|&byte| byte == b'"').count() % 2 == 1 || entry.contains('\\') {
                return None;
            }
            if left == 0 {
                return if *name == FORWARDED { forwarded_for(entry) } else { address(entry) };
            }
            left -= 1;
        }
    }
    None
}

/// The address of the parameter `for` of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    // RFC 7239, section 4: a pair may be missing between two semicolons.
    for pair in element.split(';').filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("for") {
            continue;
        }
        if found.is_some() {
            return None;
        }
        let value = value.trim();
        found = Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value));
    }
    address(found?)
}

/// An address, perhaps in brackets, perhaps with a port.
fn address(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (inner, after) = bracketed.split_once(']')?;
        let is_port = after.is_empty() || after.starts_with(':');
        return inner.parse().ok().filter(|_: &Ipv6Addr| is_port).map(IpAddr::V6);
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (address, _port) = text.split_once(':')?;
    address.parse().ok().map(|address: Ipv4Addr| IpAddr::V4(address))
}

impl fmt::Debug for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ClientAddr");
        match &self.source {
            Source::Extension(_) => shown.field("source", &"an extension"),
            Source::Header { name, hops } => shown.field("header", name).field("proxies", hops),
        };
        shown.field("prefix", &self.prefix).finish()
    }
}

/// An address, with a port or without: what [`ClientAddr::from_extension`] takes.
pub trait Address {
    /// The address without the port.
    fn address(self) -> IpAddr;
}

impl Address for SocketAddr {
    fn address(self) -> IpAddr {
        self.ip()
    }
}

impl Address for IpAddr {
    fn address(self) -> IpAddr {
        self
    }
}
