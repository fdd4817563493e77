//! Which addresses are one client?

use std::net::{IpAddr, Ipv6Addr};

/// An IPv6 address cut to its first bits, as in `2001:db8::/64`: one client has many addresses. `None` for any other
/// text.
pub(super) fn network(client: &str, bits: u8) -> Option<String> {
    let Ok(IpAddr::V6(address)) = client.trim_matches(['[', ']']).parse() else { return None };
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped.to_string());
    }
    let kept = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
    Some(format!("{}/{bits}", Ipv6Addr::from_bits(address.to_bits() & kept)))
}
