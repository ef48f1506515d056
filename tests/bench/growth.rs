//! How the work grows: one program over more and more of something, the smallest first.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_tests::ecr::EcrCloud;
use regcred_tests::icr::{API_KEY, FakeIam};
use regcred_tests::oci_registry::Access;
use regcred_tests::program::built;
use regcred_tests::{FakeKube, FakeRegistry, Image};
use serde_json::{Map, Value, json};

use crate::bounds::{superlinear, uneven};
use crate::contest::{Contestant, compete};
use crate::plugins::Place;
use crate::pulls::{in_memory, text};
use crate::score::Score;
use crate::table::Tables;

/// Every table of growth, without sizes above `largest`; the smallest is always there.
/// Returns what grows faster than what there is to do.
pub(crate) fn all(largest: usize, rounds: usize, tables: &mut Tables) -> Vec<String> {
    let upto = |sizes: &[usize]| {
        let sizes = sizes.iter().enumerate();
        let sizes = sizes.filter(|(at, size)| *at == 0 || **size <= largest);
        sizes.map(|(_, size)| *size).collect::<Vec<_>>()
    };
    let mut growth = Growth {
        rounds: rounds.div_ceil(2),
        tables,
        broken: Vec::new(),
    };
    keyring(&mut growth, &upto(&[10, 100, 1_000, 10_000]));
    cache(&mut growth, &upto(&[1, 100, 10_000]));
    growth.rounds = rounds.div_ceil(6);
    layers(&mut growth, &upto(&[10, 200, 2_000]));
    growth.rounds = rounds.div_ceil(14);
    refresher(&mut growth, &upto(&[100, 2_000, 20_000]));
    growth.broken
}

struct Growth<'a> {
    rounds: usize,
    tables: &'a mut Tables,
    broken: Vec<String>,
}

/// What is wrong with the scores of runs over these sizes.
type Judge = fn(&str, &[usize], &[Score]) -> Vec<String>;

impl Growth<'_> {
    fn compare<'a>(
        &mut self,
        title: &str,
        sizes: &[usize],
        field: impl IntoIterator<Item = Contestant<'a>>,
        judge: Judge,
    ) {
        let (scores, notes) = compete(field.into_iter().collect(), self.rounds);
        self.tables.show(title, &scores, &notes);
        if scores.len() < sizes.len() {
            let failed = notes.iter().map(|note| format!("{title}: {note}"));
            self.broken.extend(failed);
        } else {
            self.broken.extend(judge(title, sizes, &scores));
        }
    }
}

/// A node's docker configuration: each entry is of another registry.
fn keyring(growth: &mut Growth<'_>, sizes: &[usize]) {
    let scratch = in_memory();
    let field = sizes.iter().map(|size| {
        let home = scratch.path().join(size.to_string());
        let auths = (0..*size).map(|n| {
            let auth = STANDARD.encode(format!("user:password {n}"));
            (format!("registry-{n}.example.com"), json!({"auth": auth}))
        });
        let auths: Map<String, Value> = auths.collect();
        let config = json!({"auths": auths}).to_string();
        fs::create_dir_all(home.join(".docker")).expect("a directory");
        fs::write(home.join(".docker/config.json"), config).expect("a file");
        Contestant::new(&count(*size, "entry", "entries"), built("regcred"))
            .args(["explain", "--root-dir", &text(&home)])
            .args(["registry-7.example.com/team/app"])
            .env("HOME", &text(&home))
            .counted()
    });
    let title = "Growth: regcred explain beside a docker configuration";
    growth.compare(title, sizes, field, superlinear);
}

