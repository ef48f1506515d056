//! One docker configuration file.

use std::sync::Arc;

use super::{Next, Refresher, Seen, Served};
use crate::docker_file;
use crate::report::{Action, Report};

impl Refresher {
    /// Brings a docker configuration file up to date.
    pub(crate) async fn serve_file(&self, place: usize) -> Served {
        let plan = &self.plan.files[place];
        let mut report = Report {
            target: plan.target.clone(),
            namespace: Arc::from(""),
            kind: "File",
            name: plan.path.display().to_string(),
            action: Action::Failed,
            reason: None,
            hosts: Vec::new(),
            expires_at: None,
            registry_failed: false,
            cause: None,
        };
        let check_at = self.next_check();
        let mut next = check_at;
        let mut logins = Vec::new();
        let mut lives = Vec::new();
        for source in &plan.sources {
            let answer = self.tokens.get(*source, None).await;
            if let Some(failure) = answer.failure {
                next = next.min(failure.retry_at);
                report.registry_failed = true;
                report.reason = Some(failure.text.to_string());
            }
            if let Some(token) = answer.token {
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
        let failed = |report, next| Served {
            reports: vec![report],
            seen: None,
            next,
        };
        if logins.is_empty() {
            return failed(report, Next::At(next));
        }
        let (file, dry_run) = (plan.file(), self.mode.dry_run);
        // A lock on the file may make it wait.
        let written =
            tokio::task::spawn_blocking(move || docker_file::set(&file, dry_run, &logins)).await;
        match written {
            Ok(Ok(action)) => report.action = action,
            Ok(Err(error)) => {
                report.reason = Some(regcred_core::report(&error));
                return failed(report, Next::Later);
            }
            Err(_) => {
                report.reason = Some("the write was cut short".to_owned());
                return failed(report, Next::Later);
            }
        }
        let expires = report.expires_at;
        Served {
            reports: vec![report],
            seen: Some(Seen {
                version: String::new(),
                fingerprint: None,
                lives,
                check_at,
                expires,
                told: false,
                restored: false,
                inputs: String::new(),
            }),
            next: Next::At(next),
        }
    }
}
