//! Which addresses this server may be told to connect to.
//!
//! Who sets up a pull or a push names a host, and the server connects to it from
//! where it stands: inside a network whose other machines trust it. So only
//! addresses of the public Internet are allowed, unless the operator says
//! otherwise. What is checked are the addresses that are connected to, not names:
//! a name may mean another address at the next look.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The name means nothing.
    #[error("cannot resolve {host}: {why}")]
    Unknown {
        /// The host.
        host: String,
        /// What the resolver says.
        why: String,
    },
    /// An address that is not of the public Internet.
    #[error(
        "{host} is {ip}, which is not a public address; the operator can allow these with `broadcast.pull_private`"
    )]
    Private {
        /// The host.
        host: String,
        /// Its address.
        ip: IpAddr,
    },
}

/// Decides; cheap to clone.
#[derive(Clone, Copy, Debug)]
pub struct AddressGuard {
    /// Addresses of private networks and of this machine are allowed as well.
    pub private: bool,
}

impl AddressGuard {
    /// An address of the host that may be connected to.
    ///
    /// # Errors
    /// There is none, or the first of them is not allowed.
    pub async fn resolve(self, host: &str, port: u16) -> Result<SocketAddr, Refused> {
        let unknown = |why: String| Refused::Unknown {
            host: host.to_owned(),
            why,
        };
        let mut found = tokio::net::lookup_host((host, port))
            .await
            .map_err(|error| unknown(error.to_string()))?;
        let address = found
            .next()
            .ok_or_else(|| unknown("it has no address".into()))?;
        if self.private || is_public(address.ip()) {
            Ok(address)
        } else {
            Err(Refused::Private {
                host: host.to_owned(),
                ip: address.ip(),
            })
        }
    }
}

/// Whether the address is one of the public Internet (IANA's registries of
/// special-purpose addresses, RFC 6890).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match within(ip) {
            Some(ip) => is_public_v4(ip),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    // This network; carrier-grade NAT, where also some clouds have their
    // metadata; protocol assignments; benchmarks; reserved.
    let special = matches!(
        (a, b, c),
        (0, ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18..=19, _) | (240.., ..)
    );
    !(special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation())
}

/// The IPv4 address that stands in an IPv6 address: mapped, compatible, NAT64
/// (RFC 6052), 6to4 (RFC 3056).
fn within(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let low = Ipv4Addr::from(u32::from(s[6]) << 16 | u32::from(s[7]));
    match s {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(low),
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => Some(low),
        [0x2002, high, low, ..] => Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
        _ => None,
    }
}

/// Only global unicast (2000::/3) is public, and of that neither Teredo, nor
/// benchmarks, nor what is for documentation.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let special = matches!(s, [0x2001, 0 | 2 | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..]);
    s[0] & 0xe000 == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public() {
        for ip in [
            "1.1.1.1",
            "93.184.216.34",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn not_public() {
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.9.9.9",
            "100.100.100.200",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "64:ff9b:1::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[tokio::test]
    async fn the_operator_decides() {
        let strict = AddressGuard { private: false };
        let refused = strict
            .resolve("127.0.0.1", 80)
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("not a public address"), "{refused}");
        let open = AddressGuard { private: true };
        assert_eq!(open.resolve("127.0.0.1", 80).await.unwrap().port(), 80);
    }
}
