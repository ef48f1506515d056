//! An explanation as text: the three sources in order, then what is tried, then one last line.

use std::fmt;
use std::time::Duration;

use super::{
    Answer, CandidateReport, Explanation, FileReport, KeyReport, LoginReport, PluginState,
    ProviderReport, Trial,
};
use crate::table::Page;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::default();
        self.head(&mut page);
        self.pull_secrets(&mut page);
        if self.pull_secret_error.is_none() {
            self.docker_config(&mut page);
        }
        self.providers(&mut page);
        self.order(&mut page);
        page.line(0, "");
        page.line(0, &format!("=> {}", self.conclusion()));
        f.write_str(&page.into_text())
    }
}

impl Explanation {
    /// The one line for somebody in a hurry.
    #[must_use]
    pub fn conclusion(&self) -> String {
        if let Some(error) = &self.pull_secret_error {
            return format!("every pull of this pod fails before any attempt: {error}");
        }
        let mut trials = self
            .candidates
            .iter()
            .filter_map(|c| Some((c, c.trial.as_ref()?)));
        if let Some((candidate, _)) = trials.clone().find(|(_, trial)| trial.worked) {
            return format!("works with {}", candidate.credential);
        }
        match &self.anonymous {
            Some(trial) if trial.worked => return "works without a credential".to_owned(),
            Some(trial) => return format!("fails: {}", error_of(trial)),
            None => {}
        }
        if let Some((_, trial)) = trials.find(|(_, trial)| !trial.curable) {
            return format!("fails, and no credential can help: {}", error_of(trial));
        }
        if self.candidates.iter().any(|c| c.trial.is_some()) {
            return "fails: the registry refused every credential, and with any at hand there is \
                    no anonymous attempt"
                .to_owned();
        }
        let asked = self
            .providers
            .iter()
            .filter(|p| p.state == PluginState::WouldRun);
        match (asked.count(), self.candidates.len()) {
            (0, 0) => "no credential: one anonymous attempt".to_owned(),
            (0, 1) => format!("a pull would try {}", self.candidates[0].credential),
            (0, n) => format!(
                "a pull would try {n} credentials, first {}",
                self.candidates[0].credential
            ),
            (plugins, n) => format!(
                "a pull would ask {} first; {} without {}",
                plural(plugins, "plugin"),
                match n {
                    0 => "no credential is known".to_owned(),
                    n => format!("{} known", are(n, "credential")),
                },
                if plugins == 1 { "it" } else { "them" },
            ),
        }
    }

    fn head(&self, page: &mut Page) {
        let policy = format!(
            "{} unless the container says otherwise",
            self.default_policy
        );
        page.table(
            0,
            &[
                vec!["image".to_owned(), self.image.clone()],
                vec!["pulled as".to_owned(), self.reference.clone()],
                vec!["looked up as".to_owned(), self.name.clone()],
                vec!["pull policy".to_owned(), policy],
            ],
        );
    }

    fn pull_secrets(&self, page: &mut Page) {
        page.line(0, "");
        if let Some(error) = &self.pull_secret_error {
            page.line(0, "1. pull secrets of the pod");
            page.line(1, &format!("error: {error}"));
            return;
        }
        if self.pull_secrets.is_empty() {
            page.line(0, "1. pull secrets of the pod: none");
            return;
        }
        page.line(0, "1. pull secrets of the pod");
        for secret in &self.pull_secrets {
            match &secret.skipped {
                Some(why) => page.line(1, &format!("{}: ignored, {why}", secret.source)),
                None => page.line(1, &secret.source),
            }
            page.notes(2, &secret.notes);
        }
        page.keys(2, &self.pull_secret_keys, true);
    }

    fn docker_config(&self, page: &mut Page) {
        page.line(0, "");
        let used = self.docker_configs.iter().find(|file| file.used);
        let missing = |file: &&FileReport| file.missing;
        let missing = self.docker_configs.iter().filter(missing).count();
        match used {
            Some(file) => page.line(
                0,
                &format!("2. node docker config: {}", file.path.display()),
            ),
            None => page.line(0, "2. node docker config: none"),
        }
        for file in &self.docker_configs {
            if !file.used && !file.missing && file.outcome != NOT_REACHED {
                page.line(1, &format!("{}: {}", file.path.display(), file.outcome));
            }
        }
        match used {
            Some(file) => {
                page.notes(1, &file.notes);
                page.keys(1, &self.docker_config_keys, false);
            }
            None if missing > 0 => {
                page.line(
                    1,
                    &format!("{} looked at, nothing there:", plural(missing, "place")),
                );
                for file in self.docker_configs.iter().filter(|file| file.missing) {
                    page.line(2, &file.path.display().to_string());
                }
            }
            None => {}
        }
    }

    fn providers(&self, page: &mut Page) {
        page.line(0, "");
        if !self.has_provider_config {
            page.line(0, "3. credential provider plugins: no configuration given");
            return;
        }
        page.line(0, "3. credential provider plugins");
        for provider in &self.providers {
            provider.render(page);
        }
        if !self.provider_keys.is_empty() {
            page.line(1, "keys answered, in the order of the look-up");
            page.keys(2, &self.provider_keys, true);
        }
    }

