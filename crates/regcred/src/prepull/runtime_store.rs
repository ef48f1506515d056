//! A container runtime as the engine's store.

use regcred_core::ImageRef;
use regcred_cri::{Cri, CriError, Image};
use regcred_engine::{AttemptError, ImageStore, ListedImage, StoredImage};
use regcred_registry::{Logins, Progress};
use tokio::time::{Instant, timeout_at};

/// A runtime, for the pulls of one image.
#[derive(Clone, Debug)]
pub(super) struct RuntimeStore {
    pub(super) cri: Cri,
    pub(super) deadline: Instant,
    /// Whether only the registry gets the login, and no mirror of the runtime's configuration.
    pub(super) withhold_from_mirrors: bool,
}

/// An image of the runtime.
#[derive(Clone, Debug)]
pub(super) struct RuntimeImage(pub(super) Image);

impl StoredImage for RuntimeImage {
    fn image_ref(&self) -> String {
        self.0.id.clone()
    }

    fn size(&self) -> u64 {
        self.0.size
    }
}

impl ImageStore for RuntimeStore {
    type Image = RuntimeImage;

    async fn find(&self, image: &str) -> Result<Option<RuntimeImage>, AttemptError> {
        let found = self.cri.image(image).await.map_err(attempt_error)?;
        Ok(found.map(RuntimeImage))
    }

    async fn pull(
        &self,
        image: &str,
        logins: &Logins,
        _progress: &dyn Progress,
    ) -> Result<RuntimeImage, AttemptError> {
        let server = self
            .withhold_from_mirrors
            .then(|| server_of(image))
            .flatten();
        let pull = self.cri.pull(image, logins.image(), server.as_deref());
        match timeout_at(self.deadline, pull).await {
            Ok(Err(error))
                if server.is_some() && logins.image().is_some() && error.is_refusal() =>
            {
                Err(AttemptError {
                    next_step: Some(MAY_BE_WITHHELD),
                    ..attempt_error(error)
                })
            }
            Ok(pulled) => pulled.map(RuntimeImage).map_err(attempt_error),
            Err(_) => Err(AttemptError {
                curable: false,
                next_step: Some("raise --timeout, or look for the cause in the runtime's log"),
                ..AttemptError::text(TIMED_OUT)
            }),
        }
    }

    async fn images(&self) -> Result<Vec<ListedImage>, AttemptError> {
        let found = self.cri.images().await.map_err(attempt_error)?;
        let listed = found.into_iter().map(|image| ListedImage {
            image_ref: image.id,
            names: image.tags.into_iter().chain(image.digests).collect(),
        });
        Ok(listed.collect())
    }
}

/// The address of the registry, as containerd compares it.
fn server_of(image: &str) -> Option<String> {
    let image = ImageRef::parse(image).ok()?;
    let host = match image.domain() {
        "docker.io" => "registry-1.docker.io",
        other => other,
    };
    Some(format!("https://{host}"))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn attempt_error(error: CriError) -> AttemptError {
    AttemptError {
        kind: error.kind(),
        refused: error.is_refusal(),
        curable: error.is_curable_by_credential(),
        next_step: error.next_step(),
        ..AttemptError::text(error.to_string())
    }
}

/// The runtime's answer does not name the server that refused.
const MAY_BE_WITHHELD: &str = "leave withhold-from-mirrors out if it was a mirror that refused: it gets no \
     login; else renew the login";
const TIMED_OUT: &str = "the image was not pulled within --timeout";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrys_address_is_that_of_its_requests() {
        for (image, server) in [
            ("nginx:1", "https://registry-1.docker.io"),
            ("h.io:5000/a:v1", "https://h.io:5000"),
        ] {
            assert_eq!(server_of(image).as_deref(), Some(server));
        }
    }
}
