//! Images that are there, and who may use them.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_tenant_gets_a_present_image_only_with_a_credential_of_its_own() {
    let bench = Bench::verifying(
        Runtime::with(&[(IMAGE, Some("u:right"))]),
        VerificationPolicy::default(),
    );
    let owner = bench.tenant("owner", "u:right");
    bench
        .ensure(IfNotPresent, owner.clone())
        .await
        .expect("pulled");
    bench.events();
    let ensured = bench.ensure(IfNotPresent, owner).await.expect("its own");
    assert!(ensured.was_present);
    assert_eq!(
        bench.events(),
        [
            "Normal Pulled: Container image \"h.io/team/app:v1\" already present on machine and \
             can be accessed by the pod"
        ]
    );

    // That the image is there is not to be seen.
    let error = bench
        .ensure(Never, Pod::new())
        .await
        .expect_err("a stranger");
    assert_eq!(
        error.waiting_message(),
        "Container image \"h.io/team/app:v1\" is not present with pull policy of Never"
    );
    let stranger = bench.tenant("stranger", "u:wrong");
    let error = bench
        .ensure(IfNotPresent, stranger)
        .await
        .expect_err("a stranger");
    assert_eq!(error.waiting_message(), "h.io/team/app:v1: access denied");
    // Another Secret with the same content is as good, without asking the registry.
    let pulls = bench.runtime.pulls().len();
    let friend = bench.tenant("friend", "u:right");
    let ensured = bench.ensure(Never, friend).await.expect("the same login");
    assert!(ensured.was_present);
    assert_eq!(bench.runtime.pulls().len(), pulls);
}

#[tokio::test(start_paused = true)]
async fn preloaded_images_are_judged_by_policy() {
    let listed = Allowlist::new(&["h.io/team/*"]).expect("sound");
    for (policy, pulled) in [
        (VerificationPolicy::NeverVerify, false),
        (VerificationPolicy::NeverVerifyPreloadedImages, false),
        (
            VerificationPolicy::NeverVerifyAllowlistedImages(listed),
            false,
        ),
        (
            VerificationPolicy::NeverVerifyAllowlistedImages(Allowlist::default()),
            true,
        ),
        (VerificationPolicy::AlwaysVerify, true),
    ] {
        let name = policy.to_string();
        let bench = Bench::verifying(Runtime::with(&[(IMAGE, None)]), policy);
        bench.runtime.preload(IMAGE);
        let ensured = bench
            .ensure(IfNotPresent, Pod::new())
            .await
            .expect("public");
        assert_eq!(!ensured.was_present, pulled, "{name}");
        // An anonymous pull gives access to every pod.
        let again = bench.ensure(Never, Pod::new()).await.expect("open");
        assert!(again.was_present, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_pull_is_settled_at_the_next_start() {
    let bench = Bench::verifying(
        Runtime {
            takes: Duration::from_secs(60),
            ..Runtime::with(&[(IMAGE, None)])
        },
        VerificationPolicy::default(),
    );
    let pull = bench.ensure(IfNotPresent, Pod::new());
    let cut = tokio::time::timeout(Duration::from_secs(1), pull).await;
    assert!(cut.is_err());
    // The runtime went on by itself.
    bench.runtime.preload(IMAGE);
    let error = bench
        .ensure(Never, Pod::new())
        .await
        .expect_err("recorded without credentials");
    assert_eq!(error.waiting_reason(), "ErrImageNeverPull");
    let Bench {
        node,
        runtime,
        manager,
        ..
    } = bench;
    drop(manager);

    let engine = Engine::builder(&Env::default()).build().expect("sound");
    let next = ImageManager::builder(engine, runtime)
        .verify(records(&node), VerificationPolicy::default())
        .build()
        .expect("sound");
    next.start().await.expect("a list");
    let id = format!("id of {IMAGE}");
    let record = records(&node)
        .record(&id)
        .expect("readable")
        .expect("settled");
    assert!(record.credential_mapping.is_empty());
    let request = request("pod-1").policy(IfNotPresent);
    let shown = next.ensure(&request, &NoProgress).await.expect("public");
    assert!(!shown.was_present, "shown once more");
}
