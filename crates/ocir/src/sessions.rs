//! The last session of a process.

use std::sync::Arc;

use regcred_core::ProviderError;
use tokio::sync::Mutex;

use crate::identity::Identity;
use crate::session::Session;
use crate::settings::Cloud;

/// The last session, for programs that ask for several registries or for a long time: they
/// federate once.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Option<(String, Arc<Session>)>>);

impl Sessions {
    /// The session of an identity, and whether it was made earlier. `stale` is one that a service
    /// has just refused.
    pub(crate) async fn of(
        &self,
        identity: &Identity,
        cloud: &Cloud,
        stale: Option<&Arc<Session>>,
    ) -> Result<(Arc<Session>, bool), ProviderError> {
        let name = identity.stable_name();
        let mut last = self.0.lock().await;
        if let (Some(name), Some((of, session))) = (&name, &*last)
            && name == of
            && session.is_fresh(cloud.now())
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, session))
        {
            return Ok((Arc::clone(session), true));
        }
        let session = Arc::new(identity.session(cloud).await?);
        *last = name.map(|name| (name, Arc::clone(&session)));
        Ok((session, false))
    }
}
