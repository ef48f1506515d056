//! One docker configuration file on this machine: its entries are set, or removed again.

use regcred_core::Credentials;
use regcred_docker_config::{Change, DockerFile, EntryForm, FileError};

use super::context::Refresher;
use super::outcome::{LastSeen, Next, Outcome, add_failures, survive};
use crate::failure::RefreshFailure;
use crate::life::Lives;
use crate::plan::FilePlan;
use crate::report::{Action, Report};
use crate::tokens::written;

impl Refresher {
    /// Brings a docker configuration file up to date.
    pub(crate) async fn serve_file(&self, place: usize) -> Outcome {
        let plan = &self.plan.files[place];
        let report = || Report::of_file(&plan.target, &plan.file.path);
        survive(report, self.refresh_file(plan, report())).await
    }

    async fn refresh_file(&self, plan: &FilePlan, mut report: Report) -> Outcome {
        let check_at = self.next_check();
        let mut next = check_at;
        let mut logins = Vec::new();
        let mut lives = Lives::default();
        let mut failures = Vec::new();
        for source in &plan.sources {
            let available = self.tokens.get(*source, None).await;
            if let Some(failure) = available.failure {
                next = next.min(failure.retry_at);
                failures.push((*source, failure));
            }
            if let Some(token) = available.token {
                if failures.is_empty() {
                    next = next.min(self.tokens.due(*source, &token.life));
                }
                lives.0.push((*source, token.life));
                for (host, login) in &token.logins {
                    report.hosts.push(host.clone());
                    logins.push((host.clone(), login.clone()));
                }
            }
        }
        report.expires_at = lives.expires();
        // The file records no ages: what it has of a registry without a token may have expired.
        add_failures(&mut report, &plan.sources, &failures, &lives);
        if logins.is_empty() {
            return Outcome::forgotten(report, Next::At(next));
        }
        let (file, dry_run) = (plan.file.clone(), self.mode.dry_run);
        // A lock on the file may make it wait.
        let done = tokio::task::spawn_blocking(move || set(&file, dry_run, &logins)).await;
        match done {
            Ok(Ok(action)) => report.action = action,
            failed => {
                let failure = match failed {
                    Ok(Err(error)) => unwritten(&error),
                    _ => RefreshFailure::new("the write was interrupted", Some("try again later")),
                };
                let report = report.failed(Action::Failed, failure);
                return Outcome::forgotten(report, Next::Later);
            }
        }
        Outcome {
            reports: vec![report],
            seen: Some(LastSeen {
                lives,
                check_at,
                ..LastSeen::default()
            }),
            next: Next::At(next),
        }
    }
}

/// A file that could not be changed.
pub(super) fn unwritten(error: &FileError) -> RefreshFailure {
    RefreshFailure::new(regcred_core::report(error), Some(error.next_step()))
}

/// Writes these logins into the file.
fn set(
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

/// Removes the entries of these hosts from the file, which stays.
pub(super) fn remove(
    file: &DockerFile,
    dry_run: bool,
    hosts: &[String],
) -> Result<Action, FileError> {
    // A file whose existence is unknown is opened, so that the reason is reported.
    if matches!(file.path.try_exists(), Ok(false)) {
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
        Change::Created | Change::Updated => Action::Update,
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
        assert_eq!(remove("a.io"), Action::Update, "the file stays");
        assert_eq!(remove("a.io"), Action::Unchanged);
    }

    #[test]
    fn a_file_that_cannot_be_looked_up_is_not_unchanged() {
        let dir = tempfile::tempdir().expect("a directory");
        let link = dir.path().join("config.json");
        std::os::unix::fs::symlink(&link, &link).expect("a link to itself");
        let removed = remove(&DockerFile::new(&link), false, &["a.io".to_owned()]);
        assert!(removed.is_err(), "{removed:?}");
    }
}
