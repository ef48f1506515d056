use std::time::Duration;

use clap::Parser as _;
use regcred_engine::PullOutcome;
use regcred_registry::{Descriptor, PulledImage, media_type};

use super::*;
use crate::cli::{Cli, Command};

/// `regcred pull` in an empty directory that is also the node's; the exit code or the failure.
fn pull(dir: &std::path::Path, line: &str) -> Result<(), ProgramError> {
    let args = ["regcred", "pull", "--quiet", "--root-dir"].map(str::to_owned);
    let (root, store) = (dir.display().to_string(), dir.join("store"));
    let args = args
        .into_iter()
        .chain([root, "--store".to_owned(), store.display().to_string()])
        .chain(line.split_whitespace().map(str::to_owned));
    let Command::Pull(args) = Cli::try_parse_from(args).expect("a sound line").command else {
        panic!("another command");
    };
    run(args, &Env::map([("HOME", dir.display().to_string())]))
}

#[test]
fn a_bad_name_is_found_before_anything_is_made() {
    let dir = tempfile::tempdir().expect("directory");
    let failure = pull(dir.path(), "good:v1 h.io/BAD").expect_err("a bad name");
    assert_eq!(failure.exit_code(), exit_code::USAGE);
    assert!(failure.to_string().contains("lowercase"), "{failure}");
    assert!(!dir.path().join("store").exists());
}

#[test]
fn a_broken_provider_configuration_is_not_configured() {
    let dir = tempfile::tempdir().expect("directory");
    let flags = "good:v1 --image-credential-provider-config /nowhere \
                 --image-credential-provider-bin-dir /";
    let failure = pull(dir.path(), flags).expect_err("no such file");
    assert_eq!(failure.exit_code(), exit_code::NOT_CONFIGURED);
    assert!(!dir.path().join("store").exists());
}

#[test]
fn an_image_that_must_be_present_and_is_not_is_reported_at_once() {
    let dir = tempfile::tempdir().expect("directory");
    let failure = pull(dir.path(), "good:v1 --policy Never").expect_err("an empty store");
    assert!(failure.is_reported());
    assert_eq!(failure.exit_code(), exit_code::NOT_CONFIGURED);
}

#[test]
fn a_foreign_directory_is_no_store() {
    let dir = tempfile::tempdir().expect("directory");
    let store = dir.path().join("store");
    std::fs::create_dir(&store).expect("directory");
    std::fs::write(store.join("notes.txt"), "mine").expect("file");
    let failure = pull(dir.path(), "good:v1").expect_err("holds something else");
    assert_eq!(failure.exit_code(), exit_code::NOT_CONFIGURED);
    assert!(failure.to_string().contains("notes.txt"), "{failure}");
}

#[test]
fn notes_name_credential_and_place() {
    let manifest = Descriptor::of(media_type::OCI_MANIFEST, b"{}");
    let outcome = PullOutcome {
        policy: regcred_engine::PullPolicy::Always,
        was_present: false,
        image: PulledImage {
            image: ImageRef::parse("app:v1").expect("image"),
            digest: manifest.digest.clone(),
            config: None,
            login_sent: Some(false),
            host_logins: Vec::new(),
            blobs: 2,
            size: 10,
            fetched_blobs: 1,
            fetched_bytes: 4,
            manifest,
        },
        credential: Some(regcred_engine::CredentialLabel {
            source: "plugin x".to_owned(),
            key: "docker.io".to_owned(),
            username: "me".to_owned(),
        }),
        attempts: Vec::new(),
        failures: Vec::new(),
        took: Duration::from_millis(1500),
        message: "Successfully pulled image \"app:v1\"".to_owned(),
    };
    let notes = report::notes(std::path::Path::new("/s"), &outcome);
    assert_eq!(
        notes,
        [
            "Successfully pulled image \"app:v1\"",
            "credential: plugin x (key docker.io, user me), not sent: the registry returned the image \
             without it",
            "stored as oci:/s:docker.io/library/app:v1",
        ]
    );
    let json = serde_json::to_string(&report::Pulled::of(&outcome, std::path::Path::new("/s")));
    let digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(
        json.expect("JSON"),
        format!(
            "{{\"event\":\"pulled\",\"image\":\"docker.io/library/app:v1\",\
             \"reference\":\"docker.io/library/app@{digest}\",\"digest\":\"{digest}\",\
             \"manifest\":\"{digest}\",\"location\":\"oci:/s:docker.io/library/app:v1\",\
             \"policy\":\"Always\",\"wasPresent\":false,\"blobs\":2,\"bytes\":10,\
             \"fetchedBlobs\":1,\"fetchedBytes\":4,\
             \"credential\":{{\"source\":\"plugin x\",\"key\":\"docker.io\",\"username\":\"me\"}},\
             \"loginSent\":false,\"hostLogins\":[],\"elapsedMs\":1500,\
             \"verdict\":{{\"result\":\"works\",\
             \"credential\":{{\"source\":\"plugin x\",\"key\":\"docker.io\",\"username\":\"me\"}},\
             \"sent\":false}}}}"
        )
    );
}
