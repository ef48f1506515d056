//! The docker credential helper as another program uses it: skopeo asks it for the login of a
//! registry.

use std::os::unix::fs::symlink;

use regcred_tests::FakeGceMetadata;
use regcred_tests::cloud::Cloud as _;
use regcred_tests::oci_registry::Access;
use regcred_tests::program::built;
use regcred_tests::{FakeRegistry, Image, Program, need};
use serde_json::json;

#[test]
fn skopeo_pulls_with_our_helper() {
    let Some(skopeo) = need("skopeo") else { return };
    for program in ["gcr-credential-provider", "regcred"] {
        let cloud = FakeGceMetadata::start();
        let registry = FakeRegistry::start(Access::Bearer(cloud.logins().clone()));
        let image = Image::single(21, 1, 1_000);
        registry.push("team/app", "v1", &image);
        let host = registry.server().authority();

        let home = tempfile::tempdir().expect("a directory");
        symlink(built(program), home.path().join("docker-credential-gcr")).expect("a link");
        let config = json!({"credHelpers": {&host: "gcr"}});
        std::fs::create_dir(home.path().join(".docker")).expect("a directory");
        let file = home.path().join(".docker/config.json");
        std::fs::write(file, config.to_string()).expect("a file");

        let source = format!("docker://{host}/team/app:v1");
        let raw = Program::new(&skopeo)
            .args(["inspect", "--raw", "--tls-verify=false", &source])
            .env("HOME", home.path())
            .env("PATH", home.path())
            // The registry is not a host of Google's: it is served only because this names it.
            .env("REGCRED_GCR_ALSO_SERVE", &host)
            .envs(cloud.env())
            .run();
        assert_eq!(raw.success().as_bytes(), image.root().bytes, "{program}");
        assert_eq!(cloud.calls(), 1, "{program}");
    }
}
