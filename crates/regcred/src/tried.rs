//! What a failed request has in common with every other: the logins that were tried, the plugins that
//! failed, and what was passed over.

use regcred_engine::{Attempt, PluginError};

/// The message of a failure, and after it what a kubelet omits.
pub(crate) fn with_attempts(
    message: String,
    attempts: &[Attempt],
    failures: &[PluginError],
    passed_over: &[String],
) -> String {
    let mut line = message;
    let (mut tried, mut unsent) = (Vec::new(), Vec::new());
    for attempt in attempts {
        if let Some(credential) = &attempt.credential {
            let is_unsent = attempt.error.login_sent == Some(false);
            let logins = if is_unsent { &mut unsent } else { &mut tried };
            logins.push(credential.to_string());
        }
        for login in &attempt.error.host_logins {
            if !tried.contains(login) {
                tried.push(login.clone());
            }
        }
    }
    for (word, logins) in [("tried", tried), ("not sent:", unsent)] {
        if !logins.is_empty() {
            line.push_str(&format!("; {word} {}", logins.join(", then ")));
        }
    }
    for failure in failures {
        let reason = failure.in_full();
        line.push_str(&format!("; plugin {} failed: {reason}", failure.plugin()));
    }
    for passed_over in passed_over {
        line.push_str(&format!("; {passed_over}"));
    }
    line
}
