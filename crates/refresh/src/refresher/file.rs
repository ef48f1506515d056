//! One docker configuration file.

use super::context::Refresher;
use super::docker_file;
use super::outcome::{LastSeen, Next, Outcome};
use crate::report::Report;

impl Refresher {
    /// Brings a docker configuration file up to date.
    pub(crate) async fn serve_file(&self, place: usize) -> Outcome {
        let plan = &self.plan.files[place];
        let mut report = Report::of_file(&plan.target, &plan.file.path);
        let check_at = self.next_check();
        let mut next = check_at;
        let mut logins = Vec::new();
        let mut lives = Vec::new();
        for source in &plan.sources {
            let available = self.tokens.get(*source, None).await;
            if let Some(failure) = available.failure {
                next = next.min(failure.retry_at);
                report.registry_failed = true;
                report.reason = Some(failure.text.to_string());
            }
            if let Some(token) = available.token {
                if !report.registry_failed {
                    next = next.min(self.tokens.due(*source, &token.life));
                }
                lives.push((*source, token.life));
                for (host, login) in &token.logins {
                    report.hosts.push(host.clone());
                    logins.push((host.clone(), login.clone()));
                }
            }
        }
        report.expires_at = lives.iter().filter_map(|(_, life)| life.expires).min();
        if logins.is_empty() {
            return Outcome::forgotten(report, Next::At(next));
        }
        let (file, dry_run) = (plan.file.clone(), self.mode.dry_run);
        // A lock on the file may make it wait.
        let written =
            tokio::task::spawn_blocking(move || docker_file::set(&file, dry_run, &logins)).await;
        match written {
            Ok(Ok(action)) => report.action = action,
            failed => {
                report.reason = Some(match failed {
                    Ok(Err(error)) => regcred_core::report(&error),
                    _ => "the write was interrupted".to_owned(),
                });
                return Outcome::forgotten(report, Next::Later);
            }
        }
        let expires = report.expires_at;
        Outcome {
            reports: vec![report],
            seen: Some(LastSeen {
                version: String::new(),
                fingerprint: None,
                lives,
                check_at,
                expires,
                reported: false,
                restored: false,
                inputs: String::new(),
            }),
            next: Next::At(next),
        }
    }
}
