//! The plan as a whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::{Intervals, LeaderElection, Limits, Server};
use crate::names::OPT_OUT;

use super::file::FilePlan;
use super::namespace::Scope;
use super::secret::SecretPlan;
use super::source::SourcePlan;

/// Everything to keep fresh, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where logins come from.
    pub sources: Vec<SourcePlan>,
    /// Secrets, one in each selected namespace.
    pub secrets: Vec<SecretPlan>,
    /// Docker configuration files on this machine.
    pub files: Vec<FilePlan>,
    /// Periods of the work.
    pub intervals: Intervals,
    /// Limits on requests to the API server.
    pub limits: Limits,
    /// Where the daemon listens.
    pub server: Server,
    /// Election of the one daemon that works.
    pub leader_election: LeaderElection,
}

impl Plan {
    /// Which namespaces must be looked at.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let mut named = BTreeSet::new();
        for secret in &self.secrets {
            let mut sources = secret.sources.iter().map(|source| &self.sources[*source]);
            let tenants = sources.any(|source| source.identity.is_some());
            let Some(names) = secret.literal_namespaces().filter(|_| !tenants) else {
                return Scope::Cluster;
            };
            named.extend(names.into_iter().map(Arc::from));
        }
        Scope::Named(named)
    }

    /// Annotations of namespaces and service accounts that decide something.
    #[must_use]
    pub fn annotations(&self) -> BTreeSet<String> {
        let identities = self.sources.iter().filter_map(|s| s.identity.as_ref());
        let mut keys: BTreeSet<_> = identities
            .flat_map(|identity| identity.also_pass.iter().chain([&identity.annotation]))
            .cloned()
            .collect();
        keys.extend(OPT_OUT.iter().map(|(key, _)| (*key).to_owned()));
        keys
    }

    /// Whether service accounts decide anything: some target adds to their pull secrets, or they
    /// prove the identity of a namespace.
    #[must_use]
    pub fn looks_at_accounts(&self) -> bool {
        let tenants = self.sources.iter().any(|source| source.identity.is_some());
        tenants || self.secrets.iter().any(|secret| !secret.accounts.is_none())
    }

    /// The sources of a target, or all.
    pub(crate) fn sources_of(&self, target: Option<&str>) -> Vec<usize> {
        let Some(target) = target else {
            return (0..self.sources.len()).collect();
        };
        let secrets = self.secrets.iter().filter(|s| s.target == target);
        let files = self.files.iter().filter(|f| f.target == target);
        let secrets = secrets.flat_map(|secret| &secret.sources);
        let all = secrets.chain(files.flat_map(|file| &file.sources));
        all.copied().collect()
    }
}
