//! One run of each plugin from process start to exit, against the fake of its cloud.

use std::path::{Path, PathBuf};

use regcred_core::Env;
use regcred_tests::cloud::Cloud;
use regcred_tests::need::find;
use regcred_tests::program::built;
use regcred_tests::{TlsFront, plugin_request};
use tempfile::TempDir;

use crate::bounds::{self, COLD, WARM};
use crate::contest::{Contestant, compete};
use crate::table::Tables;

/// One cloud's plugin, cold and from the cache, and its peers; over https too where the cloud's
/// services are not on the machine's own link.
/// Returns what breaks a bound.
pub(crate) fn plugin(
    name: &str,
    cloud: &dyn Cloud,
    rounds: usize,
    env: &Env,
    tables: &mut Tables,
) -> Vec<String> {
    let mut broken = Vec::new();
    let fronts = Fronts::of(cloud);
    let mut schemes = vec![("http", cloud.env())];
    if !cloud.public().is_empty() {
        schemes.push(("https", fronts.env(cloud)));
    }
    let request = plugin_request(cloud.image());
    for (scheme, vars) in schemes {
        let scratch = tempfile::tempdir().expect("a directory");
        let prepare = |name: &str, program: PathBuf| {
            Contestant::new(name, program)
                .envs(&vars)
                .env("SSL_CERT_FILE", &text(&fronts.bundle()))
                .env("AWS_CA_BUNDLE", &text(&fronts.bundle()))
        };
        let ours = || built(&format!("{name}-credential-provider"));
        let mut field = vec![
            prepare(COLD, ours())
                .counted()
                .env("REGCRED_CACHE", "off")
                .stdin(&request),
            prepare(WARM, ours())
                .counted()
                .env("REGCRED_CACHE", &text(&scratch.path().join("cache")))
                .stdin(&request),
            Contestant::new("floor: an empty process", built("bench-floor"))
                .counted()
                .stdin(&request),
        ];
        let (upstream, args) = cloud.upstream();
        let get: &[_] = &["get"];
        let peers = [
            ("PEER", upstream, args, request.as_str()),
            ("HELPER_PEER", cloud.helper(), get, host(cloud.image())),
        ];
        for (kind, program, args, stdin) in peers {
            let variable = format!("REGCRED_BENCH_{}_{kind}", name.to_uppercase());
            let Some(found) = peer(env, &variable, program) else {
                continue;
            };
            // A helper keeps what it got at home; each of its runs is a first one.
            let home = scratch.path().join(program);
            let peer = prepare(&format!("peer: {program}"), found)
                .envs(&cloud.upstream_env())
                .env("HOME", &text(&home))
                .scratch(home);
            field.push(peer.args(args.iter().copied()).stdin(stdin));
        }
        let (scores, notes) = compete(field, rounds);
        tables.show(&format!("{name} plugin, {scheme}"), &scores, &notes);
        broken.extend(bounds::broken(name, scheme, &scores));
    }
    broken
}

/// TLS in front of a cloud's public services.
struct Fronts {
    tls: Vec<(String, TlsFront)>,
    directory: TempDir,
}

impl Fronts {
    fn of(cloud: &dyn Cloud) -> Self {
        let vars = cloud.env().into_iter();
        let public = vars.filter(|(name, _)| cloud.public().contains(&name.as_str()));
        let tls = public.map(|(name, url)| {
            let server = url.strip_prefix("http://").and_then(|at| at.parse().ok());
            let server = server.unwrap_or_else(|| panic!("{name}={url} is not an http address"));
            (name, TlsFront::start(&["127.0.0.1"], server))
        });
        let tls: Vec<_> = tls.collect();
        // The machine's own roots and the fronts', in one file: what a client on a node must read.
        let mut bundle = std::fs::read(SYSTEM_ROOTS).unwrap_or_default();
        for (_, front) in &tls {
            bundle.extend(std::fs::read(front.ca_file()).expect("our own file"));
        }
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join(BUNDLE), bundle).expect("our own directory");
        Self { tls, directory }
    }

    fn bundle(&self) -> PathBuf {
        self.directory.path().join(BUNDLE)
    }

    /// The cloud's variables, with the fronts in place of its public services.
    fn env(&self, cloud: &dyn Cloud) -> Vec<(String, String)> {
        let mut vars = cloud.env();
        for (name, value) in &mut vars {
            if let Some((_, front)) = self.tls.iter().find(|(public, _)| public == name) {
                *value = front.url();
            }
        }
        vars
    }
}

/// A program of other people: by the variable, or by its name on `PATH`.
pub(crate) fn peer(env: &Env, variable: &str, name: &str) -> Option<PathBuf> {
    env.path(variable).or_else(|| find(name))
}

fn host(image: &str) -> &str {
    image.split('/').next().unwrap_or(image)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
const BUNDLE: &str = "bundle.crt";
