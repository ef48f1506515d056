//! How intents and records come and go.

use super::*;

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
        .join(format!("sha256-{}", hex(Sha256::digest("old"))));
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
    let left = bench.records.0.files.all::<ImagePullIntent>();
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
fn a_pull_during_a_garbage_collection_keeps_its_record() {
    let bench = Bench::new();
    let node = ImagePullCredentials::of_the_node();
    let now = bench.records.0.clock.now();
    let began = now + chrono::TimeDelta::milliseconds(500);
    let minute_ago = Clock::fixed(now - chrono::TimeDelta::minutes(1));
    let earlier = PullRecords::open(bench.dir.path(), minute_ago).expect("records");
    let intent = earlier.begin(IMAGE).expect("an intent");
    intent.pulled(ID, &node).expect("a record");
    let old = earlier.record(ID).expect("readable").expect("there");

    // The image was removed, is not listed, and is pulled again with the same credentials.
    bench.pulled(IMAGE, &node);
    assert!(bench.records.prune(&[], began).is_empty());
    let new = bench.records.record(ID).expect("readable");
    let new = new.expect("written in the second in which the collection began");

    // A collection that begins to look while a record is written sees the new one.
    let files = &bench.records.0.files;
    files.write(&old).expect("written");
    let lock = files.lock().expect("locked");
    std::thread::scope(|scope| {
        let prune = scope.spawn(|| earlier.prune(&[], began));
        files.write(&new).expect("written");
        drop(lock);
        assert!(prune.join().expect("no panic").is_empty());
    });
    assert_eq!(bench.files("pulled").len(), 1);
}

#[test]
fn a_record_that_cannot_be_written_leaves_its_intent() {
    let bench = Bench::new();
    let intent = bench.records.begin(IMAGE).expect("an intent");
    // A directory in place of the record cannot be replaced by renaming, not even by root.
    let (name, _) = ("sha256-".to_owned() + &hex(Sha256::digest(ID)), ());
    let path = bench.dir.path().join("image_manager/pulled").join(name);
    fs::create_dir(path).expect("directory");
    let error = intent
        .pulled(ID, &ImagePullCredentials::of_the_node())
        .expect_err("not on record");
    assert!(error.to_string().starts_with("cannot write "), "{error}");
    assert_eq!(bench.files("pulling").len(), 1);
}

#[test]
fn an_abandoned_pull_is_settled_by_the_same_process() {
    let bench = Bench::new();
    drop(bench.records.begin(IMAGE).expect("on record"));
    assert_eq!(bench.files("pulling").len(), 1, "how it ended is not known");
    let listed = ListedImage {
        image_ref: ID.to_owned(),
        names: vec![IMAGE.to_owned()],
    };
    assert!(bench.records.settle(&[listed]).is_empty());
    assert_eq!(bench.files("pulling").len(), 0);
    assert_eq!(bench.files("pulled").len(), 1);
}

#[test]
fn what_the_alpha_releases_left_is_written_anew() {
    let bench = Bench::new();
    drop(bench.records.begin(IMAGE).expect("on record"));
    let intent = bench.files("pulling").remove(0);
    let today = fs::read_to_string(&intent).expect("intent");
    fs::write(&intent, today.replace("v1beta1", "v1alpha1")).expect("alpha");
    assert!(bench.records.settle(&[]).is_empty());
    assert_eq!(fs::read_to_string(&intent).expect("stays"), today);
}
