//! Several processes that pull one image and keep the same records.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use regcred_api::pull_record::{ImagePullCredentials, ImagePullSecret, ImagePulledRecord};
use regcred_core::{Clock, Env};
use regcred_engine::PullRecords;
use regcred_exec::Exec;

const IMAGE: &str = "h.io/team/app:v1";
const ID: &str = "sha256:0123";
const PROCESSES: usize = 4;
const PULLS: usize = 25;

#[tokio::test]
async fn nothing_is_lost_and_nothing_stays_behind() {
    let dir = tempfile::tempdir().expect("directory");
    // This test program itself, run as one of the processes.
    let program = PathBuf::from("/proc/self/exe")
        .canonicalize()
        .expect("itself");
    let processes = (0..PROCESSES).map(|number| {
        Exec::new(&program)
            .args(["--exact", "a_process", "--nocapture"])
            .env("RECORDS", dir.path())
            .env("NUMBER", number.to_string())
            .deadline(Duration::from_secs(60))
            .max_stdout(1 << 20)
            .run()
    });
    for output in join_all(processes).await {
        output.expect("a process that did its pulls");
    }
    let records = PullRecords::open(dir.path(), Clock::system()).expect("records");
    let record: ImagePulledRecord = records.record(ID).expect("readable").expect("there");
    let secrets = &record.credential_mapping["h.io/team/app"].kubernetes_secrets;
    let names: BTreeSet<_> = secrets.iter().map(|secret| secret.name.clone()).collect();
    assert_eq!(
        (secrets.len(), names.len()),
        (PROCESSES * PULLS, PROCESSES * PULLS)
    );
    assert!(secrets.is_sorted());
    let left = |name: &str| files(&dir.path().join("image_manager").join(name));
    assert_eq!(
        left("pulling"),
        Vec::<PathBuf>::new(),
        "the last one took its intent back"
    );
    assert_eq!(left("pulled").len(), 1, "no temporary file");
    assert_eq!(left("regcred-locks").len(), 1, "only the lock for all");
}

/// Does nothing unless it is started by the test above.
#[test]
fn a_process() {
    let env = Env::process();
    let (Some(dir), Some(number)) = (env.get("RECORDS"), env.get("NUMBER")) else {
        return;
    };
    let records = PullRecords::open(dir, Clock::system()).expect("records");
    for pull in 0..PULLS {
        let intent = records.begin(IMAGE).expect("an intent");
        let secret = ImagePullSecret {
            namespace: "ns".to_owned(),
            name: format!("secret-{number}-{pull}"),
            uid: "uid".to_owned(),
            credential_hash: "hash".to_owned(),
        };
        let credentials = ImagePullCredentials {
            kubernetes_secrets: vec![secret],
            ..ImagePullCredentials::default()
        };
        intent.pulled(ID, &credentials).expect("a record");
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("directory");
    entries.map(|entry| entry.expect("entry").path()).collect()
}
