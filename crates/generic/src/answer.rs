//! The answer of a token endpoint: its parts by name, and how long the login lives.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_cloud::{Claims, secret};
use regcred_core::SecretText as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::document::AnswerMembers;

/// Where the parts are: the members' names from the outermost on.
#[derive(Clone, Debug)]
pub(crate) struct AnswerPlaces {
    token: Path,
    username: Option<Path>,
    expires_in: Path,
    expires_at: Option<Path>,
}

type Path = Vec<String>;

impl AnswerPlaces {
    pub(crate) fn new(members: &AnswerMembers) -> Self {
        let path = |text: &str| text.split('.').map(str::to_owned).collect();
        Self {
            token: path(members.token.as_deref().unwrap_or("access_token")),
            username: members.username.as_deref().map(path),
            expires_in: path(members.expires_in.as_deref().unwrap_or("expires_in")),
            expires_at: members.expires_at.as_deref().map(path),
        }
    }

    /// The token and the user under these names, and `expires_in`.
    pub(crate) fn of(token: &str, username: Option<&str>) -> Self {
        Self::new(&AnswerMembers {
            token: Some(token.to_owned()),
            username: username.map(str::to_owned),
            ..AnswerMembers::default()
        })
    }

    pub(crate) fn has_username(&self) -> bool {
        self.username.is_some()
    }

    /// The name of the token's member, for messages.
    pub(crate) fn token_name(&self) -> String {
        self.token.join(".")
    }
}

/// A member of an answer. Every text is a secret until its place is known.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Member {
    Text(#[serde(deserialize_with = "secret")] SecretString),
    Number(f64),
    Object(BTreeMap<String, Self>),
    Other(IgnoredAny),
}

/// The parts of an answer.
pub(crate) struct Answer {
    pub(crate) token: Option<SecretString>,
    pub(crate) username: Option<String>,
    /// The earlier of what the answer and the token itself have, in ten years at the latest.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

impl Answer {
    pub(crate) fn read(root: &Member, places: &AnswerPlaces, now: DateTime<Utc>) -> Self {
        let token = text(root, &places.token).filter(|token| is_token(token));
        let relative = number(root, &places.expires_in)
            .and_then(|seconds| now.checked_add_signed(seconds_of(seconds)?));
        let absolute = places.expires_at.as_deref();
        let absolute = absolute.and_then(|path| time(at(root, path)?));
        let own = token.and_then(|token| Claims::of(token)?.expires_at());
        let username = places.username.as_deref();
        let username = username.and_then(|path| text(root, path));
        Self {
            token: token.cloned(),
            username: username.map(|name| name.expose_secret().to_owned()),
            expires_at: [relative, absolute, own]
                .into_iter()
                .flatten()
                .min()
                .map(|end| end.min(now + LONGEST)),
        }
    }
}

fn at<'m>(root: &'m Member, path: &[String]) -> Option<&'m Member> {
    path.iter().try_fold(root, |member, name| match member {
        Member::Object(members) => members.get(name),
        _ => None,
    })
}

fn text<'m>(root: &'m Member, path: &[String]) -> Option<&'m SecretString> {
    match at(root, path)? {
        Member::Text(text) if !text.is_blank() => Some(text),
        _ => None,
    }
}

/// A number, or a text that is one.
fn number(root: &Member, path: &[String]) -> Option<f64> {
    match at(root, path)? {
        Member::Number(number) => Some(*number),
        Member::Text(text) => text.expose_secret().trim().parse().ok(),
        _ => None,
    }
}

fn time(member: &Member) -> Option<DateTime<Utc>> {
    let number = match member {
        Member::Number(number) => *number,
        Member::Text(text) => {
            let text = text.expose_secret();
            match DateTime::parse_from_rfc3339(text) {
                Ok(time) => return Some(time.to_utc()),
                Err(_) => text.trim().parse().ok()?,
            }
        }
        _ => return None,
    };
    let seconds = if number > LATEST_IN_SECONDS {
        number / 1000.0
    } else {
        number
    };
    DateTime::UNIX_EPOCH.checked_add_signed(seconds_of(seconds)?)
}

#[expect(clippy::cast_possible_truncation, reason = "whole seconds will do")]
fn seconds_of(seconds: f64) -> Option<TimeDelta> {
    TimeDelta::try_seconds(seconds as i64).filter(|_| seconds.is_finite())
}

/// Whether Basic and JSON can carry it: no blanks, no control characters.
fn is_token(token: &SecretString) -> bool {
    token.expose_secret().bytes().all(|b| b.is_ascii_graphic())
}

/// A longer life is one without an end, which not every reader of a date can write.
const LONGEST: TimeDelta = TimeDelta::days(3650);
/// The year 5138 in seconds; a larger number is milliseconds.
const LATEST_IN_SECONDS: f64 = 1e11;

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
    }

    fn read(json: &str, members: &AnswerMembers) -> Answer {
        let root = serde_json::from_str(json).expect("JSON");
        Answer::read(&root, &AnswerPlaces::new(members), now())
    }

    #[test]
    fn the_parts_are_where_the_entry_has_them() {
        let members = AnswerMembers {
            token: Some("data.authorizationToken".to_owned()),
            username: Some("data.tempUserName".to_owned()),
            expires_at: Some("data.expireDate".to_owned()),
            ..AnswerMembers::default()
        };
        let json = r#"{"code":0,"data":{"authorizationToken":"t","tempUserName":"u","expireDate":1800000060000,"x":[1]}}"#;
        let answer = read(json, &members);
        assert_eq!(answer.token.expect("a token").expose_secret(), "t");
        assert_eq!(answer.username.as_deref(), Some("u"));
        assert_eq!(answer.expires_at, Some(now() + TimeDelta::seconds(60)));
    }

    #[test]
    fn the_earliest_expiry_counts_and_an_unknown_one_is_none() {
        let life = |json: &str, expires_at: Option<&str>| {
            let members = AnswerMembers {
                expires_at: expires_at.map(str::to_owned),
                ..AnswerMembers::default()
            };
            let answer = read(json, &members);
            answer.expires_at.map(|end| (end - now()).num_seconds())
        };
        assert_eq!(
            life(r#"{"access_token":"t","expires_in":"300"}"#, None),
            Some(300)
        );
        // {"exp":1800000100}
        let jwt = r#"{"access_token":"e30.eyJleHAiOjE4MDAwMDAxMDB9.s","expires_in":86400}"#;
        assert_eq!(life(jwt, None), Some(100));
        let rfc = r#"{"access_token":"t","expiry":"2027-01-15T08:05:00Z"}"#;
        assert_eq!(life(rfc, Some("expiry")), Some(300));
        assert_eq!(life(r#"{"access_token":"t"}"#, None), None);
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_none() {
        for json in [
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"access_token":7}"#,
            r#"{"token":"t"}"#,
            "[]",
        ] {
            assert!(
                read(json, &AnswerMembers::default()).token.is_none(),
                "{json}"
            );
        }
    }
}
