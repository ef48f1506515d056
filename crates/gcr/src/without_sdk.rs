//! In the place of `sdk.rs` in a static program. There gcp_auth cannot resolve a name, so no request is left to
//! it; linked all the same, it and its HTTP client would be a sixth of the program.

use regcred_cloud::AccessToken;
use secrecy::SecretString;

use crate::credential_file::CredentialFile;
use crate::settings::Cloud;

pub(crate) async fn key_token(
    _: &Cloud,
    _: &str,
    _: &SecretString,
    _: &str,
) -> Option<AccessToken> {
    None
}

pub(crate) async fn user_token(_: &Cloud, _: &CredentialFile) -> Option<AccessToken> {
    None
}
