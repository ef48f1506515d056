//! What the authorization of a request depends on.

use regcred_http::{Client, Retry, Url};

use super::scope::Scopes;
use crate::client::object::Object;

/// The server that a request is for, and what the request needs.
pub(crate) struct AuthContext<'a> {
    pub(crate) client: &'a Client,
    pub(crate) url: &'a Url,
    /// Whether secrets may be sent in clear text, because an operator wrote `http://`.
    pub(crate) cleartext: bool,
    pub(crate) retry: Retry,
    pub(crate) object: &'a Object,
    /// `repository:<path>:pull`, for a challenge that names no scope.
    pub(crate) default_scope: &'a str,
    /// What a token must allow even if no challenge names it. Empty for a pull: there the server's
    /// own words are enough.
    pub(crate) scopes: Scopes,
}
