//! A region of Oracle's cloud: the metadata server of an instance, the auth service, a service that
//! knows resources, the token service of a cluster, and the registry's token endpoint.
//!
//! Nothing is taken on trust. Signatures are verified with the key that their `keyId` names,
//! certificates with the CA that issued them, session keys by what was posted for them; a date that
//! is off, a body that was changed and a federation call that was made before are refused.

mod authority;
mod cluster;
mod metadata;
mod registry;
mod services;
mod signature;

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use crate::cloud::{Cloud, Trouble, Upstream};
use crate::server::Server;
use crate::{Logins, Tls};

use authority::Authority;

pub use authority::{INSTANCE, TENANCY, USER, service_account_token};
pub use metadata::Mood;

/// The region. Dropping it ends its servers.
pub struct FakeOci {
    authority: Arc<Authority>,
    metadata: Server,
    services: Server,
    registry: Server,
    cluster: Server,
    tls: Tls,
    home: TempDir,
}

impl FakeOci {
    /// Starts a region with one instance, one user, one cluster and one resource.
    ///
    /// # Panics
    /// When its files cannot be written.
    #[must_use]
    pub fn start() -> Self {
        let authority = Arc::new(Authority::new());
        let tls = Tls::loopback();
        let home = tempfile::tempdir().expect("a directory");
        let this = Self {
            metadata: Server::start(metadata::Metadata(Arc::clone(&authority))),
            services: Server::start(services::Services(Arc::clone(&authority))),
            registry: Server::start(registry::Registry(Arc::clone(&authority))),
            cluster: Server::start_tls(cluster::Cluster(Arc::clone(&authority)), &tls),
            authority,
            tls,
            home,
        };
        for (name, text) in [
            ("user.pem", USER_KEY.to_owned() + "OCI_API_KEY\n"),
            ("encrypted.pem", USER_KEY_ENCRYPTED.replace('\n', "\r\n")),
            ("session.token", this.authority.session_of_user() + "\n"),
            ("delegation.token", DELEGATION.to_owned() + "\n"),
            ("resource.pem", RESOURCE_KEY.to_owned()),
            ("resource.token", this.authority.session_of_resource()),
            ("sa.token", service_account_token("api", 3000) + "\n"),
        ] {
            this.write(name, &text);
        }
        this.write("config", &this.config());
        this
    }

