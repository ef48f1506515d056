//! An explanation as text: the three sources in order, the servers, the attempts, the conclusion.

use std::fmt;
use std::time::Duration;

use regcred_keyring::{ConfigFile, FileOutcome, InspectedEntry, InspectedKey, Verdict};

use super::explanation::{CandidateReport, Explanation, PatternReport, ProviderReport, Trial};
use crate::credentials::Conclusion;
use crate::plugin::Provision;
use crate::table::{TextTable, Tone, plural};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table(&[]).into_text())
    }
}

impl Explanation {
    /// The text in lines, with the findings of others before the verdict.
    #[must_use]
    pub fn table(&self, findings: &[(Tone, String)]) -> TextTable {
        let mut table = TextTable::default();
        self.head(&mut table);
        self.pull_secrets(&mut table);
        self.docker_config(&mut table);
        self.providers(&mut table);
        self.hosts.render(&mut table, self.needed_capability());
        self.order(&mut table);
        if !findings.is_empty() {
            table.line(0, "");
            table.line(0, "findings about these sources");
        }
        for (tone, finding) in findings {
            table.toned(*tone, 1, finding);
        }
        table.line(0, "");
        let tone = match &self.verdict {
            Conclusion::Works { .. }
            | Conclusion::WorksAnonymously
            | Conclusion::WorksWithHostLogins { .. }
            | Conclusion::Present => Tone::Good,
            Conclusion::Untried { .. } => Tone::Plain,
            _ => Tone::Bad,
        };
        table.toned(tone, 0, format_args!("=> {}", self.verdict));
        table
    }

    fn head(&self, table: &mut TextTable) {
        let policy = format!("{} unless the container sets one", self.default_policy);
        let rows = [
            ["image", &self.image],
            ["pulled as", &self.reference],
            ["looked up as", &self.name],
            ["pull policy", &policy],
        ];
        table.rows(0, &rows.map(|row| row.map(str::to_owned).into()));
    }

