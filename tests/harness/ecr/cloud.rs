//! A machine with a role and its registry, as one cloud.

use super::{Failure, FakeEcr};
use crate::cloud::{Cloud, Trouble, Upstream};
use crate::{FakeEc2Metadata, Logins};

/// An EC2 instance with a role and private ECR.
pub struct EcrCloud {
    metadata: FakeEc2Metadata,
    ecr: FakeEcr,
}

impl EcrCloud {
    /// Starts the two servers.
    #[must_use]
    pub fn start() -> Self {
        let metadata = FakeEc2Metadata::start("us-east-1");
        let ecr = FakeEcr::start("123456789012", &[metadata.access_key().clone()]);
        Self { metadata, ecr }
    }

    /// Variables with the instance's keys, for a program that is not to ask its metadata service: on a busy
    /// machine that answers too late.
    #[must_use]
    pub fn keys(&self) -> Vec<(String, String)> {
        let key = self.metadata.access_key().clone();
        let session = key.session.map(|session| ("AWS_SESSION_TOKEN", session));
        let vars = [
            ("AWS_ACCESS_KEY_ID", key.id),
            ("AWS_SECRET_ACCESS_KEY", key.secret),
        ];
        let vars = vars.into_iter().chain(session);
        vars.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The logins issued so far.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        self.ecr.logins()
    }
}

impl Cloud for EcrCloud {
    fn env(&self) -> Vec<(String, String)> {
        self.metadata
            .env()
            .into_iter()
            .chain(self.ecr.env())
            .collect()
    }

    fn image(&self) -> &str {
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app"
    }

    fn helper(&self) -> &str {
        "docker-credential-ecr-login"
    }

    fn public(&self) -> &[&str] {
        &["AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL_ECR_PUBLIC"]
    }

    fn upstream(&self, _vars: &[(String, String)]) -> Option<Upstream> {
        Some(Upstream {
            program: "ecr-credential-provider",
            args: Vec::new(),
            env: Vec::new(),
            image: self.image().to_owned(),
        })
    }

    fn username(&self) -> &str {
        "AWS"
    }

    fn secrets(&self) -> Vec<String> {
        let key = self.metadata.access_key();
        let mut secrets = self.ecr.logins().passwords();
        secrets.push(key.secret.clone());
        secrets.extend(key.session.clone());
        secrets
    }

    fn calls(&self) -> usize {
        self.ecr.server().count("/")
    }

    fn trouble(&self, trouble: Trouble) {
        let failure = match trouble {
            Trouble::Denial => Failure::Denied,
            Trouble::Garbage => Failure::Garbage,
        };
        self.ecr.fail(failure, usize::MAX);
    }
}
