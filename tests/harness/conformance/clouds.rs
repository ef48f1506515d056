//! The fake clouds as the conformance suite and the demo see them.

use super::Trouble;
use crate::ecr::Failure;
use crate::gce_metadata::Answers;
use crate::{FakeEc2Metadata, FakeEcr, FakeGceMetadata, Logins};

/// A fake cloud with one identity, and what a plugin should make of it.
pub trait Cloud {
    /// The variables that lead a plugin to it.
    fn env(&self) -> Vec<(String, String)>;

    /// An image that the plugin serves, without tag.
    fn image(&self) -> &str;

    /// The file name of a docker credential helper for it.
    fn helper(&self) -> &str {
        "docker-credential-regcred"
    }

    /// The user name of its logins.
    fn username(&self) -> &str;

    /// Every secret that it has issued so far, keys and passwords.
    fn secrets(&self) -> Vec<String>;

    /// How many registry tokens it was asked for.
    fn calls(&self) -> usize;

    /// From now on it goes wrong so.
    fn trouble(&self, trouble: Trouble);
}

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

/// A Google machine with a service account.
pub struct GcrCloud(FakeGceMetadata);

impl GcrCloud {
    /// Starts the metadata server.
    #[must_use]
    pub fn start() -> Self {
        Self(FakeGceMetadata::start())
    }

    /// The logins issued so far.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        self.0.logins()
    }
}

impl Cloud for GcrCloud {
    fn env(&self) -> Vec<(String, String)> {
        self.0.env()
    }

    fn image(&self) -> &str {
        "us-docker.pkg.dev/demo-project/team/app"
    }

    fn helper(&self) -> &str {
        "docker-credential-gcr"
    }

    fn username(&self) -> &str {
        "_token"
    }

    fn secrets(&self) -> Vec<String> {
        self.0.logins().passwords()
    }

    fn calls(&self) -> usize {
        self.0.token_requests()
    }

    fn trouble(&self, trouble: Trouble) {
        self.0.set_answers(match trouble {
            Trouble::Denial => Answers::NoAccount,
            Trouble::Garbage => Answers::Portal,
        });
    }
}