/// A cache directory with the answers for other identities.
fn cache(growth: &mut Growth<'_>, sizes: &[usize]) {
    let cloud = EcrCloud::start();
    let place = Place::new("ecr", &cloud, true);
    for (title, is_cold) in [
        (
            "Growth: a warm run of the ecr plugin beside other entries",
            false,
        ),
        (
            "Growth: a cold run of the ecr plugin beside other entries",
            true,
        ),
    ] {
        let field = sizes.iter().map(|size| {
            let directory = place.path(&format!("{size} {is_cold}"));
            let ours = place.ours(&count(*size, "entry", "entries"), &directory);
            let ours = ours.envs(&cloud.keys());
            let own = fill(&directory, *size, &ours);
            if is_cold { ours.scratch(own) } else { ours }.counted()
        });
        growth.compare(title, sizes, field, |title, _, scores| {
            uneven(title, scores)
        });
    }
}

/// Fills a cache directory: one run of the plugin makes its entry, the others are copies of it.
/// Returns the path of the plugin's own.
fn fill(directory: &Path, size: usize, plugin: &Contestant<'_>) -> PathBuf {
    fs::DirBuilder::new()
        .mode(0o700)
        .create(directory)
        .expect("a directory");
    plugin.once();
    let made = fs::read_dir(directory).expect("a directory");
    let mut made = made.map(|entry| entry.expect("an entry").path());
    let own = made.find(|path| path.extension().is_some_and(|end| end == "json"));
    let own = own.expect("an entry of the plugin");
    let name = own
        .file_stem()
        .and_then(|name| name.to_str())
        .expect("a name");
    let entry = fs::read_to_string(&own).expect("an entry");
    for n in 1..size {
        let other = format!("{n:064x}");
        let text = entry.replace(name, &other);
        for (ending, text) in [("json", text.as_str()), ("lock", "")] {
            let path = directory.join(format!("{other}.{ending}"));
            let mut options = fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(path);
            let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
            written.expect("a file");
        }
    }
    own
}

/// An image of small layers.
fn layers(growth: &mut Growth<'_>, sizes: &[usize]) {
    let registry = FakeRegistry::start(Access::Open);
    let scratch = in_memory();
    let field = sizes.iter().map(|size| {
        let repository = format!("bench/{size}");
        registry.push(&repository, "v1", &Image::single(67, *size, 4 << 10));
        let store = scratch.path().join(size.to_string());
        let image = format!("{}/{repository}:v1", registry.server().authority());
        Contestant::new(&count(*size, "layer", "layers"), built("regcred"))
            .args(["pull", "--quiet", "--store"])
            .args([text(&store), image])
            .scratch(store)
    });
    let title = "Growth: pull of layers of 4 KiB";
    growth.compare(title, sizes, field, superlinear);
}

/// A cluster of namespaces, each with one pull secret that is renewed.
fn refresher(growth: &mut Growth<'_>, sizes: &[usize]) {
    let iam = FakeIam::start();
    let scratch = tempfile::tempdir().expect("a directory");
    fs::write(scratch.path().join("key"), API_KEY).expect("a file");
    let config = scratch.path().join("config.yaml");
    fs::write(&config, CONFIG).expect("a file");
    let clusters = sizes.iter().map(|size| {
        let cluster = FakeKube::start();
        for n in 0..*size {
            cluster.namespace(&format!("tenant-{n}"), json!({}));
        }
        cluster
    });
    let clusters: Vec<_> = clusters.collect();
    let field = sizes.iter().zip(&clusters).map(|(size, cluster)| {
        let home = scratch.path().join(size.to_string());
        fs::create_dir(&home).expect("a directory");
        let name = count(*size, "namespace", "namespaces");
        Contestant::new(&name, built("regcred-refresh"))
            .args(["--once", "--config", &text(&config)])
            .envs(&iam.env())
            .env("KUBECONFIG", &text(&cluster.kubeconfig(&home)))
            .calls(move || cluster.requests())
    });
    let title = "Growth: regcred-refresh --once";
    growth.compare(title, sizes, field, superlinear);
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

const CONFIG: &str = "\
apiVersion: refresh.regcred.dev/v1
kind: RefreshConfiguration
limits: {requestsPerSecond: 0}
registries:
- {name: us, provider: icr, hosts: [us.icr.io], envFiles: {IBMCLOUD_API_KEY: key}}
targets:
- name: everywhere
  secret: {name: regcred}
  namespaces: {include: ['tenant-*']}
";
