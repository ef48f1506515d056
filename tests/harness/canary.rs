//! The search for secrets in everything that a person can read of a program.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::Finished;

/// Everything that a program and its libraries log.
pub const VERBOSE: &str = "trace,hyper=trace,hyper_util=trace,reqwest=trace,rustls=trace,h2=trace,tonic=trace,\
     tower=trace,kube=trace,aws_config=trace,aws_sdk_ecr=trace,aws_sdk_sts=trace,aws_smithy_runtime=trace,\
     aws_sigv4=trace,aws_runtime=trace,azure_core=trace,azure_identity=trace,gcp_auth=trace";

/// Secrets, and what was searched for them.
#[derive(Default)]
pub struct Canary {
    /// Of the secrets that are looked for now.
    spellings: Vec<(String, String)>,
    /// Every secret that was looked for.
    secrets: BTreeSet<String>,
    searched: BTreeMap<&'static str, usize>,
    cases: usize,
    leaks: Vec<String>,
}

impl Canary {
    /// A search for these secrets from now on, in place of earlier ones.
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
        for secret in &secrets {
            assert!(secret.len() >= 6, "{context}: {secret:?} is a word");
            let spellings: BTreeSet<String> = FORMS.iter().map(|form| form(secret)).collect();
            let spellings = spellings.into_iter().map(|one| (secret.clone(), one));
            self.spellings.extend(spellings);
        }
        self.secrets.extend(secrets);
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

    /// Searches what a program wrote that answers a protocol: its standard output has the login at the
    /// protocol's own place, and nowhere else.
    pub fn search_answer(&mut self, context: &str, done: &Finished) {
        self.search("standard error", context, &done.stderr);
        self.search(
            "answers but for their login",
            context,
            &without_login(&done.stdout()),
        );
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
            "canary: {} cases, {} secrets in {} forms, {sum} bytes searched: {:?}",
            self.cases,
            self.secrets.len(),
            FORMS.len(),
            self.searched
        );
        let leaks = self.leaks.len();
        assert!(leaks == 0, "{leaks} leaks, the first: {}", self.leaks[0]);
        assert!(sum >= least, "only {sum} bytes were searched");
    }
}

/// An answer of a plugin without the password at the place that the kubelet, docker or the command `token`
/// reads; the rest of another text.
#[must_use]
pub fn without_login(answer: &str) -> String {
    let Ok(mut answer) = serde_json::from_str::<Value>(answer) else {
        return answer.to_owned();
    };
    for place in ["password", "Secret"] {
        if let Some(Value::String(password)) = answer.get_mut(place) {
            password.clear();
        }
    }
    for list in ["auth", "auths"] {
        let logins = answer.get_mut(list).and_then(Value::as_object_mut);
        for login in logins.into_iter().flat_map(|logins| logins.values_mut()) {
            for place in ["password", "auth"] {
                if let Some(Value::String(password)) = login.get_mut(place) {
                    password.clear();
                }
            }
        }
    }
    answer.to_string()
}

/// The forms in which a secret may appear: as it is, in base64 and base64url, alone or within a longer text,
/// percent-encoded, with JSON's and HTML's escapes, and cut.
const FORMS: [fn(&str) -> String; 12] = [
    str::to_owned,
    |secret| STANDARD.encode(secret),
    |secret| URL_SAFE_NO_PAD.encode(secret),
    |secret| within(&STANDARD_NO_PAD, 1, secret),
    |secret| within(&STANDARD_NO_PAD, 2, secret),
    |secret| within(&URL_SAFE_NO_PAD, 1, secret),
    |secret| within(&URL_SAFE_NO_PAD, 2, secret),
    percent_encoded,
    |secret| with_small_digits(&percent_encoded(secret)),
    |secret| {
        let json = Value::from(secret).to_string();
        json[1..json.len() - 1].to_owned()
    },
    |secret| {
        let escaped = secret.replace('&', "&amp;").replace('<', "&lt;");
        escaped.replace('"', "&quot;")
    },
    // A login's user name is before the password, and a token's header is every token's.
    |secret| match secret.len().checked_sub(24) {
        Some(at) if at > 40 && secret.is_ascii() => secret[at..].to_owned(),
        _ => secret.to_owned(),
    },
];

/// The characters of base64 that depend on the secret alone, after so many other bytes.
fn within(alphabet: &GeneralPurpose, before: usize, secret: &str) -> String {
    let longer = alphabet.encode([&b"--"[..before], secret.as_bytes()].concat());
    longer[before + 1..longer.len() - 1].to_owned()
}

fn percent_encoded(secret: &str) -> String {
    url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()
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
