//! The identity of the machine or the person: the first of the configured sources that is there.
//! One that is there and fails ends the search.

use regcred_core::{ErrorKind, ProviderError, report};

use crate::credential_file::{CredentialFile, Search};
use crate::failure::failure;
use crate::gcloud::{self, Gcloud};
use crate::impersonation::Impersonation;
use crate::metadata::Metadata;
use crate::reach::Reach;
use crate::settings::Source;
use crate::token::{AccessToken, TokenSource};

/// Tokens of the node, or of the service account that it is told to act as.
pub(crate) fn source(reach: &Reach) -> Box<dyn TokenSource> {
    let own = Box::new(Node {
        reach: reach.clone(),
    });
    match &reach.settings.impersonate {
        None => own,
        Some(email) => {
            let whose = "the node's identity";
            Box::new(Impersonation::of(reach, own, whose, email))
        }
    }
}

struct Node {
    reach: Reach,
}

#[async_trait::async_trait]
impl TokenSource for Node {
    async fn token(&self, scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let mut absent = Vec::new();
        let mut asked_metadata = false;
        for source in &self.reach.settings.sources {
            match source {
                Source::File => match CredentialFile::find(&self.reach.env)? {
                    Search::Found(file) => {
                        return file.source(&self.reach)?.token(scopes).await;
                    }
                    Search::Nothing(why) => absent.push(why),
                },
                Source::Metadata => match Metadata::new(&self.reach)?.token(scopes).await {
                    Ok(token) => return Ok(token),
                    Err(e) if e.kind() == ErrorKind::IdentityUnavailable => {
                        absent.push(reason(&e));
                        asked_metadata = true;
                    }
                    Err(e) => return Err(e),
                },
                Source::Gcloud => match self.gcloud(asked_metadata) {
                    Ok(gcloud) => {
                        return gcloud
                            .token(scopes)
                            .await
                            .map_err(|e| after_others(e, &absent));
                    }
                    Err(why) => absent.push(why.to_owned()),
                },
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

impl Node {
    /// gcloud, if it is there and, where the metadata server was asked in vain, has a login.
    fn gcloud(&self, asked_metadata: bool) -> Result<Gcloud, &'static str> {
        match Gcloud::find(&self.reach) {
            None => Err("gcloud is not in PATH"),
            Some(gcloud) if !asked_metadata => Ok(gcloud),
            Some(gcloud) if gcloud::has_login(&self.reach.env) => Ok(gcloud.without_metadata()),
            Some(_) => Err("nobody has logged in with gcloud"),
        }
    }
}

/// gcloud is often installed without being meant: what was looked for before it is said too.
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