    /// What a server must be able to do for the image: a tag has to be resolved.
    fn needed_capability(&self) -> &'static str {
        if self.reference.contains('@') {
            "pull"
        } else {
            "resolve"
        }
    }

    fn pull_secrets(&self, table: &mut TextTable) {
        table.line(0, "");
        if self.pull_secret_error.is_none() && self.pull_secrets.is_empty() {
            table.line(0, "1. pull secrets of the pod: none");
            return;
        }
        table.line(0, "1. pull secrets of the pod");
        if let Some(error) = &self.pull_secret_error {
            table.toned(Tone::Bad, 1, format_args!("error: {error}"));
        }
        for secret in &self.pull_secrets {
            match &secret.skipped {
                Some(why) => {
                    let text = format_args!("{}: ignored, {why}", secret.source);
                    table.toned(Tone::Doubtful, 1, text);
                }
                None => table.line(1, &secret.source),
            }
            table.notes(2, &secret.notes);
        }
        keys(table, 2, &self.pull_secret_keys, true);
    }

    fn docker_config(&self, table: &mut TextTable) {
        table.line(0, "");
        let (mut used, mut missing): (Option<&ConfigFile>, Vec<&ConfigFile>) = Default::default();
        let mut broken = Vec::new();
        for file in &self.docker_configs {
            match file.outcome {
                FileOutcome::Used => used = Some(file),
                FileOutcome::Missing => missing.push(file),
                FileOutcome::NotReached => {}
                FileOutcome::Unreadable(_) | FileOutcome::Unparsable(_) => broken.push(file),
            }
        }
        let path = used.map_or_else(|| "none".into(), |file| file.path.to_string_lossy());
        table.line(0, format_args!("2. node docker config: {path}"));
        for ConfigFile { path, outcome, .. } in broken {
            table.toned(Tone::Bad, 1, format_args!("{}: {outcome}", path.display()));
        }
        if let Some(file) = used {
            table.notes(1, &file.notes);
            keys(table, 1, &self.docker_config_keys, false);
        } else if !missing.is_empty() {
            let files = plural(missing.len(), "file");
            table.line(1, format_args!("{files} looked for, none found:"));
            for file in missing {
                table.toned(Tone::Faint, 2, file.path.display());
            }
        }
    }

    fn providers(&self, table: &mut TextTable) {
        table.line(0, "");
        if !self.has_provider_config {
            table.line(0, "3. credential provider plugins: no configuration given");
            return;
        }
        table.line(0, "3. credential provider plugins");
        if self.plugins_run {
            table.line(1, &self.plugin_environment);
        }
        for provider in &self.providers {
            provider.render(table);
        }
        if !self.provider_keys.is_empty() {
            table.line(1, "keys answered, in the order of the look-up");
            keys(table, 2, &self.provider_keys, true);
        }
    }

    fn order(&self, table: &mut TextTable) {
        table.line(0, "");
        if self.pull_secret_error.is_some() {
            table.line(0, "order of attempts: none");
            return;
        }
        let would_run = |one: &&ProviderReport| matches!(one.state, Provision::WouldRun);
        let waiting = self.providers.iter().filter(would_run);
        let waiting: Vec<&str> = waiting.map(|one| one.name.as_str()).collect();
        if self.candidates.is_empty() && waiting.is_empty() {
            match self.anonymous_before.len() {
                0 => table.line(0, "order of attempts: one, anonymous"),
                n => {
                    let heading = "anonymous, each with other logins for mirrors";
                    table.line(0, format_args!("order of attempts: {}, {heading}", n + 1));
                }
            }
            for trial in self.anonymous_before.iter().chain(&self.anonymous) {
                trial.render(table, 1);
            }
            return;
        }
        let last = match self.anonymous {
            Some(_) => "an anonymous one at the end",
            None => "no anonymous one at the end",
        };
        table.line(
            0,
            format_args!("order of attempts (first success ends it; {last})"),
        );
        let rows: Vec<Vec<String>> = self.candidates.iter().enumerate().map(row).collect();
        for (line, candidate) in TextTable::columns(&rows).iter().zip(&self.candidates) {
            table.line(1, line);
            if let Some(trial) = &candidate.trial {
                trial.render(table, 3);
            } else if let Some(earlier) = candidate.same_as {
                let text = format_args!("same login as {earlier}, not tried again");
                table.toned(Tone::Faint, 3, text);
            }
        }
        if !waiting.is_empty() {
            let verb = match waiting.len() {
                1 => "answers",
                _ => "answer, in the order of their keys",
            };
            table.line(1, format_args!("then what {} {verb}", waiting.join(", ")));
        }
        if let Some(trial) = &self.anonymous {
            table.line(1, "anonymous");
            trial.render(table, 3);
        }
    }
}

