//! The names that are being resolved: whether a time-out ended a look-up, or what follows it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::resolve::resolve;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The resolver of a client. It keeps the names whose last look-up has not ended.
#[derive(Clone)]
pub(crate) struct Names {
    look_up: fn(String) -> Resolving,
    open: Arc<Mutex<HashSet<String>>>,
}

impl Names {
    /// The names that this machine can resolve.
    pub(crate) fn of_machine() -> Self {
        Self::by(|name| {
            Box::pin(async move {
                let addresses = resolve(&name).await?;
                let sockets = addresses.into_iter().map(|address| (address, 0_u16).into());
                Ok(Box::new(sockets) as Addrs)
            })
        })
    }

    pub(crate) fn by(look_up: fn(String) -> Resolving) -> Self {
        Self {
            look_up,
            open: Arc::default(),
        }
    }

    /// Whether the last look-up of this name has begun and not ended, or was given up.
    pub(crate) fn is_open(&self, name: &str) -> bool {
        lock(&self.open).contains(name)
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let open = self.open.clone();
        let found = (self.look_up)(name.clone());
        Box::pin(async move {
            lock(&open).insert(name.clone());
            let found = found.await;
            lock(&open).remove(&name);
            found
        })
    }
}

fn lock(open: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
