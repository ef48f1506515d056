mod grants;
mod life;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use chrono::TimeZone as _;
use regcred_api::pull_record::ImagePullSecret;
use regcred_core::{Credentials, ServiceAccountCoordinates, hex};
use regcred_keyring::{Candidate, CredentialSource};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::*;
use crate::image::records::{Allowlist, credentials_of};

const IMAGE: &str = "h.io/team/app:v1";
const ID: &str = "sha256:0123";

/// Records of a node, at a fixed time.
struct Bench {
    dir: TempDir,
    records: PullRecords,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("directory");
        let records = Self::process(&dir);
        Self { dir, records }
    }

    /// As another process sees them.
    fn process(dir: &TempDir) -> PullRecords {
        let now = Utc.with_ymd_and_hms(2026, 2, 3, 4, 5, 6).single();
        let clock = Clock::fixed(now.expect("a time"));
        PullRecords::open(dir.path(), clock).expect("records")
    }

    fn files(&self, kind: &str) -> Vec<PathBuf> {
        let dir = self.dir.path().join("image_manager").join(kind);
        let entries = fs::read_dir(dir).expect("directory");
        let mut paths: Vec<_> = entries.map(|e| e.expect("entry").path()).collect();
        paths.sort();
        paths
    }

    fn only_file(&self, kind: &str) -> (String, String) {
        let files = self.files(kind);
        let [path] = &files[..] else {
            panic!("{files:?}");
        };
        let name = path.file_name().expect("name").to_string_lossy();
        (name.into_owned(), fs::read_to_string(path).expect("text"))
    }

    fn pulled(&self, image: &str, credentials: &ImagePullCredentials) {
        let intent = self.records.begin(image).expect("an intent");
        intent.pulled(ID, credentials).expect("a record");
    }

    fn judge(&self, policy: &VerificationPolicy) -> Access {
        self.records.judge(policy, IMAGE, ID)
    }
}

fn candidate(source: CredentialSource) -> Candidate {
    Candidate {
        credentials: Credentials::new("user", "canary"),
        email: String::new(),
        source: Arc::new(source),
        key: "h.io".to_owned(),
    }
}

fn pull_secret(name: &str, uid: &str) -> CredentialSource {
    CredentialSource::PullSecret {
        path: "/s.yaml".into(),
        namespace: "ns".to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
    }
}

fn of(secrets: &[(&str, &str, &str)]) -> ImagePullCredentials {
    let secret = |(name, uid, hash): &(&str, &str, &str)| ImagePullSecret {
        namespace: "ns".to_owned(),
        name: (*name).to_owned(),
        uid: (*uid).to_owned(),
        credential_hash: (*hash).to_owned(),
    };
    ImagePullCredentials {
        kubernetes_secrets: secrets.iter().map(secret).collect(),
        ..ImagePullCredentials::default()
    }
}

fn pod(secrets: &[(&str, &str, &str)]) -> PodCredentials {
    PodCredentials {
        secrets: of(secrets).kubernetes_secrets,
        service_account: None,
    }
}

#[test]
fn paths_names_modes_and_content_are_a_kubelets() {
    let bench = Bench::new();
    let intent = bench.records.begin(IMAGE).expect("an intent");
    assert_eq!(
        bench.only_file("pulling"),
        (
            // sha256 of the image as written
            "sha256-c514a52495eb135437bc95d1670ea3827b8c2bbaa417946ea13bfe4a6cd8ef7b".to_owned(),
            "{\"kind\":\"ImagePullIntent\",\"apiVersion\":\"kubelet.config.k8s.io/v1beta1\",\
             \"image\":\"h.io/team/app:v1\"}\n"
                .to_owned()
        )
    );
    let login = candidate(pull_secret("regcred", "u1"));
    intent
        .pulled(ID, &credentials_of(Some(&login)))
        .expect("a record");
    assert_eq!(bench.files("pulling"), Vec::<PathBuf>::new());
    // printf '{"username":"user","password":"canary"}' | sha256sum
    let hash = "e5ecfa40701b31d47f6e607fcbe119acc69687f516570641cb178d8898112c6f";
    assert_eq!(
        bench.only_file("pulled"),
        (
            "sha256-e88869a38f28b0cae0822c86d31346990e58b58e2f118b87c002b3ab4f842a71".to_owned(),
            format!(
                "{{\"kind\":\"ImagePulledRecord\",\
                 \"apiVersion\":\"kubelet.config.k8s.io/v1beta1\",\
                 \"lastUpdatedTime\":\"2026-02-03T04:05:06Z\",\"imageRef\":\"sha256:0123\",\
                 \"credentialMapping\":{{\"h.io/team/app\":{{\"kubernetesSecrets\":[{{\
                 \"uid\":\"u1\",\"namespace\":\"ns\",\"name\":\"regcred\",\
                 \"credentialHash\":\"{hash}\"}}]}}}}}}\n"
            )
        )
    );
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&bench.files("pulled")[0]), 0o600);
    assert_eq!(mode(&bench.dir.path().join("image_manager/pulling")), 0o700);
    assert_eq!(
        bench.files("regcred-locks").len(),
        1,
        "one lock for all stays"
    );
}

