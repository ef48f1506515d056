//! `regcred logout`: logins are removed from docker's or podman's file, and from the helpers that docker
//! asks.

use regcred_core::Env;
use regcred_docker_config::{DockerFile, Document, DocumentError};
use regcred_run::{ProgramError, output};

use super::file::{LoginFile, Server};
use super::helper;
use crate::cli::LogoutArgs;

pub(crate) fn run(args: &LogoutArgs, env: &Env) -> Result<(), ProgramError> {
    let server = Server::parse(args.host.as_deref())?;
    let file = LoginFile::of(&args.file, env)?;
    let shown = file.path.display();
    // Nothing is made in order to remove something from it.
    let dry_run = !file.path.exists();
    let mut helpers = HelperKeys::default();
    let edited = DockerFile::new(&file.path).edit(dry_run, |document| {
        let hosts = if args.all {
            helpers = HelperKeys::of_all(document)?;
            document.hosts().map(str::to_owned).collect()
        } else {
            helpers = HelperKeys::of(document, server.keys())?;
            server.keys()
        };
        Ok::<_, DocumentError>(remove(document, hosts))
    });
    let (_, removed) = edited.map_err(ProgramError::not_configured)?;
    let mut places: Vec<_> = removed
        .iter()
        .map(|host| format!("the login of {host} is removed from {shown}"))
        .collect();
    let failure = if args.all {
        helpers.erase_all(env, &mut places)
    } else {
        helpers.erase_any(&server, env, &mut places)
    };
    if places.is_empty() && failure.is_none() {
        let whose = if args.all {
            "any registry"
        } else {
            &server.host
        };
        places.push(format!(
            "not logged in to {whose}: {shown} has no login of it"
        ));
    }
    if !places.is_empty() {
        output::line(&places.join("\n"))?;
    }
    failure.map_or(Ok(()), Err)
}

/// Removes the entries of these hosts; returns those that were there.
fn remove(document: &mut Document, hosts: Vec<String>) -> Vec<String> {
    hosts
        .into_iter()
        .filter(|host| document.remove(host))
        .collect()
}

/// What is removed from helpers.
#[derive(Default)]
struct HelperKeys {
    /// A key, and the helper that docker asks for it.
    keys: Vec<(String, String)>,
    /// A helper from which every login is removed.
    store: Option<String>,
}

impl HelperKeys {
    fn of(document: &Document, keys: Vec<String>) -> Result<Self, DocumentError> {
        let mut found = Self::default();
        for key in keys {
            let name = document.helper_of(&key)?;
            found.keys.extend(name.map(|name| (key, name)));
        }
        Ok(found)
    }

    fn of_all(document: &Document) -> Result<Self, DocumentError> {
        let stores = |name: &String| !helper::stores_none(name);
        let mut keys = document.helpers()?;
        keys.retain(|(_, name)| stores(name));
        Ok(Self {
            keys,
            store: document.store().filter(stores),
        })
    }

    /// As docker: it is a success if one key could be erased, since some helpers fail for a key that they
    /// do not have.
    fn erase_any(
        self,
        server: &Server,
        env: &Env,
        places: &mut Vec<String>,
    ) -> Option<ProgramError> {
        let (mut failure, mut erased) = (None, Vec::new());
        for (key, name) in self.keys {
            match helper::erase(&name, &key, env) {
                Ok(()) if !erased.contains(&name) => erased.push(name),
                Ok(()) => {}
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        places.extend(erased.iter().map(|name| removed(&server.key, name)));
        failure.filter(|_| erased.is_empty())
    }

    /// As podman: every key that is known, and a failure of one is a failure.
    fn erase_all(self, env: &Env, places: &mut Vec<String>) -> Option<ProgramError> {
        let (mut failure, mut keys) = (None, self.keys);
        if let Some(store) = self.store {
            match helper::servers(&store, env) {
                Ok(servers) => keys.extend(servers.into_iter().map(|key| (key, store.clone()))),
                Err(error) => failure = Some(error),
            }
        }
        for (key, name) in keys {
            match helper::erase(&name, &key, env) {
                Ok(()) => places.push(removed(&key, &name)),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        failure
    }
}

fn removed(key: &str, helper: &str) -> String {
    format!("the login of {key} is removed from docker-credential-{helper}")
}
