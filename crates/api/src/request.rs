//! `CredentialProviderRequest`: what the kubelet writes to a plugin's stdin (kubernetes
//! `staging/src/k8s.io/kubelet/pkg/apis/credentialprovider`).

use std::collections::BTreeMap;

use regcred_go::{DecodeError, Value, json};
use secrecy::SecretString;

use crate::ApiVersion;
use crate::version::TypeMeta;

/// A request for credentials.
#[derive(Clone, Debug)]
pub struct CredentialProviderRequest {
    /// The version of the request; the response has the same.
    pub api_version: ApiVersion,
    /// The image: host and path, without tag, digest and scheme.
    pub image: String,
    /// The pod's service account token, in service account mode only; see
    /// [`ApiVersion::carries_tokens`].
    pub service_account_token: Option<SecretString>,
    /// The service account's configured annotations, under the same condition.
    pub service_account_annotations: BTreeMap<String, String>,
}

impl CredentialProviderRequest {
    /// A request for an image, without a service account.
    pub fn new(api_version: ApiVersion, image: impl Into<String>) -> Self {
        Self {
            api_version,
            image: image.into(),
            service_account_token: None,
            service_account_annotations: BTreeMap::new(),
        }
    }

    /// Reads a request, for a plugin. Unknown fields are ignored, so that a later kubelet can send
    /// more; so are the token fields in versions that carry no tokens.
    ///
    /// # Errors
    /// When it is not JSON, when `kind` or `apiVersion` is not one of this protocol, when a field
    /// has the wrong type, and when `image` is missing.
    pub fn from_slice(input: &[u8]) -> Result<Self, DecodeError> {
        let document = json::parse(input)?;
        let meta = TypeMeta::of(&document)?;
        let api_version = meta.group_version().parse()?;
        if meta.kind != KIND {
            return Err(DecodeError::new(format!("kind: expected {KIND}")));
        }
        let mut request = Self::new(api_version, text(&document, "image")?.unwrap_or_default());
        if request.image.is_empty() {
            return Err(DecodeError::new("image: expected the name of an image"));
        }
        if api_version.carries_tokens() {
            request.service_account_token = text(&document, "serviceAccountToken")?
                .filter(|token| !token.is_empty())
                .map(SecretString::from);
            request.service_account_annotations = annotations(&document)?;
        }
        Ok(request)
    }

    /// Writes the request as the kubelet does: one compact object, `kind` and `apiVersion` first,
    /// and a newline. The token fields are left out when empty and in versions that carry no tokens.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        json::object_line(|request| {
            request.text("kind", KIND);
            request.text("apiVersion", self.api_version.as_str());
            request.text("image", &self.image);
            if !self.api_version.carries_tokens() {
                return;
            }
            if let Some(token) = &self.service_account_token {
                request.some_secret("serviceAccountToken", token);
            }
            let annotations = &self.service_account_annotations;
            if !annotations.is_empty() {
                request.object(ANNOTATIONS, |members| {
                    for (name, value) in annotations {
                        members.text(name, value);
                    }
                });
            }
        })
    }
}

fn text<'a>(document: &'a Value, name: &str) -> Result<Option<&'a str>, DecodeError> {
    let member = document.member(name);
    member.map_or(Ok(None), |value| value.text_of(name, "a string"))
}

fn annotations(document: &Value) -> Result<BTreeMap<String, String>, DecodeError> {
    let expected = || DecodeError::new(format!("{ANNOTATIONS}: expected an object of strings"));
    match document.member(ANNOTATIONS) {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(members)) => members
            .iter()
            .map(|(name, value)| match (value, value.plain_text()) {
                (_, Some(text)) => Ok((name.clone(), text.to_owned())),
                (Value::Null, _) => Ok((name.clone(), String::new())),
                _ => Err(expected()),
            })
            .collect(),
        Some(_) => Err(expected()),
    }
}

const ANNOTATIONS: &str = "serviceAccountAnnotations";
pub(crate) const KIND: &str = "CredentialProviderRequest";

#[cfg(test)]
mod tests;
