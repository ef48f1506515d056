//! What the authorization of a request depends on.

use regcred_http::{Client, Network, Retry, Url};

use super::scope::Scopes;
use crate::client::object::Object;

/// The server that a request is for, and what the request needs.
pub(crate) struct AuthContext<'a> {
    pub(crate) client: &'a Client,
    pub(crate) url: &'a Url,
    /// Whether secrets may be sent in clear text, because an operator wrote `http://`.
    pub(crate) cleartext: bool,
    /// From where the server names a token server: its network, or a private one if an operator wrote its address.
    pub(crate) network: Network,
    /// The network of the server that named this one; `None` if none did.
    pub(crate) named_by: Option<Network>,
    pub(crate) retry: Retry,
    pub(crate) object: &'a Object,
    /// `repository:<path>:pull`, for a challenge that names no scope.
    pub(crate) default_scope: &'a str,
    /// What a token must allow even if no challenge names it. Empty for a pull: there the server's
    /// own words are enough.
    pub(crate) scopes: Scopes,
}
