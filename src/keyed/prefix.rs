//! Which addresses are one caller?

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How much of an address is the key of a caller.
///
/// Whoever has an IPv6 connection has at least the 2^64 addresses of one /64, so a limit per address limits nobody: by
/// default the key is the first 64 bits. Of an IPv4 address it is all 32. An IPv4 address that is written as an IPv6
/// one (`::ffff:192.0.2.1`) is the IPv4 address.
///
/// ```
/// use std::net::IpAddr;
/// use tollgate::keyed::Prefix;
///
/// let key = |text: &str| text.parse().map(|address: IpAddr| Prefix::DEFAULT.of(address));
/// assert_eq!(key("2001:db8::1")?, key("2001:db8::ffff:1")?);
/// assert_ne!(key("2001:db8::1")?, key("2001:db8:0:1::1")?);
/// assert_eq!(key("192.0.2.1")?, key("::ffff:192.0.2.1")?);
/// assert_ne!(key("192.0.2.1")?, key("192.0.2.2")?);
///
/// let wide = Prefix::new(24, 48);
/// assert_eq!(wide.of("192.0.2.1".parse()?).to_string(), "192.0.2.0");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    v4: u32,
    v6: u32,
}

impl Prefix {
    /// IPv4 /32, IPv6 /64.
    pub const DEFAULT: Prefix = Prefix::new(32, 64);

    /// The first `v4` bits of an IPv4 address, at most 32, and the first `v6` of an IPv6 address, at most 128.
    pub const fn new(v4: u8, v6: u8) -> Prefix {
        Prefix { v4: if v4 > 32 { 32 } else { v4 as u32 }, v6: if v6 > 128 { 128 } else { v6 as u32 } }
    }

    /// The key of an address: the address with the bits after the prefix set to 0.
    pub const fn of(&self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let dropped = match u32::MAX.checked_shr(self.v4) {
                    Some(mask) => mask,
                    None => 0,
                };
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & !dropped))
            }
            IpAddr::V6(address) => {
                let dropped = match u128::MAX.checked_shr(self.v6) {
                    Some(mask) => mask,
                    None => 0,
                };
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !dropped))
            }
        }
    }
}

impl Default for Prefix {
    fn default() -> Prefix {
        Prefix::DEFAULT
    }
}
