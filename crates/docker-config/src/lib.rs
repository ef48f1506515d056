//! Docker's configuration file on this machine: some entries are edited in place, and logins that it
//! already holds are imported.

mod docker_file;
mod document;
mod error;
mod import_plan;
mod ownership;
mod text_file;

pub use docker_file::{DockerFile, read};
pub use document::{Document, DocumentError, EntryForm, EntryLogin, HelperChange, config_json};
pub use error::FileError;
pub use import_plan::{ImportError, ImportPlan};
pub use text_file::{Change, TextEdit, TextFile};
