//! `/etc/hosts` (hosts(5)).

use std::net::IpAddr;

/// The addresses of a name (without a dot at its end), in the order of the file.
pub(super) fn addresses(hosts: &str, name: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in hosts.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse) else {
            continue;
        };
        let is_named = words.any(|word| {
            word.strip_suffix('.')
                .unwrap_or(word)
                .eq_ignore_ascii_case(name)
        });
        if is_named && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_addresses_of_all_its_lines() {
        let hosts = "127.0.0.1 localhost\n\
                     10.0.0.1\tregistry.corp  Registry # registry.other\n\
                     #10.0.0.2 registry.corp\n\
                     fd00::1 registry.corp. \r\n\
                     not-an-address registry.corp\n\
                     10.0.0.1 registry.corp\n\
                     10.0.0.9\n";
        let expected: [IpAddr; 2] = [[10, 0, 0, 1].into(), "fd00::1".parse().expect("address")];
        assert_eq!(addresses(hosts, "registry.corp"), expected);
        assert_eq!(addresses(hosts, "REGISTRY"), expected[..1]);
        for unknown in ["registry.other", "registry.cor", "10.0.0.9", ""] {
            assert!(addresses(hosts, unknown).is_empty(), "{unknown}");
        }
    }
}