impl ProviderReport {
    fn render(&self, table: &mut TextTable) {
        let mode = if self.token_mode {
            ", with the pod's service account"
        } else {
            ""
        };
        let (name, program) = (&self.name, self.program.display());
        table.line(1, format_args!("{name}{mode} ({program})"));
        let row = |one: &PatternReport| {
            let matched = one.verdict == Verdict::Matched;
            let row = vec![
                match_or_dash(matched),
                one.pattern.clone(),
                reason(&one.verdict),
            ];
            (good_or_faint(matched), row)
        };
        let rows: Vec<_> = self.match_images.iter().map(row).collect();
        table.toned_rows(2, &rows);
        for one in &self.match_images {
            for warning in &one.warnings {
                let note = format_args!("note: {}: {warning}", one.pattern);
                table.toned(Tone::Doubtful, 2, note);
            }
        }
        match &self.state {
            Provision::NotMatched => table.toned(Tone::Faint, 2, "not asked: no pattern matched"),
            Provision::WouldRun => table.line(2, "a pull would ask it"),
            Provision::Skipped { reason } => {
                table.toned(Tone::Doubtful, 2, format_args!("skipped: {reason}"));
            }
            Provision::Answered {
                answer,
                cached,
                took,
                ..
            } => {
                let what = match answer.auth.len() {
                    0 => "answered nothing".to_owned(),
                    n => format!("answered {}", plural(n, "key")),
                };
                let when = if *cached {
                    "from the cache".to_owned()
                } else {
                    format!("in {}", seconds(*took))
                };
                let kept = match answer.cache_duration {
                    Some(duration) => format!("cacheDuration {duration}"),
                    None => "no cacheDuration, the configured default applies".to_owned(),
                };
                let scope = answer.cache_key_type.as_str();
                let tone = good_or_faint(!answer.auth.is_empty());
                let text = format_args!("{what} {when}; cacheKeyType {scope}, {kept}");
                table.toned(tone, 2, text);
            }
            Provision::Failed { error, took } => {
                let took = seconds(*took);
                table.toned(Tone::Bad, 2, format_args!("FAILED after {took}: {error}"));
                if let Some(detail) = error.detail() {
                    let text = format_args!("the kubelet does not log: {detail}");
                    table.toned(Tone::Bad, 3, text);
                }
            }
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = seconds(self.took);
        match &self.result {
            Ok(digest) => write!(f, "works ({digest}, {took})"),
            Err(error) if error.login_sent == Some(false) => {
                write!(f, "failed in {took}, the login was not sent: {error}")
            }
            Err(error) => write!(f, "failed in {took}: {error}"),
        }
    }
}

/// Keys with their logins: those that match, then some of the others.
fn keys(table: &mut TextTable, depth: usize, keys: &[InspectedKey], with_source: bool) {
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let (used, unused): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.is_used());
    let shown = unused.len().min(MOST_UNUSED);
    for key in used.iter().chain(&unused[..shown]) {
        let head = [match_or_dash(key.is_used()), key.key.clone()];
        if key.entries.is_empty() {
            let row = [&head[..], &[reason(&key.verdict)]].concat();
            rows.push((good_or_faint(key.is_used()), row));
        }
        for login in &key.entries {
            let mut row = head.to_vec();
            row.push(user(&login.username));
            if with_source {
                row.push(login.source.to_string());
            }
            row.push(reason(&key.verdict));
            rows.push((good_or_faint(key.is_used()), row));
            notes.extend(login.notes.iter().map(|note| noted(key, login, note)));
        }
    }
    table.toned_rows(depth, &rows);
    if unused.len() > shown {
        let more = unused.len() - shown;
        let text = format_args!("-      and {more} more that do not match");
        table.toned(Tone::Faint, depth, text);
    }
    table.notes(depth, &notes);
}

fn noted(key: &InspectedKey, login: &InspectedEntry, note: &str) -> String {
    if login.server == key.key {
        format!("{}: {note}", key.key)
    } else {
        format!("{} (written {}): {note}", key.key, login.server)
    }
}

fn row((at, candidate): (usize, &CandidateReport)) -> Vec<String> {
    let credential = &candidate.credential;
    vec![
        format!("{}.", at + 1),
        credential.source.clone(),
        format!("key {}", credential.key),
        user(&credential.username),
    ]
}

fn good_or_faint(matched: bool) -> Tone {
    if matched { Tone::Good } else { Tone::Faint }
}

fn match_or_dash(matched: bool) -> String {
    if matched { "match" } else { "-" }.to_owned()
}

/// A match needs no reason.
fn reason(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Matched => String::new(),
        verdict => verdict.to_string(),
    }
}

fn user(name: &str) -> String {
    match name {
        "" => "no user name".to_owned(),
        name => format!("user {name}"),
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.2} s", span.as_secs_f64())
}

/// Keys without a match that are worth a line; the data has all of them.
const MOST_UNUSED: usize = 10;
