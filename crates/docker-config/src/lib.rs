//! Docker's configuration file on this machine: some entries are edited in place, and logins that it
//! already holds are imported.

mod docker_file;
mod document;
mod error;
mod import_plan;
mod ownership;

pub use docker_file::{Change, DockerFile, read};
pub use document::{Document, DocumentError, EntryForm, EntryLogin, HelperChange, config_json};
pub use error::FileError;
pub use import_plan::{ImportError, ImportPlan};
