//! Where logins come from, and the tokens that are held in memory.

mod not_issued;
mod provider;
mod store;
mod token;
mod token_source;

pub(crate) use store::{TokenFailure, TokenStore};
pub(crate) use token::{Tenant, TenantIdentity, Token, written};
