//! The secrets that this process has sent or received: no text for a person repeats one of them, whoever
//! wrote it.
//!
//! Keyed hashes are kept, because a copy that lives as long as the process would never be wiped: a
//! secret is found by the hash of its first bytes and verified by that of all its bytes. The latest secrets
//! wait for the first text to be hashed, since most runs of a plugin have none.

mod spellings;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use spellings::{base64_parts, readings};

/// From now on no message, log line, event or page of this process has this text: neither as it is, nor in
/// base64 (also as a part of a longer text), percent-encoded, or with the escapes of JSON and HTML. Less
/// than six bytes are a word that any text may contain.
pub fn know_secret(text: &str) {
    let text = text.trim();
    if text.len() >= SHORTEST {
        known().receive(text.into());
    }
}

/// Whether a variable, a header or a member of this name has a secret: `AZURE_CLIENT_SECRET`,
/// `subjectToken`, `x-amz-security-token`. The name of a type, a file or an identifier is not one.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    (SECRET_WORDS.iter().any(|word| name.contains(word))
        || SECRET_ENDINGS.iter().any(|end| name.ends_with(end)))
        && !OTHER_ENDINGS.iter().any(|end| name.ends_with(end))
}

/// Who wrote a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// A server, a program, a file: every secret is hidden.
    Foreign,
    /// This program, which may quote others: a password that is a word, or a part of a number, stays: the
    /// text may have it for another reason.
    Own,
}

/// The text with `[secret]` in place of each secret.
pub(crate) fn hide(text: &str, author: Author) -> Cow<'_, str> {
    let mut known = known();
    known.learn_waiting();
    if known.order.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut found = Vec::new();
    for reading in readings(text) {
        let ranges = known.find(&reading.bytes, author);
        found.extend(ranges.into_iter().map(|range| reading.place(&range)));
    }
    drop(known);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|range| (range.start, range.end));
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        if range.start >= end {
            shown.push_str(text.get(end..range.start).unwrap_or_default());
            shown.push_str(HIDDEN);
        }
        end = end.max(range.end);
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    Cow::Owned(shown)
}

#[derive(Default)]
struct KnownSecrets {
    hashes: RandomState,
    /// By the hash of the first bytes: the lengths of those that begin so, and how many have each.
    lengths: HashMap<u64, BTreeMap<usize, usize>>,
    forms: HashMap<Spelling, Form>,
    /// The hash of the first bytes of each; the oldest first.
    order: VecDeque<(u64, Spelling)>,
    /// Not yet hashed.
    waiting: Vec<SecretString>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Spelling {
    length: usize,
    hash: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it was sent.
    Whole,
    /// The same, of a few letters only.
    Word,
    /// The same, of a few digits only.
    Number,
    /// The characters of its base64 that depend on it alone.
    Base64,
}

impl KnownSecrets {
    fn receive(&mut self, secret: SecretString) {
        self.waiting.push(secret);
        if self.waiting.len() > MOST_WAITING {
            self.learn_waiting();
        }
    }

    fn learn_waiting(&mut self) {
        for secret in std::mem::take(&mut self.waiting) {
            self.learn(secret.expose_secret().as_bytes());
        }
    }

    fn learn(&mut self, secret: &[u8]) {
        let is_short = secret.len() <= LONGEST_WORD;
        let form = if is_short && secret.iter().all(u8::is_ascii_alphabetic) {
            Form::Word
        } else if is_short && secret.iter().all(u8::is_ascii_digit) {
            Form::Number
        } else {
            Form::Whole
        };
        if self.add(secret, form) {
            for part in base64_parts(secret) {
                self.add(&part, Form::Base64);
            }
        }
    }

    /// Whether it was not known.
    fn add(&mut self, text: &[u8], form: Form) -> bool {
        let Some(start) = text.get(..SHORTEST) else {
            return false;
        };
        let start = self.hashes.hash_one(start);
        let spelling = self.spelling(text);
        if self.forms.contains_key(&spelling) {
            return false;
        }
        self.forms.insert(spelling, form);
        let lengths = self.lengths.entry(start).or_default();
        *lengths.entry(spelling.length).or_default() += 1;
        self.order.push_back((start, spelling));
        if self.order.len() > MOST {
            self.forget_oldest();
        }
        true
    }

    fn forget_oldest(&mut self) {
        let Some((start, spelling)) = self.order.pop_front() else {
            return;
        };
        self.forms.remove(&spelling);
        if let Some(lengths) = self.lengths.get_mut(&start)
            && let Some(count) = lengths.get_mut(&spelling.length)
        {
            *count -= 1;
            if *count == 0 {
                lengths.remove(&spelling.length);
            }
            if lengths.is_empty() {
                self.lengths.remove(&start);
            }
        }
    }

    fn spelling(&self, text: &[u8]) -> Spelling {
        Spelling {
            length: text.len(),
            hash: self.hashes.hash_one(text),
        }
    }

    fn find(&self, text: &[u8], author: Author) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(start) = text.get(at..at + SHORTEST) {
            let lengths = self.lengths.get(&self.hashes.hash_one(start));
            // A secret may be a part of another one.
            let mut longest_first = lengths.into_iter().flat_map(|known| known.keys().rev());
            let end = longest_first.find_map(|length| self.end(text, at, *length, author));
            if let Some(end) = end {
                found.push(at..end);
            }
            at = end.unwrap_or(at + 1);
        }
        found
    }

    /// The end of a spelling of this length, if one is here.
    fn end(&self, text: &[u8], at: usize, length: usize, author: Author) -> Option<usize> {
        let end = at + length;
        let form = self.forms.get(&self.spelling(text.get(at..end)?))?;
        let is_alphanumeric = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
        let is_part = || is_alphanumeric(end) || at.checked_sub(1).is_some_and(is_alphanumeric);
        match form {
            Form::Word if author == Author::Own => None,
            Form::Number if author == Author::Own && is_part() => None,
            Form::Word | Form::Number | Form::Whole => Some(end),
            Form::Base64 => {
                // The character that its last bits share with what follows, and the padding.
                let end = end + usize::from(is_alphanumeric(end));
                let padding = text[end..].iter().take_while(|byte| **byte == b'=');
                Some(end + padding.count())
            }
        }
    }
}

fn known() -> MutexGuard<'static, KnownSecrets> {
    static KNOWN: LazyLock<Mutex<KnownSecrets>> = LazyLock::new(Mutex::default);
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHORTEST: usize = 6;
/// Letters of a password that may be a word, and digits of one that may be a part of a number.
const LONGEST_WORD: usize = 15;
/// Spellings: those of about 4,000 secrets, less than 1 MiB. The oldest are forgotten.
const MOST: usize = 16_384;
/// So that a daemon keeps no more than a few beyond their use.
const MOST_WAITING: usize = 16;
const HIDDEN: &str = "[secret]";
const SECRET_WORDS: [&str; 9] = [
    "secret",
    "token",
    "password",
    "passphrase",
    "assertion",
    "authorization",
    "apikey",
    "accesskey",
    "privatekey",
];
const SECRET_ENDINGS: [&str; 3] = ["key", "pass", "passwd"];
const OTHER_ENDINGS: [&str; 13] = [
    "type",
    "file",
    "id",
    "url",
    "uri",
    "path",
    "dir",
    "host",
    "seconds",
    "expiry",
    "expiration",
    "audience",
    "name",
];

#[cfg(test)]
mod tests;
