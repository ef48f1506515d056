//! For which images a pod has to show a credential (kubernetes
//! `pkg/kubelet/images/pullmanager/image_pull_policies.go`).

use std::collections::BTreeSet;
use std::fmt;

use regcred_core::{ImageRef, ReferenceError};
use regcred_go::{go_aggregate, go_quote};
use thiserror::Error;

/// The kubelet's `imagePullCredentialsVerificationPolicy`. The default is a kubelet's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VerificationPolicy {
    /// Every pod may use every image that is present.
    NeverVerify,
    /// Every pod may use an image that the kubelet did not pull.
    #[default]
    NeverVerifyPreloadedImages,
    /// Every pod may use an image that is on the list.
    NeverVerifyAllowlistedImages(Allowlist),
    /// No image may be used without a credential on record.
    AlwaysVerify,
}

/// The kubelet's `preloadedImagesVerificationAllowlist`: names, and prefixes that end in `/*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist {
    names: BTreeSet<String>,
    prefixes: Vec<String>,
}

impl VerificationPolicy {
    /// Reads the two settings of a KubeletConfiguration; an empty or absent policy is the default.
    ///
    /// # Errors
    /// With the kubelet's sentences, for an unknown policy, a bad entry of the list, and a list
    /// without the policy that reads it.
    pub fn from_settings(policy: Option<&str>, allowlist: &[String]) -> Result<Self, PolicyError> {
        let policy = match policy.unwrap_or_default() {
            "NeverVerify" => Ok(Self::NeverVerify),
            "" | "NeverVerifyPreloadedImages" => Ok(Self::NeverVerifyPreloadedImages),
            "NeverVerifyAllowlistedImages" => {
                let list = Allowlist::new(allowlist).map(Self::NeverVerifyAllowlistedImages);
                return list.map_err(|error| PolicyError::Entry(Box::new(error)));
            }
            "AlwaysVerify" => Ok(Self::AlwaysVerify),
            other => Err(PolicyError::Unknown(other.to_owned())),
        };
        match (policy, allowlist) {
            (policy, []) => policy,
            (Ok(_), _) => Err(PolicyError::ListNotRead),
            (Err(unknown), _) => Err(PolicyError::Both(Box::new([
                unknown,
                PolicyError::ListNotRead,
            ]))),
        }
    }

    /// Whether a pod has to show a credential for an image, named as written, that is present.
    #[must_use]
    pub fn requires_verification(&self, image: &str, pulled_by_kubelet: bool) -> bool {
        match self {
            Self::NeverVerify => false,
            Self::NeverVerifyPreloadedImages => pulled_by_kubelet,
            Self::NeverVerifyAllowlistedImages(list) => !list.has(image),
            Self::AlwaysVerify => true,
        }
    }
}

impl Allowlist {
    /// Reads a list.
    ///
    /// # Errors
    /// For the first entry that is neither a name without tag and digest nor a prefix.
    pub fn new<T: AsRef<str>>(entries: &[T]) -> Result<Self, PolicyError> {
        let mut list = Self::default();
        for entry in entries.iter().map(AsRef::as_ref) {
            match read(entry)? {
                Entry::Name => list.names.insert(entry.to_owned()),
                Entry::Prefix(prefix) => {
                    list.prefixes.push(prefix.to_owned());
                    true
                }
            };
        }
        Ok(list)
    }

    /// Whether an image is on the list, by its name as written without tag and digest.
    #[must_use]
    pub fn has(&self, image: &str) -> bool {
        let name = without_tag_and_digest(image);
        let mut prefixes = self.prefixes.iter();
        self.names.contains(name) || prefixes.any(|prefix| name.starts_with(prefix))
    }
}

/// The word in a KubeletConfiguration.
impl fmt::Display for VerificationPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NeverVerify => "NeverVerify",
            Self::NeverVerifyPreloadedImages => "NeverVerifyPreloadedImages",
            Self::NeverVerifyAllowlistedImages(_) => "NeverVerifyAllowlistedImages",
            Self::AlwaysVerify => "AlwaysVerify",
        })
    }
}

/// Settings that a kubelet refuses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The policy is unknown.
    #[error(
        "invalid configuration: option {} specified for imagePullCredentialsVerificationPolicy. \
         Valid options are \"NeverVerify\", \"NeverVerifyPreloadedImages\", \
         \"NeverVerifyAllowlistedImages\" or \"AlwaysVerify\"",
        go_quote(.0)
    )]
    Unknown(String),
    /// There is a list, but the policy does not read it. The misspelling is the kubelet's.
    #[error(
        "invalid configuration: can't set `preloadedImagesVerificationAllowlist` if \
         `imagePullCredentialsVertificationPolicy` is not \"NeverVerifyAllowlistedImages\""
    )]
    ListNotRead,
    /// Both of these.
    #[error("{}", go_aggregate(.0.iter().map(ToString::to_string)))]
    Both(Box<[Self; 2]>),
    /// An entry of the list in the settings.
    #[error(
        "invalid configuration: invalid image pattern in \
         `preloadedImagesVerificationAllowlist`: {0}"
    )]
    Entry(Box<Self>),
    /// An entry with blanks around it.
    #[error("leading/trailing spaces are not allowed: {0}")]
    Spaces(String),
    /// An empty entry.
    #[error("the supplied pattern is too short: {0}")]
    TooShort(String),
    /// An asterisk anywhere but in a final `/*`.
    #[error("not a valid wildcard pattern, only patterns ending with '/*' are allowed: {0}")]
    Wildcard(String),
    /// `/*` alone.
    #[error("at least registry hostname is required")]
    NoHost,
    /// An entry that is not an image name.
    #[error("failed to parse as an image name: {}", .0.reason())]
    Name(ReferenceError),
    /// An entry with a tag or digest.
    #[error("neither tag nor digest is accepted in an image reference: {0}")]
    TagOrDigest(String),
}

/// An image's name as written, without tag and digest; `docker.io` is not filled in. Text that is not
/// an image name is returned as it is.
pub(super) fn without_tag_and_digest(image: &str) -> &str {
    ImageRef::name_as_written(image).unwrap_or(image)
}

enum Entry<'a> {
    Name,
    Prefix(&'a str),
}

fn read(entry: &str) -> Result<Entry<'_>, PolicyError> {
    let shown = || entry.to_owned();
    if entry != entry.trim() {
        return Err(PolicyError::Spaces(shown()));
    }
    let prefix = entry.strip_suffix('*').filter(|rest| rest.ends_with('/'));
    let text = prefix.unwrap_or(entry);
    if text.is_empty() {
        return Err(PolicyError::TooShort(shown()));
    }
    if text.contains('*') {
        return Err(PolicyError::Wildcard(shown()));
    }
    match prefix {
        Some("/") => Err(PolicyError::NoHost),
        Some(prefix) => Ok(Entry::Prefix(prefix)),
        None => {
            let name = ImageRef::name_as_written(text).map_err(PolicyError::Name)?;
            if name == text {
                Ok(Entry::Name)
            } else {
                Err(PolicyError::TagOrDigest(shown()))
            }
        }
    }
}
