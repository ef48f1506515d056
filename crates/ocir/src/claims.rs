//! What a JSON web token says of itself. Nothing is verified here: issuers and receivers do that;
//! this is for ends and for sentences.

use chrono::{DateTime, Utc};
use regcred_cloud::claims;
use serde::Deserialize;

/// The claims in use.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Claims {
    /// Unix seconds; some issuers write a fraction.
    exp: Option<f64>,
    pub(crate) sub: Option<String>,
}

impl Claims {
    /// The claims of a token; `None` when it is none.
    pub(crate) fn of(token: &str) -> Option<Self> {
        claims(token)
    }

    /// The token's end.
    pub(crate) fn expires_at(&self) -> Option<DateTime<Utc>> {
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds will do")]
        let seconds = self.exp.filter(|e| e.is_finite())? as i64;
        DateTime::from_timestamp(seconds, 0)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn ends_are_whole_or_broken_seconds() {
        for (claims, seconds) in [
            (r#"{"exp":1893456000,"sub":"a"}"#, Some(1_893_456_000)),
            (r#"{"exp":1.893456e9}"#, Some(1_893_456_000)),
            (r#"{"exp":1e300}"#, None),
            ("{}", None),
        ] {
            let claims = Claims::of(&token(claims)).expect(claims);
            assert_eq!(claims.expires_at().map(|t| t.timestamp()), seconds);
        }
    }
}
