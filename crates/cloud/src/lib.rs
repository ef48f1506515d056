//! The kit of providers: what every cloud needs and no cloud decides.
//!
//! A provider keeps one [`Cloud`] with its settings, reads them through [`Options`], holds secrets
//! as [`SecretPlace`] until they are needed, and reports through its [`Errors`].

mod cloud;
mod errors;
mod firmware;
mod label;
mod options;
mod secret_place;
mod signing_key;
mod token;
mod token_call;

pub use cloud::{Cloud, DEADLINE};
pub use errors::Errors;
pub use firmware::firmware_holds;
pub use label::is_label;
pub use options::{Options, metadata_base, secure_base};
pub use secret_place::SecretPlace;
pub use signing_key::SigningKey;
pub use token::{AccessToken, Claims, TokenResponse, secret};
pub use token_call::TokenCall;
