//! `regcred logout`: logins are removed from docker's or podman's file, or from the helper that docker
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
    let mut helpers = Vec::new();
    let edited = DockerFile::new(&file.path).edit(dry_run, |document| {
        if args.all {
            return Ok(remove_all(document));
        }
        for key in server.keys() {
            let name = document.helper_of(&key)?;
            helpers.extend(name.map(|name| (name, key)));
        }
        remove(document, &server)
    });
    let (_, removed) = edited.map_err(ProgramError::not_configured)?;
    let mut places: Vec<_> = removed
        .iter()
        .map(|host| format!("the login of {host} is removed from {shown}"))
        .collect();
    if let Some((name, key)) = helpers.first() {
        helper::erase(name, key, env)?;
        places.push(format!(
            "the login of {key} is removed from docker-credential-{name}"
        ));
    }
    if places.is_empty() {
        let whose = if args.all {
            "any registry"
        } else {
            &server.host
        };
        places.push(format!(
            "not logged in to {whose}: {shown} has no login of it"
        ));
    }
    output::line(&places.join("\n"))
}

fn remove(document: &mut Document, server: &Server) -> Result<Vec<String>, DocumentError> {
    let keys = server.keys().into_iter();
    Ok(keys.filter(|key| document.remove(key)).collect())
}

fn remove_all(document: &mut Document) -> Vec<String> {
    let hosts: Vec<_> = document.hosts().map(str::to_owned).collect();
    for host in &hosts {
        document.remove(host);
    }
    hosts
}
