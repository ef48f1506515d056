//! The hosts that a Google token may be sent to: gcr.io and its aliases, and Artifact Registry in
//! its forms (`us-central1-docker.pkg.dev`, `docker.us-central1.rep.pkg.dev`).
//!
//! The image patterns are wider than the rule, since the kubelet's patterns match whole labels:
//! `*.pkg.dev` also covers Google's registries for other formats.

use regcred_cloud::is_label;
use regcred_core::{AlsoServe, ImagePattern, RegistryHost};

/// Which registries are served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    /// The hosts that the operator added.
    pub(crate) also_serve: AlsoServe,
    /// Whether those of Google's partner clouds are served.
    pub(crate) sovereign: bool,
}

impl Hosts {
    /// Whether a token may go there.
    pub(crate) fn serves(&self, registry: &RegistryHost) -> bool {
        is_google(registry.host())
            || (self.sovereign && is_sovereign(registry.host()))
            || self.also_serve.contains(registry)
    }

    /// Patterns of every registry served.
    pub(crate) fn patterns(&self) -> Vec<String> {
        let sovereign = SOVEREIGN_PATTERNS.iter().filter(|_| self.sovereign);
        GOOGLE_PATTERNS
            .iter()
            .chain(sovereign)
            .copied()
            .chain(self.also_serve.hosts())
            .map(str::to_owned)
            .collect()
    }

    /// Registries that docker can be configured for by name: Container Registry's, and on request Artifact
    /// Registry's in every location.
    pub(crate) fn by_name(artifact_registry: bool) -> Vec<String> {
        let container = CONTAINER_REGISTRIES.map(str::to_owned);
        let locations = LOCATIONS.iter().filter(|_| artifact_registry);
        let artifact = locations.map(|location| format!("{location}-docker.pkg.dev"));
        container.into_iter().chain(artifact).collect()
    }

    /// The keys of an answer for this registry: the patterns of Google's public hosts, so that one
    /// answer serves the whole node, and the registry itself where they do not match it as it
    /// was written (a port, capital letters, an added host).
    pub(crate) fn keys(&self, registry: &RegistryHost) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        if !self.is_covered(registry) {
            keys.push(registry.as_written().to_owned());
        }
        if is_google(registry.host()) {
            keys.extend(GOOGLE_PATTERNS.map(str::to_owned));
        }
        keys
    }

    /// Whether the fixed patterns match the registry as it was written: the answer is then the same
    /// for all such registries.
    pub(crate) fn is_covered(&self, registry: &RegistryHost) -> bool {
        is_google(registry.host())
            && GOOGLE_PATTERNS.iter().any(|pattern| {
                ImagePattern::parse(pattern)
                    .is_ok_and(|pattern| pattern.matches(registry.as_written()))
            })
    }
}

/// Expects lower case without port and final dot, as [`RegistryHost::host`] returns it.
fn is_google(host: &str) -> bool {
    if matches!(host, "gcr.io" | "container.cloud.google.com") {
        return true;
    }
    if let Some(alias) = host.strip_suffix(".gcr.io") {
        return is_label(alias);
    }
    if let Some(location) = host.strip_suffix("-docker.pkg.dev") {
        return is_label(location);
    }
    host.strip_prefix("docker.")
        .and_then(|rest| rest.strip_suffix(".rep.pkg.dev"))
        .is_some_and(is_label)
}

fn is_sovereign(host: &str) -> bool {
    host == "docker.s3nsregistry.fr"
        || host
            .strip_prefix("docker.")
            .and_then(|rest| rest.strip_suffix(".goog"))
            .is_some_and(is_label)
}

/// The stock patterns of a GKE node, and the regional endpoints, which have five labels.
const GOOGLE_PATTERNS: [&str; 5] = [
    "container.cloud.google.com",
    "gcr.io",
    "*.gcr.io",
    "*.pkg.dev",
    "docker.*.rep.pkg.dev",
];

