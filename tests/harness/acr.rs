//! Azure: Entra ID's token endpoint, the metadata service of a virtual machine, and the token
//! endpoints of a container registry. What one issues, the next one checks.
//!
//! Entra ID here takes what the real one takes: secrets of its applications, assertions signed by
//! a certificate that was uploaded (algorithm, thumbprint, audience, time, each of them once), and
//! tokens of a cluster that a federated credential names (key id, signature, issuer, subject,
//! audience, time). Refusals carry its error codes.

mod assertion;
mod azure;
mod cloud;
mod cluster;
mod directory;
mod entra;
mod imds;
mod registry;

pub use azure::FakeAzure;
pub use cloud::AcrCloud;
pub use cluster::{BINDINGS_AUDIENCE, FEDERATION_AUDIENCE, service_account_token};
pub use directory::{Directory, Granted};
pub use entra::FakeEntra;
pub use imds::FakeImds;
pub use registry::FakeAcr;

/// The tenant of everything here.
pub const TENANT: &str = "72f988bf-0000-4000-8000-00000000face";
/// An application with a secret.
pub const SECRET_CLIENT: &str = "11111111-0000-4000-8000-000000000001";
/// That secret; its characters must be percent-encoded in a form.
pub const CLIENT_SECRET: &str = "s3cr3t~8Q+with/odd=characters&more";
/// An application with a certificate.
pub const CERTIFICATE_CLIENT: &str = "22222222-0000-4000-8000-000000000002";
/// An application with a federated credential for the cluster's service account `shop/puller`.
pub const WORKLOAD_CLIENT: &str = "33333333-0000-4000-8000-000000000003";
/// The machine's user-assigned identity by client id, object id and resource id.
pub const IDENTITY_CLIENT: &str = "44444444-0000-4000-8000-000000000004";
/// See [`IDENTITY_CLIENT`].
pub const IDENTITY_OBJECT: &str = "44444444-0000-4000-8000-0000000000ff";
/// See [`IDENTITY_CLIENT`].
pub const IDENTITY_RESOURCE: &str = "/subscriptions/5/resourcegroups/nodes/providers/\
                                     Microsoft.ManagedIdentity/userAssignedIdentities/puller";
/// The registry's login server.
pub const LOGIN_SERVER: &str = "contoso.azurecr.io";
/// The user name that stands for a token.
pub const NULL_GUID: &str = "00000000-0000-0000-0000-000000000000";
/// The registries' own audience.
pub const REGISTRY_AUDIENCE: &str = "https://containerregistry.azure.net";
/// The resource manager's audience.
pub const ARM_AUDIENCE: &str = "https://management.azure.com";

/// The present time in Unix seconds.
#[expect(clippy::disallowed_methods, reason = "tokens end by the real clock")]
fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

#[cfg(test)]
mod tests;
