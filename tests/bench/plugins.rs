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
    for is_https in [false, true] {
        if is_https && cloud.public().is_empty() {
            continue;
        }
        let scheme = if is_https { "https" } else { "http" };
        let place = Place::new(name, cloud, is_https);
        let mut field = vec![
            place.ours(COLD, "off".as_ref()).counted(),
            place.ours(WARM, &place.path("cache")).counted(),
            Contestant::new("floor: an empty process", built("bench-floor"))
                .counted()
                .stdin(&place.request),
        ];
        field.extend(place.peers(env));
        let (scores, notes) = compete(field, rounds);
        tables.show(&format!("{name} plugin, {scheme}"), &scores, &notes);
        broken.extend(bounds::broken(name, scheme, &scores));
    }
    broken
}

/// A cloud's plugin and its peers, and what leads them to the fake.
pub(crate) struct Place<'a> {
    name: &'a str,
    cloud: &'a dyn Cloud,
    request: String,
    vars: Vec<(String, String)>,
    fronts: Fronts,
    scratch: TempDir,
}

impl<'a> Place<'a> {
    pub(crate) fn new(name: &'a str, cloud: &'a dyn Cloud, is_https: bool) -> Self {
        let fronts = Fronts::of(cloud);
        let vars = if is_https {
            fronts.env(cloud)
        } else {
            cloud.env()
        };
        Self {
            name,
            cloud,
            request: plugin_request(cloud.image()),
            vars,
            fronts,
            scratch: tempfile::tempdir().expect("a directory"),
        }
    }

    /// A path for what the contestants write.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Our plugin with that cache.
    pub(crate) fn ours(&self, name: &str, cache: &Path) -> Contestant<'a> {
        let program = built(&format!("{}-credential-provider", self.name));
        let ours = self.prepare(name, program);
        ours.env("REGCRED_CACHE", &text(cache)).stdin(&self.request)
    }

    /// The peers that this machine has.
    pub(crate) fn peers(&self, env: &Env) -> Vec<Contestant<'a>> {
        let image = self.cloud.image();
        let upstream = self.cloud.upstream(&self.vars).and_then(|upstream| {
            let peer = self.peer("PEER", upstream.program, env)?;
            let peer = peer.args(upstream.args).envs(&upstream.env);
            Some(peer.stdin(&plugin_request(&upstream.image)))
        });
        let helper = self.peer("HELPER_PEER", self.cloud.helper(), env);
        let helper = helper.map(|peer| peer.args(["get"]).stdin(host(image)));
        upstream.into_iter().chain(helper).collect()
    }

    fn peer(&self, kind: &str, program: &str, env: &Env) -> Option<Contestant<'a>> {
        let variable = format!("REGCRED_BENCH_{}_{kind}", self.name.to_uppercase());
        let found = peer(env, &variable, program)?;
        // A helper keeps what it got at home; each of its runs is a first one.
        let home = self.path(program);
        let peer = self.prepare(&format!("peer: {program}"), found);
        Some(peer.env("HOME", &text(&home)).scratch(home))
    }

    fn prepare(&self, name: &str, program: PathBuf) -> Contestant<'a> {
        let bundle = text(&self.fronts.bundle());
        Contestant::new(name, program)
            .envs(&self.vars)
            .env("SSL_CERT_FILE", &bundle)
            .env("AWS_CA_BUNDLE", &bundle)
    }
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
