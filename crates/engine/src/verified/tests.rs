use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use chrono::TimeZone as _;
use regcred_core::Credentials;
use regcred_keyring::ServiceAccount;
use tempfile::TempDir;

use super::*;

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

fn candidate(source: Source) -> Candidate {
    Candidate {
        credentials: Credentials::new("user", "canary"),
        source: Arc::new(source),
        key: "h.io".to_owned(),
    }
}

fn pull_secret(name: &str, uid: &str) -> Source {
    Source::PullSecret {
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
    let account = ServiceAccount {
        namespace: "ns".to_owned(),
        name: "sa".to_owned(),
        uid: "u".to_owned(),
    };
    let plugin = |service_account| Source::Plugin {
        name: "p".to_owned(),
        service_account,
    };
    assert_eq!(credentials_of(None), node, "anonymous");
    let config = Source::DockerConfig { path: "/c".into() };
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
fn a_pod_with_a_known_credential_may_use_the_image() {
    let full: Vec<(String, String)> = (0..100)
        .map(|n| (format!("s{n}"), format!("u{n}")))
        .collect();
    let full: Vec<_> = full
        .iter()
        .map(|(name, uid)| (name.as_str(), uid.as_str(), "h"))
        .collect();
    for (what, known, pods, granted, learned) in [
        (
            "the same",
            &[("a", "1", "h")][..],
            &[("a", "1", "h")][..],
            true,
            1,
        ),
        (
            "equal content elsewhere",
            &[("a", "1", "h")],
            &[("b", "2", "h")],
            true,
            2,
        ),
        (
            "a rotated Secret",
            &[("a", "1", "h")],
            &[("a", "1", "new")],
            true,
            1,
        ),
        (
            "a Secret made anew",
            &[("a", "1", "h")],
            &[("a", "2", "new")],
            false,
            1,
        ),
        ("another", &[("a", "1", "h")], &[("b", "2", "i")], false, 1),
        ("no hash", &[("a", "1", "")], &[("b", "2", "")], false, 1),
        ("no UID", &[("a", "", "h")], &[("a", "", "new")], false, 1),
        ("nothing", &[("a", "1", "h")], &[], false, 1),
        (
            "equal content, no room",
            &full,
            &[("b", "2", "h")],
            true,
            100,
        ),
        (
            "rotated, no room",
            &full,
            &[("s1", "u1", "new")],
            false,
            100,
        ),
    ] {
        let bench = Bench::new();
        bench.pulled(IMAGE, &of(known));
        let Access::OnlyWith(stored) = bench.judge(&VerificationPolicy::AlwaysVerify) else {
            panic!("{what}");
        };
        let found = bench.records.grant(IMAGE, ID, &stored, &pod(pods));
        assert_eq!(found, granted, "{what}");
        let record = bench.records.record(ID).expect("readable").expect("there");
        let secrets = &record.credential_mapping["h.io/team/app"].kubernetes_secrets;
        assert_eq!(secrets.len(), learned, "{what}");
        if what == "a rotated Secret" {
            assert_eq!(secrets[0].credential_hash, "new");
        }
    }
}

#[test]
fn a_service_account_is_known_by_all_three() {
    let account = |uid: &str| ImagePullServiceAccount {
        namespace: "ns".to_owned(),
        name: "sa".to_owned(),
        uid: uid.to_owned(),
    };
    let bench = Bench::new();
    let known = ImagePullCredentials {
        kubernetes_service_accounts: vec![account("1")],
        ..ImagePullCredentials::default()
    };
    bench.pulled(IMAGE, &known);
    for (uid, granted) in [("1", true), ("2", false)] {
        let pod = PodCredentials {
            service_account: Some(account(uid)),
            ..PodCredentials::default()
        };
        assert_eq!(bench.records.grant(IMAGE, ID, &known, &pod), granted);
    }
}

#[test]
fn an_intent_goes_with_the_last_pull_of_any_process() {
    let bench = Bench::new();
    let other = Bench::process(&bench.dir);
    let node = ImagePullCredentials::of_the_node();
    let mine = [IMAGE, IMAGE].map(|image| bench.records.begin(image).expect("an intent"));
    let theirs = other.begin(IMAGE).expect("an intent");
    for (intent, left) in mine.into_iter().chain([theirs]).zip([1, 1, 0]) {
        match left {
            1 => intent.failed().expect("ended"),
            _ => intent.pulled(ID, &node).expect("on record"),
        }
        assert_eq!(bench.files("pulling").len(), left);
    }
    assert_eq!(bench.files("regcred-locks").len(), 1);
}

#[test]
fn a_start_settles_what_was_left_behind() {
    let bench = Bench::new();
    for image in ["h.io/there:v1", "h.io/gone:v1", "nginx", "h.io/busy:v1"] {
        // Dropped: as if the process had ended in the middle.
        drop(bench.records.begin(image).expect("an intent"));
    }
    let alpha = "{\"kind\":\"ImagePulledRecord\",\
        \"apiVersion\":\"kubelet.config.k8s.io/v1alpha1\",\
        \"lastUpdatedTime\":\"2025-01-01T00:00:00Z\",\"imageRef\":\"old\",\
        \"credentialMapping\":{\"a\":{\"nodePodsAccessible\":true}}}";
    let old = bench
        .dir
        .path()
        .join("image_manager/pulled")
        .join(format!("sha256-{}", files::hex(&Sha256::digest("old"))));
    fs::write(&old, alpha).expect("file");
    let broken = old.with_file_name("sha256-broken");
    fs::write(&broken, "{}").expect("file");
    fs::write(old.with_file_name("sha256-x.tmp"), "{").expect("file");
    fs::write(old.with_file_name("notes"), "{").expect("file");

    let dir = bench.dir;
    drop(bench.records);
    let (records, busy) = (Bench::process(&dir), Bench::process(&dir));
    let bench = Bench { dir, records };
    let under_way = busy.begin("h.io/busy:v1").expect("an intent");
    let image = |id: &str, names: &[&str]| ListedImage {
        image_ref: id.to_owned(),
        names: names.iter().map(|&name| name.to_owned()).collect(),
    };
    let failed = bench.records.settle(&[
        image("i1", &["h.io/there:v1", "h.io/busy:v1"]),
        image("i2", &["docker.io/library/nginx:latest"]),
    ]);
    assert!(
        matches!(&failed[..], [RecordError::Malformed { path, .. }] if *path == broken),
        "{failed:?}"
    );
    let left = bench
        .records
        .0
        .files
        .all(Kind::Pulling, ImagePullIntent::from_slice);
    let mut left: Vec<_> = left.0.into_iter().map(|(intent, _)| intent.image).collect();
    left.sort();
    assert_eq!(left, ["h.io/busy:v1", "h.io/gone:v1", "nginx"]);
    let settled = bench
        .records
        .record("i1")
        .expect("readable")
        .expect("there");
    assert!(settled.credential_mapping.is_empty(), "{settled:?}");
    let text = fs::read_to_string(&old).expect("text");
    assert_eq!(
        text,
        alpha.replace("v1alpha1", "v1beta1") + "\n",
        "time and all"
    );
    under_way.failed().expect("ended");
}

#[test]
fn records_of_images_that_are_gone_are_removed() {
    let bench = Bench::new();
    bench.pulled(IMAGE, &ImagePullCredentials::of_the_node());
    let before = Utc
        .with_ymd_and_hms(2026, 2, 3, 4, 5, 6)
        .single()
        .expect("a time");
    let later = before + chrono::TimeDelta::seconds(1);
    assert!(bench.records.prune(&[], before).is_empty());
    assert_eq!(
        bench.files("pulled").len(),
        1,
        "changed after the collection began"
    );
    assert!(bench.records.prune(&[ID.to_owned()], later).is_empty());
    assert_eq!(bench.files("pulled").len(), 1, "still there");
    assert!(bench.records.prune(&[], later).is_empty());
    assert!(bench.files("pulled").is_empty());
}

#[test]
fn a_record_that_cannot_be_written_leaves_its_intent() {
    let bench = Bench::new();
    let intent = bench.records.begin(IMAGE).expect("an intent");
    // A directory in the place of the record defies renaming, whoever runs the test.
    let (name, _) = ("sha256-".to_owned() + &files::hex(&Sha256::digest(ID)), ());
    let path = bench.dir.path().join("image_manager/pulled").join(name);
    fs::create_dir(path).expect("directory");
    let error = intent
        .pulled(ID, &ImagePullCredentials::of_the_node())
        .expect_err("not on record");
    assert!(error.to_string().starts_with("cannot write "), "{error}");
    assert_eq!(bench.files("pulling").len(), 1);
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