    /// The logins issued so far.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        &self.authority.logins
    }

    /// Who asked for a registry token: `instance`, `user`, `user by session`, `resource`, `parent`,
    /// a service account; ` for USER` behind it when on their behalf.
    #[must_use]
    pub fn owner(&self, token: &str) -> Option<String> {
        self.authority.owner(token)
    }

    /// The metadata server, for its records and its moods.
    #[must_use]
    pub fn metadata(&self) -> &Server {
        &self.metadata
    }

    /// The auth service, for its records.
    #[must_use]
    pub fn services(&self) -> &Server {
        &self.services
    }

    /// The registry's token endpoint, for its records.
    #[must_use]
    pub fn registry(&self) -> &Server {
        &self.registry
    }

    /// The cluster's token service, for its records.
    #[must_use]
    pub fn cluster(&self) -> &Server {
        &self.cluster
    }

    /// How the metadata server behaves from now on.
    pub fn set_mood(&self, mood: Mood) {
        self.authority.set_mood(mood);
    }

    /// So many next calls of the auth service and the token endpoint are throttled.
    pub fn throttle(&self, calls: usize) {
        self.authority.throttle(calls);
    }

    /// Whether the registry lets the tokens that it issues from now on read anything.
    pub fn set_authorised(&self, authorised: bool) {
        self.authority.set_authorised(authorised);
    }

    /// From now on the registry's token endpoint goes wrong so.
    pub fn set_trouble(&self, trouble: Trouble) {
        self.authority.set_trouble(trouble);
    }

    /// All session tokens end: whoever kept one has to make another.
    pub fn end_sessions(&self) {
        self.authority.end_sessions();
    }

    /// Every secret that was issued.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = self.authority.secrets();
        for key in [USER_KEY, RESOURCE_KEY, authority::LEAF_KEY] {
            secrets.extend(key.lines().nth(1).map(str::to_owned));
        }
        secrets
    }

    /// A file of the home directory.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(".oci").join(name)
    }

    /// The variables that lead to the region's servers, and a home with a user's configuration.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let metadata = self.metadata.url() + "/opc/v2";
        let home = self.home.path().display().to_string();
        pairs(&[
            ("HOME", &home),
            ("OCI_METADATA_BASE_URL", &metadata),
            ("OCI_SDK_AUTH_CLIENT_REGION_URL", &self.services.url()),
            ("REGCRED_OCIR_TOKEN_URL", &self.registry.url()),
        ])
    }

    /// The same with more variables; `{home}` in a value is the `.oci` directory, `{services}` the
    /// address of the auth service.
    #[must_use]
    pub fn env_with(&self, vars: &[(&str, &str)]) -> Vec<(String, String)> {
        let home = self.home.path().join(".oci").display().to_string();
        let services = self.services.url();
        let fill = |text: &str| {
            text.replace("{home}", &home)
                .replace("{services}", &services)
        };
        let mut env = self.env();
        env.extend(vars.iter().map(|(n, v)| ((*n).to_owned(), fill(v))));
        env
    }

    /// The variables of the cluster, as an operator sets them for a kubelet plugin.
    #[must_use]
    pub fn cluster_env(&self) -> Vec<(String, String)> {
        let port = self.cluster.address().port().to_string();
        let ca = self.tls.ca_file().display().to_string();
        let mut env = self.env();
        env.extend(pairs(&[
            ("KUBERNETES_SERVICE_HOST", "127.0.0.1"),
            ("REGCRED_OCIR_PROXYMUX_PORT", &port),
            ("OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH", &ca),
        ]));
        env
    }

    fn config(&self) -> String {
        let dir = self.home.path().join(".oci").display().to_string();
        format!(
            "[DEFAULT]\n\
             user={USER}\n\
             fingerprint={USER_FINGERPRINT}\n\
             tenancy={TENANCY}\n\
             region=us-phoenix-1\n\
             key_file=~/.oci/user.pem\n\
             [locked]\n\
             key_file={dir}/encrypted.pem\n\
             pass_phrase={PASSPHRASE}\n\
             [session]\n\
             user=\n\
             security_token_file={dir}/session.token\n\
             [behalf]\n\
             authentication_type=instance_principal\n\
             delegation_token_file={dir}/delegation.token\n"
        )
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.home.path().join(".oci")).expect("a directory");
        std::fs::write(self.file(name), text).expect("a file");
    }
}

impl Cloud for FakeOci {
    fn env(&self) -> Vec<(String, String)> {
        Self::env(self)
    }

    fn image(&self) -> &str {
        "phx.ocir.io/axnamespace/team/app"
    }

    fn public(&self) -> &[&str] {
        &["REGCRED_OCIR_TOKEN_URL"]
    }

    fn upstream(&self, _vars: &[(String, String)]) -> Option<Upstream> {
        Some(Upstream {
            program: "credential-provider-oke",
            args: Vec::new(),
            env: Vec::new(),
            image: self.image().to_owned(),
        })
    }

    fn username(&self) -> &str {
        "BEARER_TOKEN"
    }

    fn secrets(&self) -> Vec<String> {
        Self::secrets(self)
    }

    fn calls(&self) -> usize {
        self.registry.count(registry::TOKEN_PATH)
    }

    fn trouble(&self, trouble: Trouble) {
        self.set_trouble(trouble);
    }
}

fn pairs(vars: &[(&str, &str)]) -> Vec<(String, String)> {
    let vars = vars.iter();
    vars.map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect()
}

/// Keys that were made for these tests.
const USER_KEY: &str = include_str!("ocir/user.pem");
const USER_KEY_ENCRYPTED: &str = include_str!("ocir/user-encrypted.pem");
const RESOURCE_KEY: &str = include_str!("ocir/resource.pem");
const USER_FINGERPRINT: &str = "d4:95:65:f3:59:0a:49:d7:5c:19:1e:d2:e4:26:0f:33";
/// The passphrase of the user's encrypted key.
pub const PASSPHRASE: &str = "passphrase-of-a-test";
const DELEGATION: &str = "delegation.of-a-user.token";
