//! The addresses of Google's services.

use std::path::PathBuf;

/// Where Google's services are. `None` stands for the public address in the universe.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    /// `host` or `host:port`.
    pub(crate) metadata_host: String,
    /// The token exchange of the Security Token Service.
    pub(crate) sts: Option<String>,
    /// Base URL of the IAM Service Account Credentials API.
    pub(crate) iam_credentials: Option<String>,
    /// The OAuth2 token endpoint.
    pub(crate) oauth: Option<String>,
    /// The file that names the machine's maker.
    pub(crate) product_name: PathBuf,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            metadata_host: METADATA_HOST.to_owned(),
            sts: None,
            iam_credentials: None,
            oauth: None,
            product_name: PRODUCT_NAME.into(),
        }
    }
}

/// The address and not the name: a machine without it is found out by a short connection timeout,
/// while resolving the name can take any time.
pub(crate) const METADATA_HOST: &str = "169.254.169.254";
const PRODUCT_NAME: &str = "/sys/class/dmi/id/product_name";
