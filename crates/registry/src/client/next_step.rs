//! What a person can do about a failed request, as far as that does not depend on the credentials.

use super::error::{Reason, RegistryError};

impl RegistryError {
    /// What to do next; `None` where the message has it, and for a refusal (401, 403), about which only
    /// a credential helps.
    #[must_use]
    pub fn next_step(&self) -> Option<&'static str> {
        if self.names_other_reason() {
            return None;
        }
        if self.is_for_want_of_withheld_login() {
            return Some(WITHHELD);
        }
        if let Some(error) = self.http() {
            return error.next_step();
        }
        match (self.leading_reason(), self.status().map(|s| s.as_u16())) {
            (Reason::NoScheme { anonymous, .. }, _) if !anonymous => {
                Some("ask the registry's operators for a login by Basic or Bearer")
            }
            (_, Some(404)) => Some(
                "check the name and the tag; a registry may also answer so where a login is missing or \
                 may not pull",
            ),
            (_, Some(429)) => Some("wait, or use a credential with a higher limit"),
            (_, Some(408 | 425 | 500..)) => {
                Some("try again later; the server's log has the reason")
            }
            (Reason::Digest { .. } | Reason::Size { .. } | Reason::Manifest, _) => {
                Some("push the image again, or ask another mirror")
            }
            (Reason::Configuration, _) => Some(
                "correct the configuration of the registry's hosts, or name another --hosts-dir",
            ),
            _ => None,
        }
    }
}

const WITHHELD: &str = "leave withhold-from-mirrors out, or give the mirror a login of its own";

#[cfg(test)]
mod tests {
    use crate::Hosts;
    use crate::fake::{Fake, Reply, bind, client, image};

    async fn next_step(status: u16) -> Option<&'static str> {
        let server = Fake::start(move |_| Reply::new(status)).await;
        let repository = client(Hosts::none()).repository(&image(&server), None);
        let error = repository.manifest("v1").await.expect_err("refused");
        error.next_step()
    }

    #[tokio::test]
    async fn a_failure_has_a_next_step_unless_a_credential_decides_it() {
        for (status, words) in [(404, "the tag"), (429, "wait"), (503, "try again later")] {
            let next = next_step(status).await.expect("a step");
            assert!(next.contains(words), "{status}: {next}");
        }
        for status in [401, 403] {
            assert_eq!(next_step(status).await, None, "{status}");
        }
        let port = bind().await.local_addr().expect("bound").port();
        let name = format!("127.0.0.1:{port}/team/app:v1");
        let image = regcred_core::ImageRef::parse(&name).expect("image");
        let closed = client(Hosts::none()).repository(&image, None);
        let error = closed.manifest("v1").await.expect_err("closed");
        assert!(error.next_step().is_some_and(|step| step.contains("port")));
    }
}