    fn order(&self, page: &mut Page) {
        page.line(0, "");
        let would_run = self
            .providers
            .iter()
            .filter(|p| p.state == PluginState::WouldRun);
        let waiting: Vec<&str> = would_run.map(|p| p.name.as_str()).collect();
        if self.candidates.is_empty() && waiting.is_empty() {
            page.line(0, "order of attempts: one, anonymous");
            if let Some(trial) = &self.anonymous {
                page.line(1, &trial.in_words());
            }
            return;
        }
        page.line(
            0,
            "order of attempts (first success ends it; no anonymous one at the end)",
        );
        let rows: Vec<Vec<String>> = self.candidates.iter().enumerate().map(row).collect();
        for (line, candidate) in Page::columns(&rows).iter().zip(&self.candidates) {
            page.line(1, line);
            match (&candidate.trial, candidate.same_as) {
                (Some(trial), _) => page.line(3, &trial.in_words()),
                (None, Some(earlier)) => {
                    page.line(3, &format!("same login as {earlier}, not tried again"));
                }
                (None, None) => {}
            }
        }
        if !waiting.is_empty() {
            let line = match waiting.as_slice() {
                [one] => format!("then what {one} answers"),
                all => format!(
                    "then what {} answer, in the order of their keys",
                    all.join(", ")
                ),
            };
            page.line(1, &line);
        }
    }
}

impl ProviderReport {
    fn render(&self, page: &mut Page) {
        let mode = match self.token_mode {
            true => ", with the pod's service account",
            false => "",
        };
        page.line(
            1,
            &format!("{}{mode} ({})", self.name, self.program.display()),
        );
        let rows: Vec<Vec<String>> = self
            .match_images
            .iter()
            .map(|pattern| {
                let verdict = match pattern.matched {
                    true => String::new(),
                    false => pattern.verdict.clone(),
                };
                vec![yes_no(pattern.matched), pattern.pattern.clone(), verdict]
            })
            .collect();
        page.table(2, &rows);
        for pattern in &self.match_images {
            for warning in &pattern.warnings {
                page.line(2, &format!("note: {}: {warning}", pattern.pattern));
            }
        }
        match &self.state {
            PluginState::NotMatched => page.line(2, "not asked: no pattern matched"),
            PluginState::WouldRun => page.line(2, "a pull would ask it"),
            PluginState::Skipped { reason } => page.line(2, &format!("skipped: {reason}")),
            PluginState::Answered(answer) => page.line(2, &answer.in_words()),
            PluginState::Failed {
                error,
                detail,
                took,
            } => {
                page.line(2, &format!("FAILED after {}: {error}", seconds(*took)));
                if let Some(detail) = detail {
                    page.line(3, &format!("the kubelet does not say: {detail}"));
                }
            }
        }
    }
}

impl Answer {
    fn in_words(&self) -> String {
        let what = match self.keys.len() {
            0 => "answered nothing".to_owned(),
            n => format!("answered {}", plural(n, "key")),
        };
        let kept = match &self.cache_duration {
            Some(duration) => format!("cacheDuration {duration}"),
            None => "no cacheDuration, the configured default counts".to_owned(),
        };
        let when = match self.cached {
            true => "from the cache".to_owned(),
            false => format!("in {}", seconds(self.took)),
        };
        format!(
            "{what} {when}; cacheKeyType {}, {kept}",
            self.cache_key_type
        )
    }
}

impl Trial {
    fn in_words(&self) -> String {
        match (&self.error, &self.digest) {
            (Some(error), _) => format!("failed in {}: {error}", seconds(self.took)),
            (None, Some(digest)) => format!("works ({digest}, {})", seconds(self.took)),
            (None, None) => format!("works ({})", seconds(self.took)),
        }
    }
}

fn row((at, candidate): (usize, &CandidateReport)) -> Vec<String> {
    vec![
        format!("{}.", at + 1),
        candidate.credential.source.clone(),
        format!("key {}", candidate.credential.key),
        user(&candidate.credential.username),
    ]
}

fn error_of(trial: &Trial) -> &str {
    trial.error.as_deref().unwrap_or("no reason given")
}

fn yes_no(yes: bool) -> String {
    if yes { "match" } else { "-" }.to_owned()
}

fn user(name: &str) -> String {
    match name {
        "" => "no user name".to_owned(),
        name => format!("user {name}"),
    }
}

fn plural(n: usize, word: &str) -> String {
    match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    }
}

fn are(n: usize, word: &str) -> String {
    let verb = if n == 1 { "is" } else { "are" };
    format!("{} {verb}", plural(n, word))
}

fn seconds(span: Duration) -> String {
    format!("{:.2} s", span.as_secs_f64())
}

impl Page {
    /// Keys with their logins: those that match, then some of the others.
    fn keys(&mut self, depth: usize, keys: &[KeyReport], with_source: bool) {
        let mut rows = Vec::new();
        let mut notes = Vec::new();
        let (used, unused): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.used);
        let shown = unused.len().min(MOST_UNUSED);
        for key in used.iter().chain(&unused[..shown]) {
            let verdict = match key.used && key.verdict == MATCHES {
                true => String::new(),
                false => key.verdict.clone(),
            };
            if key.logins.is_empty() {
                rows.push(vec![yes_no(key.used), key.key.clone(), verdict.clone()]);
            }
            for login in &key.logins {
                let mut row = vec![yes_no(key.used), key.key.clone(), user(&login.username)];
                if with_source {
                    row.push(login.source.clone());
                }
                row.push(verdict.clone());
                rows.push(row);
                notes.extend(login.notes.iter().map(|note| noted(key, login, note)));
            }
        }
        self.table(depth, &rows);
        if unused.len() > shown {
            let more = unused.len() - shown;
            self.line(depth, &format!("-      and {more} more that do not match"));
        }
        self.notes(depth, &notes);
    }
}

fn noted(key: &KeyReport, login: &LoginReport, note: &str) -> String {
    match login.server == key.key {
        true => format!("{}: {note}", key.key),
        false => format!("{} (written {}): {note}", key.key, login.server),
    }
}

/// Keys without a match that are worth a line; the data has all of them.
const MOST_UNUSED: usize = 10;
const MATCHES: &str = "matches";
const NOT_REACHED: &str = "not looked at";
