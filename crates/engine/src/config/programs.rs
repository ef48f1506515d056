//! The programs of the plugins (kubernetes `pkg/credentialprovider/plugin/plugin.go`,
//! `RegisterCredentialProviderPlugins`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::error::ConfigError;

/// Whether the bin dir exists.
pub(super) fn inspect_bin_dir(bin_dir: &Path) -> Result<(), ConfigError> {
    let path = bin_dir.to_owned();
    match fs::metadata(bin_dir) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(ConfigError::NoBinDir(path)),
        Err(error) => Err(ConfigError::BinDir { path, error }),
    }
}

/// The plugin's file, if it can be executed. The errors contain the path, which the kubelet's omit.
pub(super) fn find_plugin(bin_dir: &Path, name: &str) -> Result<PathBuf, ConfigError> {
    // An empty name passes validation and fails here, as in the kubelet.
    let path = match name {
        "" => bin_dir.to_owned(),
        name => bin_dir.join(name),
    };
    match check_executable(&path) {
        Ok(()) => Ok(path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(ConfigError::NoPlugin(path)),
        Err(error) => Err(ConfigError::Plugin { path, error }),
    }
}

fn check_executable(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)?;
    Ok(())
}
