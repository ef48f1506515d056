//! The addresses of names, and the names that are being resolved: whether a time-out ended a look-up, or what
//! follows it.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::network::{InnerAddress, Network};
use crate::resolve::resolve;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The resolver of a client. It keeps the names whose last look-up has not ended.
#[derive(Clone)]
pub(crate) struct Names {
    look_up: fn(String) -> Resolving,
    /// Addresses that are used instead of a look-up.
    given: Arc<[(String, Vec<SocketAddr>)]>,
    /// The network of the server that named the hosts.
    named_by: Option<Network>,
    open: Arc<Mutex<HashSet<String>>>,
}

impl Names {
    /// The names that this machine can resolve, and these.
    pub(crate) fn of_machine(given: &[(String, Vec<SocketAddr>)]) -> Self {
        let names = Self::by(|name| {
            Box::pin(async move {
                let addresses = resolve(&name).await?;
                let sockets = addresses.into_iter().map(|address| (address, 0_u16).into());
                Ok(Box::new(sockets) as Addrs)
            })
        });
        Self {
            given: given.into(),
            ..names
        }
    }

    pub(crate) fn by(look_up: fn(String) -> Resolving) -> Self {
        Self {
            look_up,
            given: Arc::default(),
            named_by: None,
            open: Arc::default(),
        }
    }

    /// The same for hosts that a server in this network named: only addresses that it may lead to.
    pub(crate) fn named_by(&self, network: Network) -> Self {
        Self {
            named_by: Some(network),
            ..self.clone()
        }
    }

    /// Whether names have addresses that are not those of the system's resolver.
    pub(crate) fn has_own(&self) -> bool {
        !self.given.is_empty()
    }

    /// Whether the last look-up of this name has begun and not ended, or was given up.
    pub(crate) fn is_open(&self, name: &str) -> bool {
        lock(&self.open).contains(name)
    }

    fn find(&self, name: &str) -> Resolving {
        match self.given.iter().find(|(given, _)| given == name) {
            Some((_, addresses)) => {
                let addresses = addresses.clone().into_iter();
                Box::pin(std::future::ready(Ok(Box::new(addresses) as Addrs)))
            }
            None => (self.look_up)(name.to_owned()),
        }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let (open, named_by) = (self.open.clone(), self.named_by);
        let found = self.find(&name);
        Box::pin(async move {
            lock(&open).insert(name.clone());
            let found = found.await;
            lock(&open).remove(&name);
            match named_by {
                Some(network) => Ok(allowed(found?, network)?),
                None => found,
            }
        })
    }
}

/// The addresses to which a server in this network may lead.
fn allowed(found: Addrs, by: Network) -> Result<Addrs, InnerAddress> {
    let (may, refused): (Vec<_>, Vec<_>) =
        found.partition(|address| by.may_name(Network::of(address.ip())));
    match refused.first() {
        Some(first) if may.is_empty() => Err(InnerAddress {
            address: first.ip(),
        }),
        _ => Ok(Box::new(may.into_iter())),
    }
}

fn lock(open: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
