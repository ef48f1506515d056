//! The identity of the machine or the person: the first of the configured places that has one. One
//! that has one and fails ends the search. The files are read once, when the places are listed.

use regcred_core::{ErrorKind, ProviderError, report};

use crate::credential_file::{CredentialFile, Search};
use crate::failure::failure;
use crate::gcloud::Gcloud;
use crate::impersonation::Impersonation;
use crate::metadata::Metadata;
use crate::reach::Reach;
use crate::settings::Source;
use crate::token::{AccessToken, TokenSource};

/// The places where the node's identity may be, in the order in which they are asked.
pub(crate) struct Node {
    reach: Reach,
    places: Vec<Place>,
}

/// One place, as it was found.
pub(crate) enum Place {
    File(CredentialFile),
    /// A file that is there and cannot be used.
    Unreadable,
    Metadata,
    Gcloud(Gcloud),
    /// Nothing, and why.
    Absent(String),
}

impl Node {
    /// Looks at the places without asking any of them.
    pub(crate) fn find(reach: &Reach) -> Self {
        let mut places = Vec::new();
        for source in &reach.settings.sources {
            places.push(match source {
                Source::File => match CredentialFile::find(&reach.env) {
                    Ok(Search::Found(file)) => Place::File(file),
                    Ok(Search::Nothing(why)) => Place::Absent(why),
                    Err(_) => Place::Unreadable,
                },
                Source::Metadata => Place::Metadata,
                Source::Gcloud => match Gcloud::find(reach) {
                    Some(gcloud) => Place::Gcloud(gcloud),
                    None => Place::Absent("gcloud is not in PATH".to_owned()),
                },
            });
            // A file decides, whatever is in it.
            if matches!(places.last(), Some(Place::File(_) | Place::Unreadable)) {
                break;
            }
        }
        Self {
            reach: reach.clone(),
            places,
        }
    }

    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Tokens of the node, or of the service account that it is configured to act as.
    pub(crate) fn into_source(self) -> Box<dyn TokenSource> {
        let reach = self.reach.clone();
        match &reach.settings.impersonate {
            None => Box::new(self),
            Some(email) => {
                let whose = "the node's identity";
                Box::new(Impersonation::of(&reach, Box::new(self), whose, email))
            }
        }
    }
}

#[async_trait::async_trait]
impl TokenSource for Node {
    async fn token(&self, scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let mut absent = Vec::new();
        let mut asked_metadata = false;
        for place in &self.places {
            match place {
                Place::File(file) => return file.source(&self.reach)?.token(scopes).await,
                Place::Unreadable => match CredentialFile::find(&self.reach.env)? {
                    Search::Found(file) => return file.source(&self.reach)?.token(scopes).await,
                    Search::Nothing(why) => absent.push(why),
                },
                Place::Metadata => match Metadata::new(&self.reach)?.token(scopes).await {
                    Ok(token) => return Ok(token),
                    Err(e) if e.kind() == ErrorKind::IdentityUnavailable => {
                        absent.push(reason(&e));
                        asked_metadata = true;
                    }
                    Err(e) => return Err(e),
                },
                Place::Gcloud(gcloud) if asked_metadata && !gcloud.has_login() => {
                    absent.push("there is no login with gcloud".to_owned());
                }
                Place::Gcloud(gcloud) => {
                    let token = gcloud.token(!asked_metadata).await;
                    return token.map_err(|e| after_others(e, &absent));
                }
                Place::Absent(why) => absent.push(why.clone()),
            }
        }
        Err(failure(
            ErrorKind::IdentityUnavailable,
            format!(
                "found no Google identity ({}); on a machine outside Google set \
                 GOOGLE_APPLICATION_CREDENTIALS to a credentials file or log in with gcloud",
                absent.join("; ")
            ),
        ))
    }
}

/// gcloud is often installed by accident, so the message also lists the places asked before it.
fn after_others(error: ProviderError, absent: &[String]) -> ProviderError {
    if absent.is_empty() {
        return error;
    }
    failure(
        error.kind(),
        format!("{} (before it: {})", reason(&error), absent.join("; ")),
    )
}

/// The error's text with its causes, without the provider's name in front.
fn reason(error: &ProviderError) -> String {
    let text = report(error);
    match text.split_once(": ") {
        Some((provider, rest)) if provider == error.provider() => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