#[test]
fn the_source_of_a_credential_decides_whom_it_opens_the_image_to() {
    let node = ImagePullCredentials::of_the_node();
    let account = ServiceAccountCoordinates {
        namespace: "ns".to_owned(),
        name: "sa".to_owned(),
        uid: "u".to_owned(),
    };
    let plugin = |service_account| CredentialSource::Plugin {
        name: "p".to_owned(),
        service_account,
    };
    assert_eq!(credentials_of(None), node, "anonymous");
    let config = CredentialSource::DockerConfig { path: "/c".into() };
    assert_eq!(credentials_of(Some(&candidate(config))), node);
    assert_eq!(credentials_of(Some(&candidate(plugin(None)))), node);
    let of_account = credentials_of(Some(&candidate(plugin(Some(account.clone())))));
    assert_eq!(of_account.kubernetes_service_accounts[0].name, "sa");
    assert!(!of_account.node_pods_accessible && of_account.kubernetes_secrets.is_empty());
    let all = [
        candidate(plugin(None)),
        candidate(pull_secret("a", "1")),
        candidate(plugin(Some(account))),
        candidate(pull_secret("b", "2")),
    ];
    let pod = PodCredentials::of(&all);
    let names: Vec<_> = pod.secrets.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(pod.service_account.expect("one").uid, "u");
    assert!(!format!("{all:?}").contains("canary"));
}

#[test]
fn policies_and_records_decide_together() {
    use VerificationPolicy::{AlwaysVerify, NeverVerify, NeverVerifyPreloadedImages};
    let listed = Allowlist::new(&["h.io/team/*"]).expect("sound");
    let listed = VerificationPolicy::NeverVerifyAllowlistedImages(listed);
    let unlisted = VerificationPolicy::NeverVerifyAllowlistedImages(Allowlist::default());
    let all = [
        &NeverVerify,
        &NeverVerifyPreloadedImages,
        &listed,
        &unlisted,
        &AlwaysVerify,
    ];
    let shown = |bench: &Bench| {
        all.map(|policy| match bench.judge(policy) {
            Access::Granted => 'g',
            Access::PullFirst => 'p',
            Access::OnlyWith(_) => 'w',
        })
        .iter()
        .collect::<String>()
    };
    let bench = Bench::new();
    assert_eq!(shown(&bench), "gggpp", "preloaded");
    let intent = bench.records.begin(IMAGE).expect("an intent");
    assert_eq!(shown(&bench), "gpgpp", "under way");
    drop(intent);
    assert_eq!(shown(&bench), "gpgpp", "its end is not known");

    let bench = Bench::new();
    bench.pulled(IMAGE, &of(&[("a", "1", "h")]));
    assert_eq!(shown(&bench), "gwgww", "pulled with a Secret");
    bench.pulled(IMAGE, &ImagePullCredentials::of_the_node());
    assert_eq!(shown(&bench), "ggggg", "pulled for the whole node");

    let bench = Bench::new();
    bench.pulled("h.io/other:v1", &of(&[("a", "1", "h")]));
    assert_eq!(shown(&bench), "gpgpp", "pulled under another name");

    let bench = Bench::new();
    bench.pulled(IMAGE, &ImagePullCredentials::of_the_node());
    fs::write(&bench.files("pulled")[0], "{").expect("file");
    assert_eq!(shown(&bench), "ppppp", "what cannot be read opens nothing");
    bench.pulled(IMAGE, &of(&[("a", "1", "h")]));
    assert_eq!(shown(&bench), "gwgww", "and is replaced by the next pull");
}

#[test]
fn names_lose_tag_and_digest_and_nothing_else() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    for (image, name) in [
        ("nginx", "nginx".to_owned()),
        ("nginx:1", "nginx".to_owned()),
        ("h.io:5000/a", "h.io:5000/a".to_owned()),
        ("h.io:5000/a:v1", "h.io:5000/a".to_owned()),
        (&format!("a/b:v1@{digest}"), "a/b".to_owned()),
        (&format!("h:1/a@{digest}"), "h:1/a".to_owned()),
    ] {
        assert_eq!(without_tag_and_digest(image), name, "{image}");
    }
}
