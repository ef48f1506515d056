//! Which file holds the logins, and under which key a registry's is.

use std::path::PathBuf;

use regcred_core::{Env, EnvVar, RegistryHost, options};
use regcred_run::ProgramError;

use crate::cli::LoginFileArgs;

options! {
    /// Every variable that `login` and `logout` read, besides docker's.
    pub VARS:
    AUTH_FILE = EnvVar::new("REGISTRY_AUTH_FILE",
        "Podman's file of logins, for `login --podman` and `logout --podman`.",
        "`containers/auth.json` in `XDG_RUNTIME_DIR`");
    RUNTIME_DIR = EnvVar::new("XDG_RUNTIME_DIR",
        "The user's runtime directory, where podman keeps its logins.", "`/run/user/UID`");
}

/// A file of logins in docker's form.
pub(super) struct LoginFile {
    pub(super) path: PathBuf,
}

impl LoginFile {
    /// The file that the options name, else docker's.
    pub(super) fn of(args: &LoginFileArgs, env: &Env) -> Result<Self, ProgramError> {
        let path = if let Some(path) = &args.authfile {
            path.clone()
        } else if args.podman {
            podman(env)
        } else {
            regcred_plugin::docker_config_path(env).ok_or_else(|| {
                ProgramError::not_configured(
                    "neither DOCKER_CONFIG nor HOME is set: name a file with --authfile",
                )
            })?
        };
        Ok(Self { path })
    }
}

fn podman(env: &Env) -> PathBuf {
    let user = rustix::process::geteuid();
    env.path(AUTH_FILE).unwrap_or_else(|| {
        let runtime = env.path(RUNTIME_DIR);
        // Podman as root has its own directory.
        let runtime = runtime.unwrap_or_else(|| match user.is_root() {
            true => "/run".into(),
            false => format!("/run/user/{}", user.as_raw()).into(),
        });
        runtime.join("containers/auth.json")
    })
}

/// A registry as a user names it to log in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// `host[:port]`; `docker.io` for every name of Docker Hub.
    pub(super) host: String,
    /// Its key in the file.
    pub(super) key: String,
}

impl Server {
    /// The server with this name, which may be a URL, as for docker; Docker Hub if none is named.
    pub(super) fn parse(name: Option<&str>) -> Result<Self, ProgramError> {
        let name = name.unwrap_or(DOCKER_HUB);
        let parsed = RegistryHost::parse(name).map_err(ProgramError::usage)?;
        let host = match parsed.port() {
            Some(port) => format!("{}:{port}", parsed.host()),
            None => parsed.host().to_owned(),
        };
        if HUB_NAMES.contains(&&*host) {
            return Ok(Self {
                host: "docker.io".to_owned(),
                key: DOCKER_HUB.to_owned(),
            });
        }
        let bare = name
            .trim_start_matches("https://")
            .trim_start_matches("http://");
        if bare.trim_end_matches('/').contains('/') {
            return Err(ProgramError::usage(format!(
                "{name:?} has a path: docker looks logins up by the host alone; name {host}"
            )));
        }
        Ok(Self {
            key: host.clone(),
            host,
        })
    }

    /// Every key under which docker or podman may have stored a login for it.
    pub(super) fn keys(&self) -> Vec<String> {
        if self.key == DOCKER_HUB {
            let names = HUB_NAMES.iter().map(|name| (*name).to_owned());
            return [self.key.clone()].into_iter().chain(names).collect();
        }
        let host = &self.key;
        vec![
            host.clone(),
            format!("http://{host}"),
            format!("https://{host}"),
        ]
    }
}

/// The key that docker and `kubectl` write for Docker Hub.
pub(crate) const DOCKER_HUB: &str = "https://index.docker.io/v1/";
const HUB_NAMES: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_its_host_and_docker_hub_its_old_url() {
        for (name, host, key) in [
            (None, "docker.io", DOCKER_HUB),
            (Some("docker.io"), "docker.io", DOCKER_HUB),
            (Some("https://index.docker.io/v1/"), "docker.io", DOCKER_HUB),
            (Some("h.io"), "h.io", "h.io"),
            (Some("https://h.io:5000/"), "h.io:5000", "h.io:5000"),
        ] {
            let server = Server::parse(name).expect("a server");
            assert_eq!((&*server.host, &*server.key), (host, key), "{name:?}");
        }
        for name in ["h.io/team", "https://h.io/v2/", "", "a b"] {
            assert!(Server::parse(Some(name)).is_err(), "{name:?}");
        }
    }

    #[test]
    fn podmans_file_is_the_named_one_else_that_of_the_runtime_directory() {
        let args = LoginFileArgs {
            authfile: None,
            podman: true,
        };
        for (vars, path) in [
            (vec![("REGISTRY_AUTH_FILE", "/a.json")], "/a.json"),
            (
                vec![("XDG_RUNTIME_DIR", "/run/user/7")],
                "/run/user/7/containers/auth.json",
            ),
        ] {
            let file = LoginFile::of(&args, &Env::map(vars)).expect("a file");
            assert_eq!(file.path, PathBuf::from(path));
        }
    }
}
