//! Go's texts: JSON, YAML, URLs, base64, booleans, times and durations read and written as the kubelet's Go
//! does, with Go's sentences for what it refuses.
//!
//! Parsing only, without I/O. Texts of a document are secrets until a decoder knows better, and no
//! error repeats text that may hold one.

mod base64;
mod boolean;
mod duration;
mod error;
pub mod json;
mod messages;
mod netip;
mod quote;
mod strict;
mod time;
mod url;
mod value;
pub mod yaml;

pub use base64::decode_base64;
pub use boolean::go_bool;
pub use duration::{DurationError, GoDuration};
pub use error::DecodeError;
pub use messages::{go_aggregate, go_errno};
pub use quote::{go_lowercase, go_quote, go_text};
pub use strict::{Decoder, Field};
pub use url::{GoUrl, UrlError, split_port};
pub use value::{Value, field_of, folds_to};
