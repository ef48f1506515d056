//! The only builder of HTTP clients: deadlines, proxies, trust, retries, bounded bodies, and the
//! parser of `WWW-Authenticate` challenges.
//!
//! A [`Client`] is cheap to make: certificates are read at the first TLS handshake only, so a
//! process that asks a metadata server over plain http never pays for them.

mod address;
mod body;
mod cause;
mod challenge;
mod client;
mod connections;
mod error;
mod error_fields;
mod file_body;
mod kept_sockets;
mod names;
mod network;
mod options;
mod pace;
mod pause;
mod proxy;
mod random;
mod request;
mod resolve;
mod response;
mod retry;
mod roots;
mod sendfile;
mod sent_secrets;
mod target;
mod tls;
mod vars;
mod web_page;

pub use address::{has_user, host_and_port, is_link_local, is_loopback, secure_url};
pub use body::Body;
pub use cause::AT_PROXY;
pub use challenge::{Challenge, parse_challenges};
pub use client::Client;
pub use error::{HttpError, kind_of_status};
pub use error_fields::ErrorFields;
pub use file_body::BodyObserver;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use network::Network;
pub use options::{CaBundle, ClientOptions, Proxy};
pub use proxy::{EnvProxy, ProxyRules};
pub use random::random_word;
pub use request::{FormValue, Request};
pub use resolve::resolve;
pub use response::Response;
pub use retry::{Retry, is_passing_status};
pub use sent_secrets::know_header;
pub use url::Url;
pub use vars::VARS;
pub use web_page::{has_page_type, is_web_page};
