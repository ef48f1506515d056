//! Lists and images that change between two commands.

use regcred_tests::Image;
use tempfile::TempDir;

use super::bench::{Bench, entries};

#[test]
fn two_images_for_one_platform_are_not_pushed() {
    let Some(bench) = Bench::start(37) else {
        return;
    };
    let list = bench.create();
    let amd64 = bench.name("team/app-amd64:v1");
    let arm64 = bench.name("team/app-arm64:v1");
    let _ = bench
        .manifest(&["annotate", "--arch", "amd64", &list, &arm64])
        .success();
    let refused = bench.manifest(&["push", &list]);
    let error = refused.fails(2);
    assert!(
        error.starts_with(&format!("{amd64} and {arm64} are both for linux/amd64")),
        "{error}"
    );
    bench.copy("amd64", "team/src:v1", "team/rebuilt:v1");
    let rebuilt = bench.name("team/rebuilt:v1");
    let replaced = bench.manifest(&["create", "--amend", "--replace", &list, &rebuilt]);
    assert!(replaced.stderr.contains(&format!("{amd64} is replaced")));
    let _ = replaced.success();
    let _ = bench.manifest(&["push", &list]).success();
    assert_eq!(entries(&bench.list(&list)).len(), 1);
}

#[test]
fn a_list_that_was_amended_and_has_changed_in_the_registry_is_not_replaced() {
    let Some(bench) = Bench::start(38) else {
        return;
    };
    let list = bench.create();
    let _ = bench.manifest(&["push", "--purge", &list]).success();
    // A second job takes the registry's list and adds its image; a third is faster.
    let more = bench.name("team/app-arm64:v1");
    let _ = bench.manifest(&["create", &list, &list, &more]).success();
    let faster = TempDir::new().expect("a directory");
    let one = bench.name("team/app-amd64:v1");
    for args in [&["create", &list, &one][..], &["push", &list]] {
        let _ = bench
            .program(args)
            .env("HOME", faster.path())
            .run()
            .success();
    }
    let refused = bench.manifest(&["push", &list]);
    let error = refused.fails(2);
    assert!(error.contains("has changed in the registry"), "{error}");
    assert_eq!(entries(&bench.list(&list)).len(), 1, "the faster job's");
}

#[test]
fn a_tag_that_has_moved_is_read_again_and_reported() {
    let Some(bench) = Bench::start(39) else {
        return;
    };
    let list = bench.create();
    let amd64 = bench.name("team/app-amd64:v1");
    let _ = bench
        .manifest(&["annotate", "--variant", "v2", &list, &amd64])
        .success();
    let same = bench.manifest(&["create", "--amend", &list, &amd64]);
    assert_eq!(same.stderr, "");
    let shown = bench.manifest(&["inspect", &list]).success();
    assert!(shown.contains("\"variant\": \"v2\""), "{shown}");
    let image = Image::multi_arch(391, 100, 100);
    let pushed = bench.registry.push(&image, "team/src:v2", None);
    pushed.expect("skopeo was found before");
    bench.copy("amd64", "team/src:v2", "team/app-amd64:v1");
    let moved = bench.manifest(&["create", "--amend", &list, &amd64]);
    let expected = format!("{amd64} was {}", bench.image.platform("amd64"));
    assert!(moved.stderr.starts_with(&expected), "{}", moved.stderr);
    let shown = bench.manifest(&["inspect", &list]).success();
    assert!(shown.contains(&image.platform("amd64")), "{shown}");
}
