//! The kubelet's records of the images it pulls and has pulled (KEP-2535, kubernetes
//! `pkg/kubelet/images/pullmanager/fs_pullrecords.go`): written byte for byte as a kubelet 1.36
//! writes them, read as strictly as it reads them, in both versions that exist.

use std::collections::BTreeMap;

use regcred_core::ServiceAccountCoordinates;
use regcred_go::{DecodeError, Decoder, Value, json};
use secrecy::{ExposeSecret as _, SecretString};

use crate::document::Document;
use crate::version::{TypeMeta, bounded};

/// That a pull has begun and its end is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePullIntent {
    /// The image as written in the container.
    pub image: String,
}

/// With which credentials an image was pulled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePulledRecord {
    /// When it was changed last: RFC 3339, UTC. Empty when the document has none. A fraction of a
    /// second is read and not written.
    pub last_updated_time: String,
    /// The container runtime's ID of the image.
    pub image_ref: String,
    /// Whose credentials were good, by the image's name as written, without tag and digest.
    pub credential_mapping: BTreeMap<String, ImagePullCredentials>,
}

/// Who may use an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePullCredentials {
    /// Pods with one of these Secrets.
    pub kubernetes_secrets: Vec<ImagePullSecret>,
    /// Pods with one of these service accounts.
    pub kubernetes_service_accounts: Vec<ServiceAccountCoordinates>,
    /// Every pod of the node; the lists are empty then.
    pub node_pods_accessible: bool,
}

/// A Secret, and the credential of it that was good. Ordered by namespace, name and UID.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImagePullSecret {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// See [`credential_text`]; empty when it is not known.
    pub credential_hash: String,
}

/// The version a record was found in. What is written is always [`RecordVersion::V1Beta1`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordVersion {
    /// `kubelet.config.k8s.io/v1alpha1`, of the alpha releases.
    V1Alpha1,
    /// `kubelet.config.k8s.io/v1beta1`
    V1Beta1,
}

/// The text whose SHA-256, in hexadecimal, is the `credentialHash` of a user name and password.
/// It holds the password.
#[must_use]
pub fn credential_text(username: &str, password: &SecretString) -> SecretString {
    let mut out = String::from("{");
    if !username.is_empty() {
        json::push_member(&mut out, "username", username);
    }
    if !password.expose_secret().is_empty() {
        json::push_secret(&mut out, "password", password);
    }
    json::close_object(&mut out);
    out.into()
}

impl ImagePullIntent {
    /// Writes the intent: one compact object and a newline.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = head(INTENT);
        json::push_member(&mut out, "image", &self.image);
        tail(out)
    }

    /// Reads an intent.
    ///
    /// # Errors
    /// When it is not a sound document of this kind in a known version.
    pub fn from_slice(input: &[u8]) -> Result<(Self, RecordVersion), DecodeError> {
        let (document, mut decoder, version) = open(input, INTENT)?;
        let mut intent = Self::default();
        let fields = ["kind", "apiVersion", "image"];
        decoder.object(document, ("", INTENT), &fields, |decoder, field, value| {
            let mut ignored = String::new();
            let target = match field {
                "image" => &mut intent.image,
                _ => &mut ignored,
            };
            decoder.text(&value, "string", target);
        });
        decoder.finish()?;
        Ok((intent, version))
    }
}

impl ImagePulledRecord {
    /// Writes the record: one compact object and a newline.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = head(RECORD);
        match self.last_updated_time.as_str() {
            "" => out.push_str("\"lastUpdatedTime\":null,"),
            time => match time.split_once('.') {
                Some((seconds, _)) => {
                    json::push_member(&mut out, "lastUpdatedTime", &format!("{seconds}Z"));
                }
                None => json::push_member(&mut out, "lastUpdatedTime", time),
            },
        }
        json::push_member(&mut out, "imageRef", &self.image_ref);
        if !self.credential_mapping.is_empty() {
            out.push_str("\"credentialMapping\":{");
            for (name, credentials) in &self.credential_mapping {
                json::push_string(&mut out, name);
                out.push(':');
                credentials.push(&mut out);
                out.push(',');
            }
            json::close_object(&mut out);
        }
        tail(out)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is not a sound document of this kind in a known version.
    pub fn from_slice(input: &[u8]) -> Result<(Self, RecordVersion), DecodeError> {
        let (document, mut decoder, version) = open(input, RECORD)?;
        let mut record = Self::default();
        let fields = [
            "kind",
            "apiVersion",
            "lastUpdatedTime",
            "imageRef",
            "credentialMapping",
        ];
        decoder.object(document, ("", RECORD), &fields, |decoder, field, value| {
            let record = &mut record;
            match field {
                "lastUpdatedTime" => decoder.time(&value, &mut record.last_updated_time),
                "imageRef" => decoder.text(&value, "string", &mut record.image_ref),
                "credentialMapping" => {
                    let go_type = "map[string]v1beta1.ImagePullCredentials";
                    decoder.map(value, go_type, |decoder, name, value| {
                        let credentials = ImagePullCredentials::read(decoder, value);
                        record.credential_mapping.insert(name, credentials);
                    });
                }
                _ => decoder.text(&value, "string", &mut String::new()),
            }
        });
        decoder.finish()?;
        Ok((record, version))
    }
}

