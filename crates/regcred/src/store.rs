//! Where images are stored, and whether root may write there.

use std::path::{Path, PathBuf, absolute};

use regcred_core::Env;
use regcred_files::Root;
use regcred_registry::Layout;
use regcred_run::ProgramError;

/// The directory that a person named, else the default.
///
/// # Errors
/// For a user without a home.
pub(crate) fn path(named: Option<&PathBuf>, env: &Env) -> Result<PathBuf, ProgramError> {
    let default = || default_path(env, rustix::process::geteuid().is_root());
    let path = named.cloned().or_else(default);
    path.ok_or_else(|| ProgramError::not_configured(NO_STORE))
}

/// `/var/lib/regcred/images` for root, else `$XDG_DATA_HOME/regcred/images`, else
/// `~/.local/share/regcred/images`; `None` for a user without a home.
fn default_path(env: &Env, is_root: bool) -> Option<PathBuf> {
    if is_root {
        return Some("/var/lib/regcred/images".into());
    }
    // The XDG specification demands that relative paths are ignored.
    let data = env.path("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let data = data.or_else(|| Some(env.home()?.join(".local/share")))?;
    Some(data.join("regcred/images"))
}

/// Opens the store, or creates it readable by its owner only.
pub(crate) fn open_or_create(path: &Path) -> Result<Layout, ProgramError> {
    refuse_of_another_user(path)?;
    Layout::open_or_create(path).map_err(ProgramError::not_configured)
}

/// Opens the store to change what is in it; `None` if it does not exist.
pub(crate) fn open_to_change(path: &Path) -> Result<Option<Layout>, ProgramError> {
    refuse_of_another_user(path)?;
    Layout::open_to_change(path).map_err(ProgramError::not_configured)
}

/// Root writes no store below a directory of another user, who may put another in its place at any moment.
fn refuse_of_another_user(path: &Path) -> Result<(), ProgramError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let refused = |why: String| {
        let path = path.display();
        ProgramError::not_configured(format!("cannot write the store {path} as root: {why}"))
    };
    let look = || {
        let root = Root::open(Path::new("/"))?;
        root.of_another_user(&root.real(&absolute(path)?, true)?)
    };
    match look().map_err(|error| refused(error.to_string()))? {
        None => Ok(()),
        Some(directory) => Err(refused(format!(
            "{} belongs to another user; run this as that user, or name a store elsewhere",
            directory.display()
        ))),
    }
}

const NO_STORE: &str = "HOME is not set, so the store has no place: name a directory with --store";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_store_follows_the_user() {
        let path = |env: &[(&str, &str)], root| {
            let env = Env::map(env.iter().copied());
            default_path(&env, root).map(|p| p.display().to_string())
        };
        assert_eq!(path(&[], true).as_deref(), Some("/var/lib/regcred/images"));
        assert_eq!(path(&[], false), None);
        assert_eq!(
            path(&[("HOME", "/home/a")], false).as_deref(),
            Some("/home/a/.local/share/regcred/images")
        );
        assert_eq!(
            path(&[("HOME", "/home/a"), ("XDG_DATA_HOME", "/data")], false).as_deref(),
            Some("/data/regcred/images")
        );
        assert_eq!(
            path(&[("HOME", "/home/a"), ("XDG_DATA_HOME", "data")], false).as_deref(),
            Some("/home/a/.local/share/regcred/images")
        );
    }

    #[test]
    fn a_new_store_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("a/b");
        open_or_create(&path).expect("made");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
