//! One fetch for all processes of a node: a private, locked cache of credentials on disk, wrapped
//! around a provider.
//!
//! A kubelet starts one plugin process for each image. Without this layer two hundred images of one
//! registry are two hundred calls of the cloud's API; with it they are one. A broken cache is never an
//! error of the caller: it is the same as none.

mod cached;
mod dir;
mod entry;
mod failure;
mod list;
mod lock;
mod slot;
mod vars;

pub use cached::{Cached, StoredOrPlan};
pub use dir::{CacheDir, CacheDirError};
pub use list::ListedEntry;
pub use vars::{CACHE_VAR, VARS};
