//! The identity of the machine or the person: the first of the configured token sources that has
//! one. If that one fails, the search ends. Files are read once, when the places are listed.

use regcred_cloud::AccessToken;
use regcred_core::{ErrorKind, ProviderError, fingerprint};

use crate::ERRORS;
use crate::credential_file::{CredentialFile, Search};
use crate::docker_credential_gcr::stored_login;
use crate::file_identity::FileIdentity;
use crate::gcloud::Gcloud;
use crate::metadata::Metadata;
use crate::settings::{Cloud, TokenSource};

/// The places where the identity may be, in the order in which they are tried.
pub(crate) struct Ambient(Vec<Place>);

/// One place, as it was found.
enum Place {
    File(CredentialFile),
    /// A file that exists and cannot be read.
    Unreadable(ProviderError),
    Metadata,
    Gcloud(Gcloud),
    /// Nothing, and why.
    Absent(String),
}

impl Ambient {
    /// Looks at the places without network and processes.
    pub(crate) fn find(cloud: &Cloud) -> Self {
        let mut places = Vec::new();
        for source in &cloud.settings.sources {
            places.push(match source {
                TokenSource::File => match CredentialFile::find(&cloud.env) {
                    Ok(Search::Found(file)) => Place::File(file),
                    Ok(Search::Absent(why)) => Place::Absent(why),
                    Err(error) => Place::Unreadable(error),
                },
                TokenSource::Store => match stored_login(&cloud.env) {
                    Ok(none) => Place::Absent(none),
                    Err(error) => Place::Unreadable(error),
                },
                TokenSource::Metadata => Place::Metadata,
                TokenSource::Gcloud => match Gcloud::find(&cloud.env) {
                    Some(gcloud) => Place::Gcloud(gcloud),
                    None => Place::Absent("gcloud is not in PATH".to_owned()),
                },
            });
            // A file decides, whatever is in it.
            if matches!(places.last(), Some(Place::File(_) | Place::Unreadable(_))) {
                break;
            }
        }
        Self(places)
    }

    /// The identity by stable names that hold no secret; `None` when it is not known.
    pub(crate) fn key_parts(&self, cloud: &Cloud) -> Option<Vec<(&'static str, String)>> {
        let mut parts = Vec::new();
        for place in &self.0 {
            match place {
                Place::File(file) => {
                    parts.push(("file", file.path.display().to_string()));
                    parts.push(("content", fingerprint(&file.text)));
                }
                Place::Unreadable(_) => return None,
                Place::Metadata => parts.push(("metadata", cloud.settings.metadata_host.clone())),
                Place::Gcloud(gcloud) => parts.extend(gcloud.key_parts()),
                Place::Absent(_) => {}
            }
        }
        Some(parts)
    }

    /// An access token.
    pub(crate) async fn token(
        self,
        cloud: &Cloud,
        scopes: &str,
    ) -> Result<AccessToken, ProviderError> {
        let mut absent = Vec::new();
        let mut asked_metadata = false;
        for place in self.0 {
            match place {
                Place::File(file) => {
                    let identity = FileIdentity::of(&cloud.settings, &file)?;
                    return identity.token(cloud, scopes).await;
                }
                Place::Unreadable(error) => return Err(error),
                Place::Metadata => match Metadata::new(cloud)?.token(scopes).await {
                    Err(e) if e.kind() == ErrorKind::IdentityUnavailable => {
                        absent.push(e.reason());
                        asked_metadata = true;
                    }
                    token => return token,
                },
                Place::Gcloud(gcloud) if asked_metadata && !gcloud.has_login => {
                    absent.push("gcloud has no login".to_owned());
                }
                Place::Gcloud(gcloud) => {
                    let token = gcloud.token(cloud, !asked_metadata).await;
                    return token.map_err(|error| after_others(error, &absent));
                }
                Place::Absent(why) => absent.push(why),
            }
        }
        let message = format!("found no Google identity ({})", absent.join("; "));
        Err(ERRORS
            .no_identity(message)
            .with_next_step(CONFIGURE.to_owned()))
    }
}

/// gcloud is often installed by accident, so the message also lists the places tried before it.
fn after_others(error: ProviderError, absent: &[String]) -> ProviderError {
    if absent.is_empty() {
        return error;
    }
    let before = absent.join("; ");
    error.reworded(|sentence| format!("{sentence} (before it: {before})"))
}

const CONFIGURE: &str = "on a machine outside Google set GOOGLE_APPLICATION_CREDENTIALS to a \
     credentials file or log in with gcloud";

#[cfg(test)]
mod tests;