impl ImagePullCredentials {
    /// Those of every pod on the node.
    #[must_use]
    pub fn of_the_node() -> Self {
        Self {
            node_pods_accessible: true,
            ..Self::default()
        }
    }

    fn push(&self, out: &mut String) {
        out.push('{');
        if !self.kubernetes_secrets.is_empty() {
            out.push_str("\"kubernetesSecrets\":[");
            for secret in &self.kubernetes_secrets {
                push_account(out, &secret.uid, &secret.namespace, &secret.name);
                json::push_member(out, "credentialHash", &secret.credential_hash);
                json::close_object(out);
                out.push(',');
            }
            json::close_list(out);
            out.push(',');
        }
        if !self.kubernetes_service_accounts.is_empty() {
            out.push_str("\"kubernetesServiceAccounts\":[");
            for account in &self.kubernetes_service_accounts {
                push_account(out, &account.uid, &account.namespace, &account.name);
                json::close_object(out);
                out.push(',');
            }
            json::close_list(out);
            out.push(',');
        }
        if self.node_pods_accessible {
            out.push_str("\"nodePodsAccessible\":true");
        }
        json::close_object(out);
    }

    fn read(decoder: &mut Decoder, value: Value) -> Self {
        let mut read = Self::default();
        let fields = [
            "kubernetesSecrets",
            "kubernetesServiceAccounts",
            "nodePodsAccessible",
        ];
        let names = ("v1beta1.ImagePullCredentials", "ImagePullCredentials");
        decoder.object(value, names, &fields, |decoder, field, value| match field {
            "kubernetesSecrets" => {
                read.kubernetes_secrets.clear();
                decoder.list(value, "[]v1beta1.ImagePullSecret", |decoder, item| {
                    let [uid, namespace, name, credential_hash] =
                        coordinates(decoder, item, "ImagePullSecret", &SECRET_FIELDS);
                    read.kubernetes_secrets.push(ImagePullSecret {
                        namespace,
                        name,
                        uid,
                        credential_hash,
                    });
                });
            }
            "kubernetesServiceAccounts" => {
                read.kubernetes_service_accounts.clear();
                let go_type = "[]v1beta1.ImagePullServiceAccount";
                decoder.list(value, go_type, |decoder, item| {
                    let fields = &SECRET_FIELDS[..3];
                    let [uid, namespace, name, _] =
                        coordinates(decoder, item, "ImagePullServiceAccount", fields);
                    let account = ServiceAccountCoordinates {
                        namespace,
                        name,
                        uid,
                    };
                    read.kubernetes_service_accounts.push(account);
                });
            }
            _ => {
                let mut flag = None;
                decoder.flag(&value, &mut flag);
                read.node_pods_accessible = flag.unwrap_or_default();
            }
        });
        read
    }
}

fn coordinates(
    decoder: &mut Decoder,
    value: Value,
    name: &'static str,
    fields: &[&'static str],
) -> [String; 4] {
    let mut texts = [const { String::new() }; 4];
    decoder.object(value, (name, name), fields, |decoder, field, value| {
        let at = SECRET_FIELDS.iter().position(|known| *known == field);
        if let Some(text) = at.and_then(|at| texts.get_mut(at)) {
            decoder.text(&value, "string", text);
        }
    });
    texts
}

fn open(input: &[u8], wanted: &str) -> Result<(Value, Decoder, RecordVersion), DecodeError> {
    let Document { value, finding, .. } = Document::parse(input)?;
    let meta = TypeMeta::of(&value)?;
    let version = match meta.group_version().as_str() {
        V1ALPHA1 => RecordVersion::V1Alpha1,
        V1BETA1 => RecordVersion::V1Beta1,
        other => {
            return Err(DecodeError::new(format!(
                "apiVersion: expected {V1BETA1} or {V1ALPHA1}, found {:?}",
                bounded(other)
            )));
        }
    };
    if meta.kind != wanted {
        return Err(DecodeError::new(format!("kind: expected {wanted}")));
    }
    Ok((value, Decoder::with_finding(finding), version))
}

fn head(kind: &str) -> String {
    let mut out = String::from("{");
    json::push_member(&mut out, "kind", kind);
    json::push_member(&mut out, "apiVersion", V1BETA1);
    out
}

fn tail(mut out: String) -> Vec<u8> {
    json::close_object(&mut out);
    out.push('\n');
    out.into_bytes()
}

fn push_account(out: &mut String, uid: &str, namespace: &str, name: &str) {
    out.push('{');
    json::push_member(out, "uid", uid);
    json::push_member(out, "namespace", namespace);
    json::push_member(out, "name", name);
}

const INTENT: &str = "ImagePullIntent";
const RECORD: &str = "ImagePulledRecord";
const V1ALPHA1: &str = "kubelet.config.k8s.io/v1alpha1";
const V1BETA1: &str = "kubelet.config.k8s.io/v1beta1";
const SECRET_FIELDS: [&str; 4] = ["uid", "namespace", "name", "credentialHash"];

#[cfg(test)]
mod tests;
