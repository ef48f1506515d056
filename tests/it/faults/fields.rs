//! Values out of range in every field that a cloud answers: the provider issues a login that can be used, for
//! no longer than a week, or its error is one line. Nothing panics.
//!
//! The fields are those that the fakes answer: each is replaced by each of the values in turn.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use regcred_core::{Clock, ErrorKind, Issued, ProviderError, report};
use regcred_tests::server::{Reply, Seen, forward};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::failures;
use super::inside::ask;
use super::rows::{self, Rows, Target};
use super::step::Step;

#[test]
fn fields_of_amazons_answers() {
    check(&rows::ecr(), 270);
}

#[test]
fn fields_of_googles_answers() {
    check(&rows::gcr(), 100);
}

#[test]
fn fields_of_microsofts_answers() {
    check(&rows::acr(), 100);
}

#[test]
fn fields_of_oracles_answers() {
    check(&rows::ocir(), 100);
}

#[test]
fn fields_of_ibms_answers() {
    check(&rows::icr(), 100);
}

#[test]
fn fields_of_an_exchanges_answer() {
    check(&rows::generic(), 50);
}

/// A field of an answer: the number of the answer of its server, and where it is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    /// A member of the JSON, as a pointer (RFC 6901).
    Json(String),
    /// The whole body of another type.
    Body,
    /// A header.
    Header(String),
}

fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MAX),
        json!([]),
        json!({}),
        json!(""),
        json!(" "),
        json!("-1"),
        json!("9223372036854775807"),
        json!("253402300800"),
        json!("0001-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("+262142-12-31T23:59:59Z"),
        json!("a\r\nb: c"),
        json!("a\u{0}b"),
        json!("\u{fc}\u{202e}\u{1b}[2J"),
        json!("x".repeat(70_000)),
    ]
}

/// Every value in every field of every answer of the steps whose server is known.
#[expect(clippy::print_stderr, reason = "the number of cells is a result")]
fn check(rows: &Rows, least: usize) {
    let target = &rows.target;
    let (mut cells, mut failed) = (0, 0);
    let mut done = BTreeSet::new();
    for step in &rows.steps {
        let Some((real, _)) = &step.before else {
            continue;
        };
        for (number, field) in fields_of(&rows.target, step, real) {
            if !done.insert((step.name, number, field.clone())) {
                continue;
            }
            let values = values();
            cells += values.len();
            failed += failures(values.iter(), |value| {
                check_cell(target, step, real, (number, &field), value);
            });
        }
    }
    eprintln!("{}: {cells} cells of fields", rows.target.provider);
    assert_eq!(failed, 0, "of {cells} cells of {}", rows.target.provider);
    assert!(cells >= least, "{cells} cells of {}", rows.target.provider);
}

/// The fields of the answers of a step that succeeds.
fn fields_of(target: &Target, step: &Step, real: &str) -> Vec<(usize, Field)> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (real, kept) = (real.to_owned(), Arc::clone(&log));
    let answer = run(target, step, move |seen| {
        let reply = forward(&real, seen);
        kept.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reply.clone());
        reply
    });
    let context = format!("{}, {}", target.provider, step.name);
    let _ = answer.unwrap_or_else(|error| panic!("{context}: {}", report(&error)));
    let replies = log.lock().unwrap_or_else(PoisonError::into_inner);
    let mut fields = Vec::new();
    for (number, reply) in replies.iter().enumerate() {
        match serde_json::from_slice::<Value>(reply.bytes()) {
            Ok(json) if json.is_object() || json.is_array() => {
                let mut pointers = Vec::new();
                leaves(&json, String::new(), &mut pointers);
                fields.extend(pointers.into_iter().map(|at| (number, Field::Json(at))));
            }
            _ => fields.push((number, Field::Body)),
        }
        let headers = reply.header_names().into_iter();
        let headers = headers.filter(|name| name.starts_with("x-"));
        fields.extend(headers.map(|name| (number, Field::Header(name))));
    }
    fields
}

fn leaves(json: &Value, at: String, found: &mut Vec<String>) {
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                leaves(value, format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, format!("{at}/{index}"), found);
            }
        }
        _ => found.push(at),
    }
}

fn check_cell(
    target: &Target,
    step: &Step,
    real: &str,
    (number, field): (usize, &Field),
    value: &Value,
) {
    let shown: String = value.to_string().chars().take(40).collect();
    let context = format!(
        "{}, {}, answer {number}, {field:?} = {shown}",
        target.provider, step.name
    );
    let (real, asked) = (real.to_owned(), AtomicUsize::new(0));
    let (field, value) = (field.clone(), value.clone());
    let answer = run(target, step, move |seen| {
        let reply = forward(&real, seen);
        if asked.fetch_add(1, Ordering::Relaxed) == number {
            changed(reply, &field, &value)
        } else {
            reply
        }
    });
    match answer {
        Ok(issued) => check_issued(&issued, &context),
        Err(error) => check_error(&error, &context),
    }
}

fn changed(reply: Reply, field: &Field, value: &Value) -> Reply {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match field {
        Field::Body => reply.body(text),
        // What a header cannot be is not sent.
        Field::Header(name) => reply.set_header(name, text.replace(['\r', '\n', '\0'], " ")),
        Field::Json(at) => {
            // An answer of another request may come in its place.
            let json = serde_json::from_slice::<Value>(reply.bytes());
            let mut json = json.unwrap_or_default();
            match json.pointer_mut(at) {
                None => reply,
                Some(member) => {
                    *member = value.clone();
                    reply.body(json.to_string())
                }
            }
        }
    }
}

fn run(
    target: &Target,
    step: &Step,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> Result<Issued, ProviderError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let clock = Clock::system();
    let asked = ask(target, step, &clock, script);
    runtime.expect("a runtime").block_on(asked).0
}

#[track_caller]
fn check_issued(issued: &Issued, context: &str) {
    let now = Clock::system().now();
    // An answer whose life has ended is not cached.
    let longest = now + TimeDelta::days(3660);
    assert!(
        issued.expires_at.is_none_or(|end| end <= longest),
        "{context}: it expires at {:?}",
        issued.expires_at
    );
    for (pattern, login) in &issued.auth {
        let password = login.password.expose_secret();
        for text in [pattern, &login.username, password] {
            let is_sent = text.chars().all(|c| !c.is_control());
            assert!(is_sent && !text.is_empty(), "{context}: {text:?}");
        }
    }
}

#[track_caller]
fn check_error(error: &ProviderError, context: &str) {
    let line = report(error);
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Malformed
                | ErrorKind::IdentityUnavailable
                | ErrorKind::Denied
                | ErrorKind::Unreachable
                | ErrorKind::NotConfigured
        ),
        "{context}: {:?}: {line}",
        error.kind()
    );
    let is_plain = line.chars().all(regcred_core::is_shown);
    assert!(is_plain && line.len() < 2000, "{context}: {line}");
}
