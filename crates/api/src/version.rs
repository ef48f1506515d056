//! The versions of each kind of document, and how Kubernetes reads `kind` and `apiVersion`.

use regcred_go::{DecodeError, Value, field_of};
/// Defines the versions of one kind of document as an enum.
macro_rules! versions {
    (
        $(#[$doc:meta])*
        $name:ident of $group:literal {
            $($(#[$version_doc:meta])* $version:ident = $package:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$version_doc])* #[doc = concat!("`", $group, "/", $package, "`")] $version,)+
        }

        impl $name {
            /// All versions, in the byte order of their names.
            pub const ALL: &[Self] = &[$(Self::$version),+];

            /// The value of `apiVersion`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$version => concat!($group, "/", $package),)+
                }
            }

            /// The Go package of its types.
            pub(crate) fn go_package(self) -> &'static str {
                match self {
                    $(Self::$version => $package,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = DecodeError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().find(|version| version.as_str() == text);
                found.copied().ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|known| known.go_package()).collect();
                    let names = names.join(" or ");
                    DecodeError::new(format!(concat!("apiVersion: expected ", $group, "/{}"), names))
                })
            }
        }
    };
}

versions! {
    /// A version of the protocol between the kubelet and a plugin.
    ApiVersion of "credentialprovider.kubelet.k8s.io" {
        V1 = "v1",
        V1Alpha1 = "v1alpha1",
        V1Beta1 = "v1beta1",
    }
}

versions! {
    /// A version of the kubelet's `CredentialProviderConfig`.
    ConfigVersion of "kubelet.config.k8s.io" {
        V1 = "v1",
        V1Alpha1 = "v1alpha1",
        V1Beta1 = "v1beta1",
    }
}

versions! {
    /// A version of the kubelet's records of pulls.
    RecordVersion of "kubelet.config.k8s.io" {
        /// Of the alpha releases; read and never written.
        V1Alpha1 = "v1alpha1",
        V1Beta1 = "v1beta1",
    }
}

impl ApiVersion {
    /// The version for new configurations.
    pub const LATEST: Self = Self::V1;

    /// Whether requests carry service account tokens and annotations.
    #[must_use]
    pub fn carries_tokens(self) -> bool {
        self == Self::V1
    }
}

impl ConfigVersion {
    /// The version for new configurations.
    pub const LATEST: Self = Self::V1;

    /// Whether a plugin may have `tokenAttributes`.
    pub(crate) fn has_token_attributes(self) -> bool {
        self == Self::V1
    }
}

impl RecordVersion {
    /// The version that is written.
    pub const LATEST: Self = Self::V1Beta1;
}

/// `kind` and `apiVersion` of a document, which are read before the rest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeMeta {
    pub(crate) kind: String,
    pub(crate) group: String,
    pub(crate) version: String,
}

impl TypeMeta {
    /// Reads both by Go's lenient rules: names match in any case, of equal names the last counts, and
    /// null means absent.
    pub(crate) fn of(document: &Value) -> Result<Self, DecodeError> {
        let members = match document {
            Value::Object(members) => members.as_slice(),
            Value::Null => &[],
            other => return Err(meta_error(&other.mismatch("Go value", GO_TYPE))),
        };
        let (mut kind, mut api_version) = ("", "");
        for (key, value) in members {
            let Some(name) = field_of(key, &["kind", "apiVersion"]) else {
                continue;
            };
            let text = match (value, value.plain_text()) {
                (Value::Null, _) => continue,
                (_, Some(text)) => text,
                (other, None) => {
                    let place = format!("Go struct field .{name}");
                    return Err(meta_error(&other.mismatch(&place, "string")));
                }
            };
            match name {
                "kind" => kind = text,
                _ => api_version = text,
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

    /// `group/version`, or the version alone without a group.
    pub(crate) fn group_version(&self) -> String {
        if self.group.is_empty() {
            return self.version.clone();
        }
        format!("{}/{}", self.group, self.version)
    }
}

/// At most 200 bytes of a name in a foreign document.
pub(crate) fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(200)]
}

/// Kubernetes' error for a document whose type cannot be read.
pub(crate) fn meta_error(error: &DecodeError) -> DecodeError {
    DecodeError::new(format!(
        "couldn't get version/kind; json parse error: {error}"
    ))
}

/// Go's name of the anonymous struct into which Kubernetes reads the two.
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
            assert_eq!(version.as_str().parse(), Ok(*version));
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
