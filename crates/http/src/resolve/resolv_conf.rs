//! `/etc/resolv.conf` (resolv.conf(5)), with the limits of glibc.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

/// How names are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResolvConf {
    /// At least one, in the order in which they are asked.
    pub(super) servers: Vec<SocketAddr>,
    pub(super) search: Vec<String>,
    /// A name with as many dots is asked for as it is first.
    pub(super) ndots: usize,
    /// How long a server is waited for.
    pub(super) timeout: Duration,
    /// How often each server is asked.
    pub(super) attempts: u32,
    /// Whether the queries begin at any of the servers.
    pub(super) rotate: bool,
    /// Whether A and AAAA are asked for one after the other.
    pub(super) one_by_one: bool,
    pub(super) only_tcp: bool,
    pub(super) only_ipv4: bool,
}

impl ResolvConf {
    /// `hostname` is this machine's: its domain is searched when the file has neither `domain` nor
    /// `search`. What is unknown or wrong is left out, as by the C library.
    pub(super) fn parse(text: &str, hostname: &str) -> Self {
        let mut conf = Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            one_by_one: false,
            only_tcp: false,
            only_ipv4: false,
        };
        let mut search = None;
        for line in text.lines() {
            // A comment begins its line, or follows a blank.
            let words = line.split_ascii_whitespace();
            let mut words = words.take_while(|word| !word.starts_with(['#', ';']));
            match words.next() {
                Some("nameserver") if conf.servers.len() < MOST_SERVERS => {
                    conf.servers.extend(words.next().and_then(server));
                }
                // The last line counts.
                Some("domain") => search = Some(words.take(1).collect()),
                Some("search") => search = Some(words.collect::<Vec<_>>()),
                Some("options") => words.for_each(|option| conf.set(option)),
                _ => {}
            }
        }
        if conf.servers.is_empty() {
            let here = [
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ];
            conf.servers = here.map(|address| (address, PORT).into()).to_vec();
        }
        let own = || hostname.split_once('.').map(|(_, domain)| vec![domain]);
        let search = search.or_else(own).unwrap_or_default();
        let search = search.into_iter().map(|domain| domain.trim_matches('.'));
        conf.search = search
            .filter(|domain| !domain.is_empty())
            .map(str::to_owned)
            .collect();
        conf
    }

    fn set(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        let number = |most: u32| value.parse().ok().map(|n: u32| n.min(most));
        match name {
            "ndots" => self.ndots = number(15).map_or(self.ndots, |n| n as usize),
            "timeout" => {
                let time = number(30).map(|n| Duration::from_secs(n.max(1).into()));
                self.timeout = time.unwrap_or(self.timeout);
            }
            "attempts" => self.attempts = number(5).map_or(self.attempts, |n| n.max(1)),
            "rotate" => self.rotate = true,
            "single-request" | "single-request-reopen" => self.one_by_one = true,
            "use-vc" => self.only_tcp = true,
            "no-aaaa" => self.only_ipv4 = true,
            _ => {}
        }
    }

    /// The full names that a name may mean, in the order in which they are asked for.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(name) = name.strip_suffix('.') {
            return vec![name.to_owned()];
        }
        let mut names: Vec<_> = self.search.iter().map(|d| format!("{name}.{d}")).collect();
        let is_first = name.matches('.').count() >= self.ndots;
        let place = if is_first { 0 } else { names.len() };
        names.insert(place, name.to_owned());
        names
    }
}

/// An address, which may have a zone: `fe80::1%eth0`.
fn server(text: &str) -> Option<SocketAddr> {
    let Some((address, zone)) = text.split_once('%') else {
        return Some((text.parse::<IpAddr>().ok()?, PORT).into());
    };
    let index = || fs::read_to_string(format!("/sys/class/net/{zone}/ifindex")).ok();
    let is_name = !zone.contains('/');
    let zone = zone
        .parse()
        .ok()
        .or_else(|| index().filter(|_| is_name)?.trim().parse().ok())?;
    Some(SocketAddrV6::new(address.parse().ok()?, PORT, 0, zone).into())
}

const PORT: u16 = 53;
const MOST_SERVERS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn search(text: &str, hostname: &str) -> Vec<String> {
        ResolvConf::parse(text, hostname).search
    }

    #[test]
    fn a_file_of_a_pod_is_read() {
        let conf = ResolvConf::parse(
            "search apps.svc.cluster.local svc.cluster.local cluster.local\n\
             nameserver 10.96.0.10\n\
             options ndots:5\n",
            "pod",
        );
        assert_eq!(conf.servers, ["10.96.0.10:53".parse().expect("address")]);
        assert_eq!(conf.ndots, 5);
        assert_eq!(
            conf.candidates("kubernetes.default"),
            [
                "kubernetes.default.apps.svc.cluster.local",
                "kubernetes.default.svc.cluster.local",
                "kubernetes.default.cluster.local",
                "kubernetes.default"
            ]
        );
        let registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        let full = conf.candidates(registry);
        assert_eq!(full[0], registry);
        assert_eq!(full.len(), 4);
        assert_eq!(conf.candidates("a.b."), ["a.b"]);
    }

    #[test]
    fn the_limits_and_defaults_are_those_of_glibc() {
        let conf = ResolvConf::parse("", "node");
        let here = ["127.0.0.1:53", "[::1]:53"].map(|text| text.parse().expect("address"));
        assert_eq!(conf.servers, here);
        assert_eq!((conf.ndots, conf.attempts), (1, 2));
        assert_eq!(conf.timeout, Duration::from_secs(5));
        let conf = ResolvConf::parse(
            "; comment\n# nameserver 10.0.0.9\nnameserver registry.test\n\
             nameserver 10.0.0.1 # main\nnameserver\tfd00::53\nnameserver fe80::1%3\nnameserver 10.0.0.4\n\
             options ndots:99 timeout:0 attempts:99 rotate edns0 trust-ad\n\
             options single-request-reopen use-vc no-aaaa ndots:x\nsortlist 10.0.0.0\n",
            "node",
        );
        let expected: [SocketAddr; 3] = [
            "10.0.0.1:53".parse().expect("address"),
            "[fd00::53]:53".parse().expect("address"),
            "[fe80::1%3]:53".parse().expect("address"),
        ];
        assert_eq!(conf.servers, expected);
        assert_eq!((conf.ndots, conf.attempts), (15, 5));
        assert_eq!(conf.timeout, Duration::from_secs(1));
        assert!(conf.rotate && conf.one_by_one && conf.only_tcp && conf.only_ipv4);
    }

    #[test]
    fn the_last_search_list_counts_and_the_hostname_has_a_default() {
        let text = "domain a.test b.test\nsearch b.test. . c.test # d.test\n";
        assert_eq!(search(text, "x.y"), ["b.test", "c.test"]);
        assert_eq!(search("search b.test\ndomain a.test\n", "x.y"), ["a.test"]);
        assert_eq!(search("", "node.corp.test"), ["corp.test"]);
        assert!(search("search\n", "node.corp.test").is_empty());
        assert!(search("", "node").is_empty());
    }
}
