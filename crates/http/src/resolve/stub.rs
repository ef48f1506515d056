//! A stub resolver: `/etc/hosts`, this machine's own names, then the name servers, name by name of the
//! search list.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use regcred_files::{MIB, read};
use rustls::crypto::ring;

use super::exchange::{NO_SUCH_NAME, ServerFailure, ask};
use super::message::{Record, query};
use super::resolv_conf::ResolvConf;
use super::{hosts, order};
use crate::random_word;

/// The files, read once; a look-up asks the servers again.
#[derive(Clone, Debug)]
pub(super) struct StubResolver {
    pub(super) hosts: String,
    pub(super) conf: ResolvConf,
}

impl StubResolver {
    /// By the files of this machine.
    pub(super) fn of_machine() -> Self {
        let hostname = text(Path::new("/proc/sys/kernel/hostname"));
        Self::of_files(Path::new("/etc"), hostname.trim())
    }

    /// By the files `hosts` and `resolv.conf` of a directory. A missing one is as an empty one.
    pub(super) fn of_files(directory: &Path, hostname: &str) -> Self {
        Self {
            hosts: text(&directory.join("hosts")),
            conf: ResolvConf::parse(&text(&directory.join("resolv.conf")), hostname),
        }
    }

    /// The addresses of a name, best first.
    pub(super) async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let bare = name.strip_suffix('.').unwrap_or(name);
        let mut found = hosts::addresses(&self.hosts, bare);
        if found.is_empty() && is_this_machine(bare) {
            found = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        if found.is_empty() {
            found = self.by_servers(name).await?;
        }
        order::sort(&mut found);
        Ok(found)
    }

    /// From the first name of the search list that has addresses.
    async fn by_servers(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut passing = None;
        let mut lacking = None;
        for candidate in self.conf.candidates(name) {
            match self.look_up(&candidate).await {
                Ok(found) => return Ok(found),
                Err(Failed::Passing { text, is_unreached }) => {
                    passing.get_or_insert(text);
                    // The next name would wait as long for the same servers.
                    if is_unreached {
                        break;
                    }
                }
                Err(Failed::Lacking(text)) => lacking = lacking.or(Some(text)),
            }
        }
        let mut text = passing.or(lacking).unwrap_or_default();
        if !name.ends_with('.') && !self.conf.search.is_empty() {
            let domains = self.conf.search.join(", ");
            text.push_str(&format!(" (searched below {domains} too)"));
        }
        Err(io::Error::other(text))
    }

    /// The addresses of one full name.
    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, Failed> {
        let both = (Record::A, Record::Aaaa);
        let (v4, v6) = if self.conf.only_ipv4 {
            (self.ask_servers(name, both.0).await, None)
        } else if self.conf.one_by_one {
            let v4 = self.ask_servers(name, both.0).await;
            (v4, Some(self.ask_servers(name, both.1).await))
        } else {
            let asked = (
                self.ask_servers(name, both.0),
                self.ask_servers(name, both.1),
            );
            let (v4, v6) = tokio::join!(asked.0, asked.1);
            (v4, Some(v6))
        };
        // One family is enough to connect.
        let mut found = Vec::new();
        let mut failed = None;
        for result in std::iter::once(v4).chain(v6) {
            match result {
                Ok(addresses) => found.extend(addresses),
                Err(Failed::Lacking(_)) if matches!(failed, Some(Failed::Passing { .. })) => {}
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(failed) if found.is_empty() => Err(failed),
            _ => Ok(found),
        }
    }

    /// The addresses of one kind, from the first server whose response can be used. At least one.
    async fn ask_servers(&self, name: &str, record: Record) -> Result<Vec<IpAddr>, Failed> {
        let Some(query) = query(random_id(), name, record) else {
            return Err(Failed::Lacking(format!("{name} is not a domain name")));
        };
        let servers = &self.conf.servers;
        let first = if self.conf.rotate {
            usize::try_from(random_word() % servers.len() as u64).unwrap_or_default()
        } else {
            0
        };
        let mut failures = Vec::new();
        for _ in 0..self.conf.attempts {
            for server in servers.iter().cycle().skip(first).take(servers.len()) {
                let asked = ask(*server, &query, self.conf.only_tcp, self.conf.timeout);
                match asked.await {
                    Ok(answer) if answer.code == NO_SUCH_NAME => {
                        let text =
                            format!("no such name: the name server {server} answered NXDOMAIN");
                        return Err(Failed::Lacking(text));
                    }
                    Ok(answer) if answer.addresses.is_empty() => {
                        let text = format!("the name server {server} has no address of that name");
                        return Err(Failed::Lacking(text));
                    }
                    Ok(answer) => return Ok(answer.addresses),
                    Err(failure) => failures.push((server, failure)),
                }
            }
        }
        let is_unreached = |(_, failure): &(_, ServerFailure)| {
            matches!(failure, ServerFailure::Silent(_) | ServerFailure::Io(_))
        };
        let each = failures.iter().take(servers.len());
        let each = each.map(|(server, failure)| format!("the name server {server} {failure}"));
        Err(Failed::Passing {
            text: format!("temporary failure: {}", each.collect::<Vec<_>>().join("; ")),
            is_unreached: failures.iter().all(is_unreached),
        })
    }
}

/// Why a name has no addresses.
enum Failed {
    /// The servers do not know it, or no address of it.
    Lacking(String),
    /// The servers did not respond as they should.
    Passing { text: String, is_unreached: bool },
}

/// Names that mean this machine (RFC 6761 section 6.3).
fn is_this_machine(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// A number that a forger cannot guess.
fn random_id() -> u16 {
    let mut id = [0; 2];
    let random = ring::default_provider().secure_random;
    if random.fill(&mut id).is_err() {
        id = [
            random_word().to_be_bytes()[0],
            random_word().to_be_bytes()[0],
        ];
    }
    u16::from_be_bytes(id)
}

/// Bytes that are not UTF-8 spoil their own words only.
fn text(path: &Path) -> String {
    let bytes = read(path, LARGEST).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Lists of blocked names have some mebibytes.
const LARGEST: u64 = 32 * MIB;
