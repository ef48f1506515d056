//! The limits that a server states: `Retry-After`, and `RateLimit-Limit: 100;w=21600` with its kin
//! (IETF draft-ietf-httpapi-ratelimit-headers as Docker Hub speaks it, `X-RateLimit-` elsewhere).

use std::fmt;
use std::time::Duration;

use regcred_http::{HeaderMap, Response};

/// How many requests a server accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RateLimits {
    /// How long it asks not to be sent requests.
    pub(crate) retry_after: Option<Duration>,
    /// The number of requests, and the time in which they are counted.
    limit: Option<(u64, Option<Duration>)>,
    /// Requests left.
    left: Option<u64>,
    /// Whose requests are counted: an address or the number of an account.
    source: Option<String>,
}

impl RateLimits {
    pub(crate) fn of(response: &Response) -> Self {
        Self {
            retry_after: response.retry_after(),
            ..Self::stated(response.headers())
        }
    }

    fn stated(headers: &HeaderMap) -> Self {
        let get = |names: &[&str]| {
            let value = names.iter().find_map(|name| headers.get(*name))?;
            quota(value.to_str().ok()?)
        };
        let source = headers.get("docker-ratelimit-source");
        let source = source.and_then(|source| source.to_str().ok());
        let is_name = |text: &&str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-');
            (1..=64).contains(&text.len()) && text.bytes().all(plain)
        };
        Self {
            retry_after: None,
            limit: get(&["ratelimit-limit", "x-ratelimit-limit"]),
            left: get(&["ratelimit-remaining", "x-ratelimit-remaining"]).map(|(left, _)| left),
            source: source.filter(is_name).map(str::to_owned),
        }
    }

    /// Only `Retry-After`, for an answer that is not about the limit.
    pub(crate) fn pause_only(&self) -> Self {
        Self {
            retry_after: self.retry_after,
            ..Self::default()
        }
    }
}

/// ` (100 requests in 6 h, none left; try again in 20 s)`, or nothing.
impl fmt::Display for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if let Some((limit, window)) = self.limit {
            let window = window.map(|window| format!(" in {}", time(window)));
            let left = self.left.map(|left| match left {
                0 => ", none left".to_owned(),
                left => format!(", {left} left"),
            });
            let source = self.source.as_ref();
            let source = source.map(|source| format!(", counted for {source}"));
            let [window, left, source] = [window, left, source].map(Option::unwrap_or_default);
            words.push(format!(
                "the limit is {limit} requests{window}{left}{source}"
            ));
        }
        if let Some(pause) = self.retry_after {
            words.push(format!("try again in {} s", pause.as_secs()));
        }
        if words.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", words.join("; "))
    }
}

/// A number, and the window after it in seconds.
fn quota(text: &str) -> Option<(u64, Option<Duration>)> {
    let mut parts = text.split([';', ',']).map(str::trim);
    let number = parts.next()?.parse().ok()?;
    let window = parts.find_map(|part| part.strip_prefix("w=")?.parse().ok());
    Some((number, window.map(Duration::from_secs)))
}

fn time(window: Duration) -> String {
    match window.as_secs() {
        seconds if seconds > 0 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds > 0 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(headers: &[(&'static str, &str)], pause: Option<u64>) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("value"));
        }
        RateLimits {
            retry_after: pause.map(Duration::from_secs),
            ..RateLimits::stated(&map)
        }
        .to_string()
    }

    #[test]
    fn the_limit_is_in_plain_words() {
        let hub = [
            ("ratelimit-limit", "100;w=21600"),
            ("ratelimit-remaining", "0;w=21600"),
            ("docker-ratelimit-source", "192.0.2.1"),
        ];
        assert_eq!(
            shown(&hub, Some(20)),
            " (the limit is 100 requests in 6 h, none left, counted for 192.0.2.1; try again in 20 s)"
        );
        let other = [("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "3")];
        assert_eq!(shown(&other, None), " (the limit is 60 requests, 3 left)");
        let short = [("ratelimit-limit", "10, 10;w=90")];
        assert_eq!(shown(&short, None), " (the limit is 10 requests in 90 s)");
        assert_eq!(shown(&[], Some(7)), " (try again in 7 s)");
    }

    #[test]
    fn nonsense_is_ignored() {
        for value in ["", "many", "-1", "99999999999999999999999", "1e3"] {
            assert_eq!(shown(&[("ratelimit-limit", value)], None), "", "{value}");
        }
        let source = [
            ("ratelimit-limit", "5"),
            ("docker-ratelimit-source", "a b\"c"),
        ];
        assert_eq!(shown(&source, None), " (the limit is 5 requests)");
    }
}
