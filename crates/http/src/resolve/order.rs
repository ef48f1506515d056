//! The order in which addresses are connected to (RFC 6724 section 6), by the rules that need to know
//! only the routes of this machine: 1, 2, 5, 6 and 8.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Sorts the addresses, best first; equal ones stay in the server's order.
pub(super) fn sort(addresses: &mut [IpAddr]) {
    sort_by(addresses, source);
}

fn sort_by(addresses: &mut [IpAddr], source: impl Fn(IpAddr) -> Option<IpAddr>) {
    if addresses.len() < 2 {
        return;
    }
    addresses.sort_by_cached_key(|address| {
        let source = source(*address);
        let (label, precedence) = policy(*address);
        let differs = |same: fn(IpAddr) -> u8| source.is_none_or(|s| same(s) != same(*address));
        (
            source.is_none(),
            differs(scope),
            source.is_none_or(|source| policy(source).0 != label),
            Reverse(precedence),
            scope(*address),
        )
    });
}

/// The address from which this machine would send; `None` without a route. Nothing is sent.
fn source(address: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((address, 53)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Label and precedence (section 2.1).
fn policy(address: IpAddr) -> (u8, u8) {
    let IpAddr::V6(address) = address else {
        return (4, 35);
    };
    match address.segments() {
        _ if address.is_loopback() => (0, 50),
        _ if address.to_ipv4_mapped().is_some() => (4, 35),
        [0, 0, 0, 0, 0, 0, ..] => (3, 1),
        [0x2002, ..] => (2, 30),
        [0x2001, 0, ..] => (5, 5),
        [first, ..] if first & 0xfe00 == 0xfc00 => (13, 3),
        [first, ..] if first & 0xffc0 == 0xfec0 => (11, 1),
        [0x3ffe, ..] => (12, 1),
        _ => (1, 40),
    }
}

/// How far an address reaches: 2 for the link, 5 for the site, 14 for everywhere (section 3.1).
fn scope(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) if address.is_loopback() || address.is_link_local() => 2,
        IpAddr::V6(address) if address.is_loopback() || address.is_unicast_link_local() => 2,
        IpAddr::V6(address) if address.segments()[0] & 0xffc0 == 0xfec0 => 5,
        _ => 14,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses in order, on a machine with these addresses of its own.
    fn sorted(own: &[&str], addresses: &[&str]) -> Vec<String> {
        let parse = |text: &&str| text.parse::<IpAddr>().expect("address");
        let own: Vec<_> = own.iter().map(parse).collect();
        let mut addresses: Vec<_> = addresses.iter().map(parse).collect();
        sort_by(&mut addresses, |address| {
            let same = |own: &&IpAddr| own.is_ipv4() == address.is_ipv4();
            own.iter().find(same).copied()
        });
        addresses.iter().map(ToString::to_string).collect()
    }

    const BOTH: [&str; 3] = ["192.0.2.1", "2001:db8::1", "192.0.2.2"];

    #[test]
    fn ipv6_is_first_where_it_has_a_route_of_its_own_kind() {
        let public = ["10.0.0.5", "2001:db8:1::5"];
        let first = ["2001:db8::1", "192.0.2.1", "192.0.2.2"];
        let last = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
        assert_eq!(sorted(&public, &BOTH), first);
        for no_route in [
            &["10.0.0.5"][..],
            &["10.0.0.5", "fd00::5"],
            &["10.0.0.5", "fe80::5"],
        ] {
            assert_eq!(sorted(no_route, &BOTH), last, "{no_route:?}");
        }
        assert_eq!(sorted(&["2001:db8:1::5"], &BOTH), first);
    }

    #[test]
    fn the_servers_order_stays_among_equals() {
        let own = ["10.0.0.5"];
        let given = ["203.0.113.9", "192.0.2.1", "198.51.100.3"];
        assert_eq!(sorted(&own, &given), given);
        assert_eq!(
            sorted(&["fd00::5"], &["2001:db8::1", "fd00::9"]),
            ["fd00::9", "2001:db8::1"]
        );
    }

    #[test]
    fn this_machine_has_a_route_to_itself() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(source(here), Some(here));
    }
}
