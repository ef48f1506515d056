//! gcloud's configuration directory.

use std::path::PathBuf;

use regcred_core::Env;

use crate::vars;

/// The directory that the environment names, else the usual one below the home directory.
pub(crate) fn gcloud_dir(env: &Env) -> Option<PathBuf> {
    env.path(vars::GCLOUD_CONFIG_DIR)
        .or_else(|| Some(env.home()?.join(".config/gcloud")))
}

/// The name in it of the file that `gcloud auth application-default login` writes.
pub(crate) const WELL_KNOWN: &str = "application_default_credentials.json";
