//! AWS Signature Version 4, as much as a proof of identity to Google needs: one request without a
//! body, and its headers.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use regcred_cloud::secret;
use regcred_core::{SecretText as _, hex};
use regcred_http::{Url, host_and_port};
use ring::{digest, hmac};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// AWS credentials of any origin; deserialized from the form of EC2's metadata server.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AwsKeys {
    pub(crate) access_key_id: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) secret_access_key: SecretString,
    /// Empty for keys that need none.
    #[serde(rename = "Token", deserialize_with = "secret")]
    pub(crate) session_token: SecretString,
}

/// What is signed.
pub(crate) struct Signing<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a Url,
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) at: DateTime<Utc>,
}

impl Signing<'_> {
    /// The request's headers: `authorization`, then `host`, `x-amz-date`, the session token and
    /// `extra` sorted by name. Names of `extra` are lower case.
    pub(crate) fn headers<'a>(
        &self,
        keys: &AwsKeys,
        extra: &[(&'a str, &str)],
    ) -> Vec<(&'a str, SecretString)> {
        let stamp = self.at.format("%Y%m%dT%H%M%SZ").to_string();
        let mut headers: Vec<(&str, SecretString)> = vec![
            ("host", host_and_port(self.url).into()),
            ("x-amz-date", stamp.as_str().into()),
        ];
        if !keys.session_token.is_empty() {
            headers.push(("x-amz-security-token", keys.session_token.clone()));
        }
        headers.extend(extra.iter().map(|(name, value)| (*name, (*value).into())));
        headers.sort_by_key(|(name, _)| *name);

        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let day = &stamp[..8];
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let canonical = sha256_hex(&self.canonical(&headers, &names));
        let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{canonical}");
        let secret = Zeroizing::new(format!("AWS4{}", keys.secret_access_key.expose_secret()));
        // The chain of keys, down to the signature itself.
        let steps = [day, self.region, self.service, "aws4_request", &to_sign];
        let signature =
            steps
                .iter()
                .fold(Zeroizing::new(secret.as_bytes().to_vec()), |key, data| {
                    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
                    Zeroizing::new(hmac::sign(&key, data.as_bytes()).as_ref().to_vec())
                });
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            keys.access_key_id,
            hex(signature)
        );
        headers.insert(0, ("authorization", authorization.into()));
        headers
    }

    fn canonical(&self, headers: &[(&str, SecretString)], names: &str) -> String {
        let pairs = self.url.query_pairs();
        let mut query: Vec<(String, String)> = pairs
            .map(|(name, value)| (percent_encode(&name), percent_encode(&value)))
            .collect();
        query.sort();
        let query: Vec<String> = query.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut text = format!(
            "{}\n{}\n{}\n",
            self.method,
            self.url.path(),
            query.join("&")
        );
        for (name, value) in headers {
            // Runs of blanks count as one.
            let words: Vec<&str> = value.expose_secret().split_whitespace().collect();
            let _ = writeln!(text, "{name}:{}", words.join(" "));
        }
        let _ = write!(text, "\n{names}\n{}", sha256_hex(""));
        text
    }
}

/// SHA-256 in lower-case hexadecimal digits.
fn sha256_hex(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// Percent-encodes everything but unreserved characters (RFC 3986 section 2.3).
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    /// The vectors of AWS's own Signature Version 4 test suite.
    #[test]
    fn signatures_are_those_of_the_aws_test_suite() {
        for (method, url, extra, signature) in [
            (
                "GET",
                "https://example.amazonaws.com/",
                None,
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "POST",
                "https://example.amazonaws.com/",
                None,
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "GET",
                "https://example.amazonaws.com/?Param2=value2&Param1=value1",
                None,
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "POST",
                "https://example.amazonaws.com/",
                Some(("my-header1", "value1")),
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            ),
        ] {
            let signing = Signing {
                method,
                url: &Url::parse(url).expect("URL"),
                service: "service",
                region: "us-east-1",
                at: Utc
                    .with_ymd_and_hms(2015, 8, 30, 12, 36, 0)
                    .single()
                    .expect("date"),
            };
            let keys = AwsKeys {
                access_key_id: "AKIDEXAMPLE".to_owned(),
                secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
                session_token: SecretString::default(),
            };
            let extra: Vec<(&str, &str)> = extra.into_iter().collect();
            let headers = signing.headers(&keys, &extra);
            let authorization = headers[0].1.expose_secret();
            assert!(
                authorization.ends_with(&format!("Signature={signature}")),
                "{method} {url}: {authorization}"
            );
        }
    }

    #[test]
    fn the_session_token_is_signed() {
        let signing = Signing {
            method: "POST",
            url: &Url::parse("https://sts.eu-west-1.amazonaws.com:8443/?A=b c").expect("URL"),
            service: "sts",
            region: "eu-west-1",
            at: Utc.timestamp_opt(0, 0).single().expect("date"),
        };
        let keys = AwsKeys {
            access_key_id: "AKID".to_owned(),
            secret_access_key: "k".into(),
            session_token: "t".into(),
        };
        let headers = signing.headers(&keys, &[]);
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "authorization",
                "host",
                "x-amz-date",
                "x-amz-security-token"
            ]
        );
        assert_eq!(
            headers[1].1.expose_secret(),
            "sts.eu-west-1.amazonaws.com:8443"
        );
        assert!(
            headers[0]
                .1
                .expose_secret()
                .contains("SignedHeaders=host;x-amz-date;x-amz-security-token,")
        );
    }
}
