//! The trait of a cloud, and its request.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::{Issued, Plan, ProviderError, ReferenceError, RegistryHost};

/// Obtains registry credentials of one cloud.
pub trait Provider: Send + Sync {
    /// Stable lower-case name, the suffix of the crate: `ecr`.
    fn name(&self) -> &'static str;

    /// The images served, in the kubelet's `matchImages` syntax.
    fn match_images(&self) -> Vec<String>;

    /// Registries that docker may be configured to ask this provider for, by name, in addition to
    /// the plain hosts of [`Provider::match_images`]; docker knows no patterns.
    fn docker_hosts(&self) -> Vec<String>;

    /// Whether a token may go to this registry. Cheap, without I/O, and narrower than
    /// [`Provider::match_images`] where a host name needs it.
    fn serves(&self, registry: &RegistryHost) -> bool;

    /// The images for which a kubelet has to send the pod's token, where the provider knows that and
    /// the token's audience: what a kubelet's configuration needs. None by default.
    fn pod_tokens(&self) -> Vec<PodTokens> {
        Vec::new()
    }

    /// Files with logins, tokens and keys that its configuration names: what only their owner should be
    /// able to read. None by default.
    fn secret_files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Decides how the request is answered: whose identity is used, and under which key the answer
    /// may be shared. Reads configuration files, but sends no request and starts no process; that is
    /// left to [`Plan::fetch`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotServed`] for a registry that [`Provider::serves`] refuses;
    /// [`crate::ErrorKind::NotConfigured`] or [`crate::ErrorKind::IdentityUnavailable`] when no
    /// identity can be chosen.
    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError>;

    /// Plans and fetches; callers cache.
    ///
    /// # Errors
    /// Those of [`Provider::plan`] and [`Plan::fetch`].
    fn credentials<'a>(
        &'a self,
        request: &'a CredentialRequest,
    ) -> impl Future<Output = Result<Issued, ProviderError>> + Send + 'a
    where
        Self: Sized,
    {
        async move { self.plan(request)?.fetch().await }
    }
}

/// Images that are pulled with the pod's token, and what a kubelet has to know of it (KEP-4412).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodTokens {
    /// The token's only audience.
    pub audience: String,
    /// The images, in the kubelet's `matchImages` syntax.
    pub match_images: Vec<String>,
    /// Whether an answer depends on the service account alone, and not on the one token.
    pub by_account: bool,
    /// Whether a request without a token is an error.
    pub required: bool,
}

/// A request to a provider: the kubelet's `CredentialProviderRequest`, or the argument of a command.
#[derive(Clone, Debug)]
pub struct CredentialRequest {
    /// The image or host as written, without a scheme.
    pub image: String,
    /// Its registry.
    pub registry: RegistryHost,
    /// The pod's service account token (KEP-4412), if the kubelet sent one.
    pub service_account_token: Option<SecretString>,
    /// The service account's annotations that the kubelet was configured to send.
    pub service_account_annotations: BTreeMap<String, String>,
}

impl CredentialRequest {
    /// A request for an image, a host or a registry URL, without a service account.
    ///
    /// # Errors
    /// When the text names no registry.
    pub fn new(image: &str) -> Result<Self, ReferenceError> {
        let image = image.trim();
        Ok(Self {
            registry: RegistryHost::parse(image)?,
            image: image
                .split_once("://")
                .map_or(image, |(_, rest)| rest)
                .to_owned(),
            service_account_token: None,
            service_account_annotations: BTreeMap::new(),
        })
    }
}