/// The ones that docker-credential-gcr sets up by itself.
const CONTAINER_REGISTRIES: [&str; 5] = [
    "gcr.io",
    "us.gcr.io",
    "eu.gcr.io",
    "asia.gcr.io",
    "marketplace.gcr.io",
];
/// Artifact Registry's multi-regions and regions. A newer one is named with `--registries`.
const LOCATIONS: [&str; 45] = [
    "africa-south1",
    "asia",
    "asia-east1",
    "asia-east2",
    "asia-northeast1",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-south2",
    "asia-southeast1",
    "asia-southeast2",
    "australia-southeast1",
    "australia-southeast2",
    "europe",
    "europe-central2",
    "europe-north1",
    "europe-north2",
    "europe-southwest1",
    "europe-west1",
    "europe-west10",
    "europe-west12",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "me-central1",
    "me-central2",
    "me-west1",
    "northamerica-northeast1",
    "northamerica-northeast2",
    "northamerica-south1",
    "southamerica-east1",
    "southamerica-west1",
    "us",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west3",
    "us-west4",
];
const SOVEREIGN_PATTERNS: [&str; 2] = ["docker.*.goog", "docker.s3nsregistry.fr"];

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> RegistryHost {
        RegistryHost::parse(text).expect(text)
    }

    #[test]
    fn hosts_that_docker_is_configured_for_are_served() {
        let hosts = Hosts::default();
        let named = Hosts::by_name(true);
        assert_eq!(Hosts::by_name(false).len(), 5);
        assert_eq!(named.len(), 50);
        for name in named {
            assert!(
                hosts.serves(&RegistryHost::parse(&name).expect("host")),
                "{name}"
            );
        }
    }

    #[test]
    fn googles_registries_in_every_form_are_served() {
        let hosts = Hosts::default();
        for image in [
            "gcr.io/project/app",
            "gcr.io/example.com/project/app:v1",
            "us.gcr.io/p/a",
            "eu.gcr.io/p/a",
            "asia.gcr.io/p/a",
            "marketplace.gcr.io/google/nginx",
            "k8s.gcr.io/pause",
            "b.gcr.io/p/a",
            "container.cloud.google.com/p/a",
            "us-docker.pkg.dev/p/r/a",
            "europe-west1-docker.pkg.dev/example.com/p/r/a",
            "docker.us-central1.rep.pkg.dev/p/r/a",
            "GCR.io/p/a",
            "gcr.io./p/a",
            "gcr.io:443/p/a",
        ] {
            assert!(hosts.serves(&host(image)), "{image}");
        }
    }

    #[test]
    fn a_token_goes_nowhere_else() {
        let hosts = Hosts::default();
        for image in [
            "evilgcr.io/p/a",
            "gcr.io.evil.com/p/a",
            ".gcr.io/p/a",
            "a.b.gcr.io/p/a",
            "-docker.pkg.dev/p/a",
            "docker.pkg.dev/p/a",
            "us-npm.pkg.dev/p/a",
            "pkg.dev/p/a",
            "us-docker.pkg.dev.evil.com/p/a",
            "a.us-docker.pkg.dev/p/a",
            "docker..rep.pkg.dev/p/a",
            "docker.a.b.rep.pkg.dev/p/a",
            "evil.docker.us.rep.pkg.dev/p/a",
            "us_x-docker.pkg.dev/p/a",
            "registry.k8s.io/pause",
            "gcr/p/a",
            "busybox",
            "docker.x.goog/p/a",
            "docker.s3nsregistry.fr/p/a",
            "google.com/p/a",
        ] {
            assert!(!hosts.serves(&host(image)), "{image}");
        }
    }

    #[test]
    fn others_are_served_if_the_operator_adds_them() {
        let also_serve = AlsoServe::parse("registry.k8s.io,mirror.corp:5000").expect("list");
        let hosts = Hosts {
            also_serve,
            sovereign: true,
        };
        for image in [
            "registry.k8s.io/pause",
            "mirror.corp:5000/a",
            "docker.x.goog/p/a",
            "docker.s3nsregistry.fr/p/a",
        ] {
            assert!(hosts.serves(&host(image)), "{image}");
        }
        for image in [
            "mirror.corp/a",
            "docker.a.b.goog/x",
            "docker.s3nsregistry.fr.evil/a",
        ] {
            assert!(!hosts.serves(&host(image)), "{image}");
        }
        let patterns = hosts.patterns();
        assert!(patterns.contains(&"docker.*.goog".to_owned()));
        assert!(patterns.contains(&"mirror.corp:5000".to_owned()));
    }

    #[test]
    fn every_key_set_matches_the_registry_as_written() {
        let also_serve = AlsoServe::parse("registry.k8s.io").expect("list");
        let hosts = Hosts {
            also_serve,
            sovereign: true,
        };
        for image in [
            "gcr.io/p/a",
            "us.gcr.io/p/a",
            "GCR.io/p/a",
            "gcr.io:443/p/a",
            "us-docker.pkg.dev/p/r/a",
            "docker.us-central1.rep.pkg.dev/p/r/a",
            "registry.k8s.io/pause",
            "docker.x.goog/p/a",
        ] {
            let keys = hosts.keys(&host(image));
            let matches = |key: &String| ImagePattern::parse(key).expect(key).matches(image);
            assert!(keys.iter().any(matches), "{image}: {keys:?}");
        }
    }

    #[test]
    fn keys_of_ordinary_hosts_do_not_depend_on_the_host() {
        let hosts = Hosts::default();
        assert_eq!(
            hosts.keys(&host("gcr.io/a")),
            hosts.keys(&host("us-docker.pkg.dev/a"))
        );
        let added = Hosts {
            also_serve: AlsoServe::parse("mirror.corp").expect("list"),
            sovereign: false,
        };
        assert_eq!(added.keys(&host("mirror.corp/a")), ["mirror.corp"]);
    }
}
