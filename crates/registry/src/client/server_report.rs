//! A server as it is configured, and the last request to it.

use serde::Serialize;

/// A server of a repository, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerReport {
    /// Its base address, with `/v2` or an overridden path.
    pub url: String,
    /// Whether it is a mirror, and not the registry.
    pub is_mirror: bool,
    /// Whether it is asked only if the server before it, the same over https, does not speak TLS.
    pub only_for_plain: bool,
    /// What it may be asked for: `pull`, `resolve`, `push`.
    pub capabilities: Vec<&'static str>,
    /// The login for it.
    pub login: OfferedLogin,
    /// The last request; `None` if it was not asked.
    pub asked: Option<ServerExchange>,
}

/// The login that a server gets when it asks for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "login", rename_all = "camelCase")]
#[non_exhaustive]
pub enum OfferedLogin {
    /// The image's, if it has one.
    #[default]
    Image,
    /// The one that the keyring has for the server: its label.
    Own(String),
    /// None: the image's is kept from it.
    Withheld,
}

/// A request to a server and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerExchange {
    /// Method and path after the repository's: `GET manifests/v1`.
    pub request: String,
    /// Whether the image's login went over the wire to it.
    pub image_login_sent: bool,
    /// The logins of hosts' own that did, each with its host.
    pub host_logins: Vec<String>,
    /// The status of an answer that is a success.
    pub status: Option<u16>,
    /// Why the request failed.
    pub error: Option<String>,
}
