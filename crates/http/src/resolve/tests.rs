//! The resolver of static programs against name servers on loopback.

mod name_server;

use std::fs;
use std::time::Duration;

use super::*;
use crate::resolve::resolv_conf::ResolvConf;
use name_server::{Answer, NameServer};

/// A resolver that asks these servers and has no other file than such a `resolv.conf`.
fn resolver(servers: &[&NameServer], resolv_conf: &str) -> StubResolver {
    let mut conf = ResolvConf::parse(resolv_conf, "node");
    conf.servers = servers.iter().map(|server| server.address).collect();
    let hosts = String::new();
    StubResolver { hosts, conf }
}

async fn text_of(resolver: &StubResolver, name: &str) -> String {
    let error = resolver.addresses(name).await.expect_err("no address");
    error.to_string()
}

fn here(last: u8) -> IpAddr {
    [127, 0, 0, last].into()
}

#[tokio::test]
async fn the_addresses_of_both_families_are_found() {
    let both = vec![here(2), "::1".parse().expect("address"), here(3)];
    let answers = both.clone();
    let server = NameServer::start(move |_| Answer::Addresses(answers.clone())).await;
    let found = resolver(&[&server], "").addresses("registry.test").await;
    let mut found = found.expect("addresses");
    found.sort();
    assert_eq!(found, [both[0], both[2], both[1]]);
    let mut kinds: Vec<_> = server.seen().iter().map(|q| (q.kind, q.is_tcp)).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [(1, false), (28, false)]);
}

