//! Where logins come from, and the tokens that are held in memory.

mod provider;
mod secret_file;
mod store;
mod tenant;
mod token;
mod token_source;

pub(crate) use store::{TokenFailure, TokenStore};
pub(crate) use tenant::{Tenant, TenantIdentity};
pub(crate) use token::{Token, written};
