//! A server that repeats what it was sent: a secret is shown through no face, at no level of the log.

use regcred_tests::canary::VERBOSE;
use regcred_tests::{Canary, Program, REPEATS, Repeating, Repeats, plugin_request};

use super::rows::Rows;
use super::step::Address;

/// Every step to which a secret is sent. A server of the link is sent none, and one with TLS of its own is
/// another step's.
pub(super) fn check(rows: &Rows) {
    let mut canary = Canary::default();
    let mut cases = 0;
    let target = &rows.target;
    for step in rows.steps.iter().filter(|one| !one.is_link && !one.is_tls) {
        let most = if step.makes_key { 1 } else { REPEATS.len() };
        for repeats in &REPEATS[..most] {
            let server = Repeating::start(*repeats);
            let context = format!("{}, {} and {repeats:?}", target.provider, step.name);
            let address = Address {
                scheme: "http",
                authority: server.server().authority(),
                ca: None,
            };
            let start = || {
                Program::ours(&format!("{}-credential-provider", target.provider))
                    .envs(target.env.clone())
                    .envs(step.vars.clone())
                    .envs((step.leads)(&address))
                    .env("REGCRED_LOG", VERBOSE)
            };
            let mut done = vec![start().stdin(plugin_request(&target.image)).run()];
            if *repeats == Repeats::Json(401) {
                done.push(start().args(["token", &target.image]).run());
                done.push(start().args(["docker", "get"]).stdin(&*target.image).run());
            }
            let sent = server.repeated();
            assert!(!sent.is_empty(), "{context}: no secret was sent");
            let issued = rows.secrets().into_iter().filter(|one| one.len() >= 6);
            canary.look_for(sent.into_iter().chain(issued), &context);
            for done in done {
                assert_ne!(done.code(), Some(0), "{context}");
                assert!(done.stderr.len() > 20, "{context}: {}", done.stderr);
                canary.search_output(&context, &done);
            }
            cases += 1;
        }
    }
    canary.end(500 * cases);
}
