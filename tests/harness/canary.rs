//! The search for secrets in everything that a person can read of a program.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::Finished;

/// Everything that a program and its libraries log.
pub const VERBOSE: &str = "trace,hyper=trace,hyper_util=trace,reqwest=trace,rustls=trace,h2=trace,tonic=trace,\
     tower=trace,kube=trace,aws_config=trace,aws_sdk_ecr=trace,aws_sdk_sts=trace,aws_smithy_runtime=trace,\
     aws_sigv4=trace,aws_runtime=trace,azure_core=trace,azure_identity=trace,gcp_auth=trace";

/// Secrets, and what was searched for them.
#[derive(Default)]
pub struct Canary {
    spellings: Vec<(String, String)>,
    searched: BTreeMap<&'static str, usize>,
    cases: usize,
    leaks: Vec<String>,
}

impl Canary {
    /// A search for these secrets from now on, besides earlier ones.
    ///
    /// # Panics
    /// Without a secret: the other side got none, and a search would find none.
    #[track_caller]
    pub fn look_for(&mut self, secrets: impl IntoIterator<Item = String>, context: &str) {
        let secrets: BTreeSet<String> = secrets.into_iter().collect();
        assert!(
            !secrets.is_empty(),
            "{context}: no secret reached the other side"
        );
        self.spellings.clear();
        for secret in secrets {
            assert!(secret.len() >= 6, "{context}: {secret:?} is a word");
            self.spellings
                .extend(spellings(&secret).map(|one| (secret.clone(), one)));
        }
        self.cases += 1;
    }

    /// Searches a text.
    pub fn search(&mut self, kind: &'static str, context: &str, text: &str) {
        *self.searched.entry(kind).or_default() += text.len();
        let found = self
            .spellings
            .iter()
            .find(|(_, spelling)| text.contains(spelling));
        if let Some((secret, spelling)) = found {
            let leak = format!("{context}: {kind} has {secret} as {spelling} in: {text}");
            self.leaks.push(leak);
        }
    }

    /// Searches what a program wrote for people.
    pub fn search_output(&mut self, context: &str, done: &Finished) {
        self.search("standard error", context, &done.stderr);
        self.search("standard output", context, &done.stdout());
    }

    /// Searches a directory: a file that others may read has no secret.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn search_files(&mut self, context: &str, directory: &Path) {
        for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
            let path = entry.path();
            let Ok(data) = path.symlink_metadata() else {
                continue;
            };
            if data.is_dir() {
                self.search_files(context, &path);
            } else if data.is_file() && data.permissions().mode() & 0o077 != 0 {
                let text = std::fs::read(&path).unwrap_or_default();
                let context = format!("{context}, {}", path.display());
                self.search(
                    "files for others",
                    &context,
                    &String::from_utf8_lossy(&text),
                );
            }
        }
    }

    /// Prints what was searched.
    ///
    /// # Panics
    /// When a secret was found, or less than `least` bytes were searched.
    #[track_caller]
    #[expect(clippy::print_stdout, reason = "a figure of the evidence")]
    pub fn end(self, least: usize) {
        let sum: usize = self.searched.values().sum();
        println!(
            "{} cases, {sum} bytes searched: {:?}",
            self.cases, self.searched
        );
        let leaks = self.leaks.len();
        assert!(leaks == 0, "{leaks} leaks, the first: {}", self.leaks[0]);
        assert!(sum >= least, "only {sum} bytes were searched");
    }
}

/// How a secret may appear: as it is, cut, in base64 alone or within a longer text, percent-encoded, with
/// JSON's and HTML's escapes.
fn spellings(secret: &str) -> impl Iterator<Item = String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    let mut found = BTreeSet::from([
        secret.to_owned(),
        STANDARD.encode(secret),
        with_small_digits(&form),
        form,
        json.trim_matches('"').to_owned(),
        html,
    ]);
    for before in 1..3 {
        let longer = STANDARD_NO_PAD.encode([&b"--"[..before], secret.as_bytes()].concat());
        found.insert(longer[before + 1..longer.len() - 1].to_owned());
    }
    // A login's user name is before the password, and a token's header is every token's.
    if secret.len() > 64 && secret.is_ascii() {
        found.insert(secret[secret.len() - 24..].to_owned());
    }
    found.into_iter()
}

/// Percent-encoding as .NET writes it.
pub(crate) fn with_small_digits(form: &str) -> String {
    let mut parts = form.split('%');
    let mut small = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2.min(part.len()));
        small.push('%');
        small.push_str(&digits.to_ascii_lowercase());
        small.push_str(rest);
    }
    small
}
