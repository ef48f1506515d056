//! The kubelet's records of the images it pulls and has pulled (KEP-2535, kubernetes
//! `pkg/kubelet/images/pullmanager/fs_pullrecords.go`): written byte for byte as a kubelet 1.36
//! writes them, read as strictly as it reads them, in both versions that exist.

use std::collections::BTreeMap;

use regcred_core::ServiceAccountCoordinates;
use regcred_go::{DecodeError, Decoder, Field, field, json};
use secrecy::SecretString;

use crate::document::Document;
use crate::version::{RecordVersion, TypeMeta};

/// A pull that has begun and whose end is not recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePullIntent {
    /// The image as written in the container.
    pub image: String,
}

/// The credentials with which an image was pulled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePulledRecord {
    /// The time of the last change: RFC 3339, UTC. Empty when the document has none. A fraction of a
    /// second is read and not written.
    pub last_updated_time: String,
    /// The container runtime's ID of the image.
    pub image_ref: String,
    /// The owners of accepted credentials, by the image's name as written, without tag and digest.
    pub credential_mapping: BTreeMap<String, ImagePullCredentials>,
}

/// The pods that may use an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePullCredentials {
    /// Pods with one of these Secrets.
    pub kubernetes_secrets: Vec<ImagePullSecret>,
    /// Pods with one of these service accounts.
    pub kubernetes_service_accounts: Vec<ServiceAccountCoordinates>,
    /// Every pod of the node; the lists are empty then.
    pub node_pods_accessible: bool,
}

/// A Secret, and its credential that was accepted. Ordered by namespace, name and UID.
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

/// The text whose SHA-256, in hexadecimal, is the `credentialHash` of a login: Go's JSON of an
/// `AuthConfig` (kubernetes `pkg/credentialprovider/keyring.go`, `hashAuthConfig`), of which an entry
/// fills three members. It holds the password.
#[must_use]
pub fn credential_text(username: &str, password: &SecretString, email: &str) -> SecretString {
    let text = json::object(|login| {
        login.some_text("username", username);
        login.some_secret("password", password);
        login.some_text("email", email);
    });
    text.into()
}

impl ImagePullIntent {
    /// Writes the intent: one compact object and a newline.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        json::object_line(|intent| {
            head(intent, INTENT);
            intent.text("image", &self.image);
        })
    }

    /// Reads an intent.
    ///
    /// # Errors
    /// When it is not a valid document of this kind in a known version.
    pub fn from_slice(input: &[u8]) -> Result<(Self, RecordVersion), DecodeError> {
        decode(input, INTENT, INTENT_FIELDS)
    }
}

impl ImagePulledRecord {
    /// Writes the record: one compact object and a newline.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        json::object_line(|record| {
            head(record, RECORD);
            match self.last_updated_time.as_str() {
                "" => record.json("lastUpdatedTime", "null"),
                time => match time.split_once('.') {
                    Some((seconds, _)) => record.text("lastUpdatedTime", &format!("{seconds}Z")),
                    None => record.text("lastUpdatedTime", time),
                },
            }
            record.text("imageRef", &self.image_ref);
            if !self.credential_mapping.is_empty() {
                record.object("credentialMapping", |mapping| {
                    for (name, credentials) in &self.credential_mapping {
                        mapping.object(name, |members| credentials.write(members));
                    }
                });
            }
        })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is not a valid document of this kind in a known version.
    pub fn from_slice(input: &[u8]) -> Result<(Self, RecordVersion), DecodeError> {
        decode(input, RECORD, RECORD_FIELDS)
    }
}

impl ImagePullCredentials {
    /// Credentials of the node, which every pod may use.
    #[must_use]
    pub fn of_the_node() -> Self {
        Self {
            node_pods_accessible: true,
            ..Self::default()
        }
    }

    fn write(&self, out: &mut json::Members) {
        out.some_list(
            "kubernetesSecrets",
            &self.kubernetes_secrets,
            |out, secret| {
                out.text("uid", &secret.uid);
                out.text("namespace", &secret.namespace);
                out.text("name", &secret.name);
                out.text("credentialHash", &secret.credential_hash);
            },
        );
        let accounts = &self.kubernetes_service_accounts;
        out.some_list("kubernetesServiceAccounts", accounts, |out, account| {
            out.text("uid", &account.uid);
            out.text("namespace", &account.namespace);
            out.text("name", &account.name);
        });
        if self.node_pods_accessible {
            out.json("nodePodsAccessible", "true");
        }
    }
}

fn head(out: &mut json::Members, kind: &str) {
    out.text("kind", kind);
    out.text("apiVersion", RecordVersion::LATEST.as_str());
}

fn decode<T: Default>(
    input: &[u8],
    kind: &'static str,
    fields: &[Field<T>],
) -> Result<(T, RecordVersion), DecodeError> {
    let document = Document::parse(input)?;
    let meta = TypeMeta::of(&document.value)?;
    let version: RecordVersion = meta.group_version().parse()?;
    if meta.kind != kind {
        return Err(DecodeError::new(format!("kind: expected {kind}")));
    }
    let mut read = T::default();
    let mut decoder = Decoder::new(version.go_package(), document.finding);
    decoder.object(document.value, kind, fields, &mut read);
    decoder.finish()?;
    Ok((read, version))
}

const INTENT_FIELDS: &[Field<ImagePullIntent>] = &[field!("image", text, image)];

const RECORD_FIELDS: &[Field<ImagePulledRecord>] = &[
    field!("lastUpdatedTime", time, last_updated_time),
    field!("imageRef", text, image_ref),
    ("credentialMapping", |d, value, into| {
        d.map(
            value,
            "ImagePullCredentials",
            CREDENTIALS_FIELDS,
            |name, credentials| {
                into.credential_mapping.insert(name, credentials);
            },
        );
    }),
];

const CREDENTIALS_FIELDS: &[Field<ImagePullCredentials>] = &[
    ("kubernetesSecrets", |d, value, into| {
        d.objects(
            value,
            "ImagePullSecret",
            SECRET_FIELDS,
            &mut into.kubernetes_secrets,
        );
    }),
    ("kubernetesServiceAccounts", |d, value, into| {
        let accounts = &mut into.kubernetes_service_accounts;
        d.objects(value, "ImagePullServiceAccount", ACCOUNT_FIELDS, accounts);
    }),
    ("nodePodsAccessible", |d, value, into| {
        let mut flag = None;
        d.flag(value, &mut flag);
        into.node_pods_accessible = flag.unwrap_or_default();
    }),
];

const SECRET_FIELDS: &[Field<ImagePullSecret>] = &[
    field!("uid", text, uid),
    field!("namespace", text, namespace),
    field!("name", text, name),
    field!("credentialHash", text, credential_hash),
];

const ACCOUNT_FIELDS: &[Field<ServiceAccountCoordinates>] = &[
    field!("uid", text, uid),
    field!("namespace", text, namespace),
    field!("name", text, name),
];

pub(crate) const INTENT: &str = "ImagePullIntent";
pub(crate) const RECORD: &str = "ImagePulledRecord";

#[cfg(test)]
mod tests;
