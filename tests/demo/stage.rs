//! The clouds and the node of the demo.

use std::path::Path;

use regcred_tests::FakeGceMetadata;
use regcred_tests::cloud::Cloud as _;
use regcred_tests::ecr::EcrCloud;
use regcred_tests::oci_registry::Access;
use regcred_tests::{FakeRegistry, Image, Node};

/// Everything that runs while the demo runs.
pub(crate) struct Stage {
    pub(crate) ecr: EcrCloud,
    pub(crate) ecr_registry: FakeRegistry,
    pub(crate) gcr: FakeGceMetadata,
    pub(crate) gcr_registry: FakeRegistry,
    pub(crate) ecr_image: Image,
    pub(crate) gcr_image: Image,
    pub(crate) node: Node,
}

impl Stage {
    /// Starts the clouds and sets up the node in that directory.
    pub(crate) fn set(directory: &Path) -> Self {
        let ecr = EcrCloud::start();
        let gcr = FakeGceMetadata::start();
        let ecr_registry = FakeRegistry::start(Access::Basic(ecr.logins().clone()));
        let gcr_registry = FakeRegistry::start(Access::Bearer(gcr.logins().clone()));
        let [ecr_image, gcr_image] =
            [1, 100].map(|seed| Image::multi_arch(seed, 4 << 20, 256 << 10));
        ecr_registry.push("team/app", "v1", &ecr_image);
        gcr_registry.push("demo-project/team/app", "v1", &gcr_image);

        let mut node = Node::at(directory);
        let cache = directory.join("cache").display().to_string();
        let with_cache = |mut env: Vec<(String, String)>| {
            env.push(("REGCRED_CACHE".to_owned(), cache.clone()));
            env
        };
        node.add_plugin(
            ECR_PLUGIN,
            &["*.dkr.ecr.*.amazonaws.com"],
            &with_cache(ecr.env()),
        );
        node.add_plugin(
            GCR_PLUGIN,
            &["*.pkg.dev", "gcr.io", "*.gcr.io"],
            &with_cache(gcr.env()),
        );
        node.map_host(ECR_HOST, &ecr_registry.server().url());
        node.map_host(GCR_HOST, &gcr_registry.server().url());
        Self {
            ecr,
            ecr_registry,
            gcr,
            gcr_registry,
            ecr_image,
            gcr_image,
            node,
        }
    }

    /// Every secret that the clouds have issued so far.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = self.ecr.secrets();
        secrets.extend(self.gcr.secrets());
        secrets.extend(self.gcr_registry.tokens());
        secrets
    }
}

pub(crate) const ECR_PLUGIN: &str = "ecr-credential-provider";
pub(crate) const GCR_PLUGIN: &str = "gcr-credential-provider";
pub(crate) const ECR_HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
pub(crate) const GCR_HOST: &str = "us-docker.pkg.dev";
