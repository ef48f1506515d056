//! The versions of the exec plugin protocol, and how Kubernetes reads `kind` and `apiVersion`.

use regcred_go::{DecodeError, Value, folds_to};
use std::fmt;
use std::str::FromStr;

/// A version of the protocol between the kubelet and a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiVersion {
    /// `credentialprovider.kubelet.k8s.io/v1alpha1`
    V1Alpha1,
    /// `credentialprovider.kubelet.k8s.io/v1beta1`
    V1Beta1,
    /// `credentialprovider.kubelet.k8s.io/v1`, the only one that carries service account tokens.
    V1,
}

impl ApiVersion {
    /// All versions, in the byte order of their names.
    pub const ALL: [Self; 3] = [Self::V1, Self::V1Alpha1, Self::V1Beta1];

    /// The value of `apiVersion`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1Alpha1 => "credentialprovider.kubelet.k8s.io/v1alpha1",
            Self::V1Beta1 => "credentialprovider.kubelet.k8s.io/v1beta1",
            Self::V1 => "credentialprovider.kubelet.k8s.io/v1",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ApiVersion {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
            .ok_or_else(|| {
                DecodeError::new(
                    "apiVersion: expected credentialprovider.kubelet.k8s.io/v1, v1beta1 or v1alpha1",
                )
            })
    }
}

/// `kind` and `apiVersion` of a document, before anything else of it is looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeMeta {
    pub(crate) kind: String,
    pub(crate) group: String,
    pub(crate) version: String,
}

impl TypeMeta {
    /// Reads both with Go's forgiving rules: any case, the last of several, null for absent.
    pub(crate) fn of(document: &Value) -> Result<Self, DecodeError> {
        let members = match document {
            Value::Object(members) => members.as_slice(),
            Value::Null => &[],
            other => {
                let found = other.kind();
                return Err(parse_error(&format!(
                    "json: cannot unmarshal {found} into Go value of type {GO_TYPE}"
                )));
            }
        };
        let (mut kind, mut api_version) = ("", "");
        for (key, value) in members {
            let (field, name) = if folds_to(key, "kind") {
                (&mut kind, "kind")
            } else if folds_to(key, "apiVersion") {
                (&mut api_version, "apiVersion")
            } else {
                continue;
            };
            match value {
                Value::Null => {}
                value => {
                    *field = value.plain_text().ok_or_else(|| {
                        let found = value.kind();
                        parse_error(&format!(
                            "json: cannot unmarshal {found} into Go struct field .{name} of type string"
                        ))
                    })?;
                }
            }
        }
        let (group, version) = match api_version.split_once('/') {
            None => ("", api_version),
            Some((_, version)) if version.contains('/') => {
                return Err(DecodeError::new(format!(
                    "unexpected GroupVersion string: {}",
                    bounded(api_version)
                )));
            }
            Some(parts) => parts,
        };
        Ok(Self {
            kind: kind.to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
        })
    }

    /// `group/version`, or the version alone where there is no group.
    pub(crate) fn group_version(&self) -> String {
        if self.group.is_empty() {
            return self.version.clone();
        }
        format!("{}/{}", self.group, self.version)
    }
}

/// At most 200 bytes of a name that somebody else wrote.
pub(crate) fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(200)]
}

fn parse_error(what: &str) -> DecodeError {
    DecodeError::new(format!("{META_ERROR}{what}"))
}

/// How Kubernetes begins the error for a document whose type cannot be read.
pub(crate) const META_ERROR: &str = "couldn't get version/kind; json parse error: ";

/// How Go prints the unnamed struct into which Kubernetes reads the two.
const GO_TYPE: &str = r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(text: &str) -> Result<TypeMeta, DecodeError> {
        TypeMeta::of(&regcred_go::json::parse(text.as_bytes()).expect(text))
    }

    #[test]
    fn versions_round_trip_by_name() {
        for version in ApiVersion::ALL {
            assert_eq!(version.as_str().parse(), Ok(version));
        }
        let error = "credentialprovider.kubelet.k8s.io/v2"
            .parse::<ApiVersion>()
            .expect_err("v2");
        assert!(error.to_string().starts_with("apiVersion: expected"));
    }

    #[test]
    fn type_is_read_in_any_case_and_the_last_counts() {
        for (text, kind, group, version) in [
            (r#"{"kind":"K","apiVersion":"g/v1"}"#, "K", "g", "v1"),
            (r#"{"KIND":"K","apiversion":"v1"}"#, "K", "", "v1"),
            (r#"{"kind":"A","Kind":"B","kind":null}"#, "B", "", ""),
            (r#"{"apiVersion":"/"}"#, "", "", ""),
            ("null", "", "", ""),
        ] {
            let meta = meta(text).expect(text);
            assert_eq!(
                (&*meta.kind, &*meta.group, &*meta.version),
                (kind, group, version),
                "{text}"
            );
        }
    }

    #[test]
    fn unreadable_types_have_kubernetes_sentences() {
        for (text, error) in [
            (
                "[]",
                r#"couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#,
            ),
            (
                r#"{"kind":1}"#,
                "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string",
            ),
            (
                r#"{"apiVersion":"a/b/c"}"#,
                "unexpected GroupVersion string: a/b/c",
            ),
        ] {
            assert_eq!(meta(text).expect_err(text).to_string(), error);
        }
    }

    #[test]
    fn foreign_names_are_bounded_at_a_character() {
        assert_eq!(bounded("short"), "short");
        assert_eq!(bounded(&"é".repeat(150)).len(), 200);
        assert_eq!(bounded(&format!("a{}", "é".repeat(150))).len(), 199);
    }
}
