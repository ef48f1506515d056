//! Entries in a docker configuration file on this machine: set, or removed again.

use regcred_core::Credentials;
use regcred_docker_config::{Change, DockerFile, EntryForm, FileError};

use crate::report::Action;
use crate::tokens::written;

/// Writes these logins into the file.
pub(super) fn set(
    file: &DockerFile,
    dry_run: bool,
    logins: &[(String, Credentials)],
) -> Result<Action, FileError> {
    let (change, ()) = file.edit(dry_run, |document| {
        for (host, login) in logins {
            document.set(host, &written(login), EntryForm::Full);
        }
        Ok(())
    })?;
    Ok(match change {
        Change::Created => Action::Create,
        Change::Updated => Action::Update,
        Change::Unchanged => Action::Unchanged,
    })
}

/// Removes the entries of these hosts from the file.
pub(super) fn remove(
    file: &DockerFile,
    dry_run: bool,
    hosts: &[String],
) -> Result<Action, FileError> {
    if !file.path.exists() {
        return Ok(Action::Unchanged);
    }
    // Owner and mode stay as they are.
    let file = DockerFile::new(&file.path);
    let (change, ()) = file.edit(dry_run, |document| {
        for host in hosts {
            document.remove(host);
        }
        Ok(())
    })?;
    Ok(match change {
        Change::Unchanged => Action::Unchanged,
        Change::Created | Change::Updated => Action::Delete,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_say_what_became_of_the_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = DockerFile::new(dir.path().join("config.json"));
        let logins = |password| vec![("a.io".to_owned(), Credentials::new("u", password))];
        let set = |dry_run, password| set(&file, dry_run, &logins(password)).expect("done");
        let remove = |host: &str| remove(&file, false, &[host.to_owned()]).expect("done");
        assert_eq!(remove("a.io"), Action::Unchanged);
        assert_eq!(set(true, "p"), Action::Create);
        assert_eq!(set(false, "p"), Action::Create);
        assert_eq!(set(false, "p"), Action::Unchanged);
        assert_eq!(set(true, "q"), Action::Update);
        assert_eq!(set(false, "q"), Action::Update);
        assert_eq!(remove("b.io"), Action::Unchanged);
        assert_eq!(remove("a.io"), Action::Delete);
        assert_eq!(remove("a.io"), Action::Unchanged);
    }
}