#[tokio::test]
async fn one_family_is_enough() {
    for other in [
        Answer::Code(0),
        Answer::Code(2),
        Answer::Code(3),
        Answer::Malformed,
    ] {
        let server = NameServer::start(move |question| match question.kind {
            1 => Answer::Addresses(vec![here(2)]),
            _ => other.clone(),
        })
        .await;
        let found = resolver(&[&server], "").addresses("registry.test").await;
        assert_eq!(found.expect("an address"), [here(2)]);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_for_over_tcp() {
    let all: Vec<_> = (1..=40).map(here).collect();
    let answers = all.clone();
    let server = NameServer::start(move |question| match question {
        question if question.kind != 1 => Answer::Code(0),
        question if question.is_tcp => Answer::Addresses(answers.clone()),
        _ => Answer::Truncated,
    })
    .await;
    let found = resolver(&[&server], "").addresses("registry.test").await;
    assert_eq!(found.expect("addresses"), all);
    let udp = resolver(&[&server], "options use-vc no-aaaa");
    let before = server.seen().len();
    assert_eq!(
        udp.addresses("registry.test").await.expect("addresses"),
        all
    );
    assert!(
        server.seen()[before..]
            .iter()
            .all(|q| q.is_tcp && q.kind == 1)
    );
}

#[tokio::test]
async fn a_forged_answer_changes_nothing() {
    let server = NameServer::start(|_| Answer::Forged(vec![here(2)])).await;
    let found = resolver(&[&server], "").addresses("registry.test").await;
    assert_eq!(found.expect("an address"), [here(2)]);
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_fails() {
    let good = NameServer::start(|_| Answer::Addresses(vec![here(2)])).await;
    for bad in [
        Answer::Code(2),
        Answer::Code(5),
        Answer::Malformed,
        Answer::Silence,
    ] {
        let bad = NameServer::start(move |_| bad.clone()).await;
        let mut resolver = resolver(&[&bad, &good], "options single-request");
        resolver.conf.timeout = Duration::from_millis(200);
        let found = resolver.addresses("registry.test").await;
        assert_eq!(found.expect("an address"), [here(2)]);
    }
    // Nothing listens at the port of a server that has ended.
    let ended = NameServer::start(|_| Answer::Silence).await;
    let resolver = resolver(&[&ended, &good], "");
    drop(ended);
    let found = resolver.addresses("registry.test").await;
    assert_eq!(found.expect("an address"), [here(2)]);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_asked_for_once() {
    let server = NameServer::start(|_| Answer::Code(3)).await;
    let other = NameServer::start(|_| Answer::Addresses(vec![here(2)])).await;
    let text = text_of(&resolver(&[&server, &other], ""), "registry.test").await;
    let address = server.address;
    let expected = format!("no such name: the name server {address} answered NXDOMAIN");
    assert_eq!(text, expected);
    assert_eq!((server.seen().len(), other.seen().len()), (2, 0));
    let server = NameServer::start(|_| Answer::Addresses(Vec::new())).await;
    let text = text_of(&resolver(&[&server], ""), "registry.test").await;
    assert!(text.ends_with("has no address of that name"), "{text}");
}

#[tokio::test]
async fn servers_that_fail_are_a_temporary_failure_and_each_is_named() {
    let fails = NameServer::start(|_| Answer::Code(2)).await;
    let silent = NameServer::start(|_| Answer::Silence).await;
    let mut resolver = resolver(&[&fails, &silent], "options attempts:1");
    resolver.conf.timeout = Duration::from_millis(50);
    assert_eq!(
        text_of(&resolver, "registry.test").await,
        format!(
            "temporary failure: the name server {} answered SERVFAIL; \
             the name server {} did not answer within 50ms",
            fails.address, silent.address
        )
    );
}

#[tokio::test]
async fn the_search_list_is_followed_in_order() {
    let server = NameServer::start(|question| match question.name.as_str() {
        "registry.b.test" => Answer::Addresses(vec![here(2)]),
        "flaky.a.test" => Answer::Code(2),
        "flaky.b.test" => Answer::Addresses(vec![here(3)]),
        _ => Answer::Code(3),
    })
    .await;
    let resolver = resolver(&[&server], "search a.test b.test\noptions single-request");
    let found = resolver.addresses("registry").await.expect("an address");
    assert_eq!(found, [here(2)]);
    assert_eq!(server.names(), ["registry.a.test", "registry.b.test"]);
    // A server that fails for one name may know the next.
    let found = resolver.addresses("flaky").await.expect("an address");
    assert_eq!(found, [here(3)]);
    let text = text_of(&resolver, "no.where").await;
    assert!(
        text.contains("NXDOMAIN (searched below a.test, b.test too)"),
        "{text}"
    );
    let names = ["no.where", "no.where.a.test", "no.where.b.test"];
    assert!(server.names().ends_with(&names.map(str::to_owned)));
    let text = text_of(&resolver, "no.where.").await;
    assert!(text.ends_with("NXDOMAIN"), "{text}");
    assert_eq!(server.names().last().map(String::as_str), Some("no.where"));
}

#[tokio::test]
async fn servers_that_cannot_be_reached_are_not_asked_for_every_name() {
    let server = NameServer::start(|_| Answer::Silence).await;
    let options = "search a.test b.test\noptions attempts:1 no-aaaa";
    let mut resolver = resolver(&[&server], options);
    resolver.conf.timeout = Duration::from_millis(50);
    let text = text_of(&resolver, "registry").await;
    assert!(text.starts_with("temporary failure: "), "{text}");
    assert_eq!(server.names(), ["registry.a.test"]);
}

#[tokio::test]
async fn what_is_not_a_domain_name_is_not_asked_for() {
    let server = NameServer::start(|_| Answer::Silence).await;
    let text = text_of(&resolver(&[&server], ""), "a..b").await;
    assert_eq!(text, "a..b is not a domain name");
    let address = resolver(&[&server], "").addresses("::1").await;
    assert_eq!(
        address.expect("itself"),
        ["::1".parse::<IpAddr>().expect("address")]
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_hosts_file_is_first_whatever_nsswitch_conf_names() {
    let etc = tempfile::tempdir().expect("directory");
    let write = |name: &str, text: &str| fs::write(etc.path().join(name), text).expect(name);
    write(
        "nsswitch.conf",
        "hosts: sss [NOTFOUND=return] mdns4_minimal ldap wins\n",
    );
    write("hosts", "127.0.0.9 registry.test\n");
    write("resolv.conf", "nameserver 192.0.2.53\n");
    let server = NameServer::start(|_| Answer::Addresses(vec![here(2)])).await;
    let mut resolver = StubResolver::of_files(etc.path(), "node");
    assert_eq!(
        resolver.conf.servers,
        ["192.0.2.53:53".parse().expect("address")]
    );
    resolver.conf.servers = vec![server.address];
    let found = resolver.addresses("Registry.test.").await;
    assert_eq!(found.expect("an address"), [here(9)]);
    let found = resolver.addresses("localhost").await.expect("addresses");
    assert!(found.contains(&here(1)) && server.seen().is_empty());
    let found = resolver.addresses("other.test").await;
    assert_eq!(found.expect("an address"), [here(2)]);
    // Without any file, the machine itself is asked.
    let empty = StubResolver::of_files(&etc.path().join("none"), "node");
    assert_eq!(empty.conf.servers.len(), 2);
}

#[tokio::test]
async fn the_machines_names_are_resolved_as_the_program_was_linked() {
    let found = resolve("localhost").await.expect("addresses");
    assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty());
    assert!(resolve("registry.invalid").await.is_err());
}
