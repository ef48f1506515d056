//! Which container runtime the images go into.

use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use regcred_core::{Env, EnvVar, ErrorKind, options};
use regcred_cri::{Cri, RuntimeVersion, WELL_KNOWN, socket_of};
use regcred_files::{MIB, read};
use regcred_go::yaml;
use regcred_run::ProgramError;

options! {
    /// crictl's variables, which `prepull` reads.
    pub VARS:
    IMAGE_ENDPOINT = EnvVar::new("IMAGE_SERVICE_ENDPOINT",
        "The socket of the runtime's image service, as for crictl.", "`CONTAINER_RUNTIME_ENDPOINT`");
    RUNTIME_ENDPOINT = EnvVar::new("CONTAINER_RUNTIME_ENDPOINT",
        "The socket of the container runtime, as for crictl.", "that of crictl's file");
    CONFIG_FILE = EnvVar::new("CRI_CONFIG_FILE", "crictl's file.", "`/etc/crictl.yaml`");
}

/// The runtime: the one that is named, by the flag, by crictl's variables or by crictl's file; else
/// the one that answers at one of the known sockets.
///
/// # Errors
/// When it does not answer; when none answers, or several do.
pub(super) async fn find(
    flag: Option<&str>,
    env: &Env,
) -> Result<(Cri, RuntimeVersion), ProgramError> {
    match named(flag, env)? {
        Some(named) => named.ask().await,
        None => probed(WELL_KNOWN).await,
    }
}

/// A socket, and what names it.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    origin: String,
    socket: PathBuf,
}

impl Named {
    fn of(origin: &str, endpoint: &str) -> Result<Self, ProgramError> {
        let socket = socket_of(endpoint)
            .map_err(|error| ProgramError::usage(format!("{origin}: {error}")))?;
        Ok(Self {
            origin: origin.to_owned(),
            socket,
        })
    }

    async fn ask(self) -> Result<(Cri, RuntimeVersion), ProgramError> {
        let cri = Cri::at(&self.socket).map_err(ProgramError::usage)?;
        let version = cri.version().await.map_err(|error| {
            let why = if error.is_unimplemented() {
                NO_CRI.to_owned()
            } else {
                error.to_string()
            };
            ProgramError::of_kind(ErrorKind::Unreachable, format!("{}: {why}", self.origin))
        })?;
        Ok((cri, version))
    }
}

fn named(flag: Option<&str>, env: &Env) -> Result<Option<Named>, ProgramError> {
    if let Some(endpoint) = flag {
        return Named::of("--runtime-endpoint", endpoint).map(Some);
    }
    for variable in [IMAGE_ENDPOINT, RUNTIME_ENDPOINT] {
        if let Some(endpoint) = env.get(variable).filter(|value| !value.is_empty()) {
            return Named::of(variable, endpoint).map(Some);
        }
    }
    let file = env.path(CONFIG_FILE).unwrap_or_else(|| CRICTL.into());
    of_crictl(&file)
}

/// The endpoint in crictl's configuration. One that cannot be read is passed over: it is crictl's.
fn of_crictl(file: &Path) -> Result<Option<Named>, ProgramError> {
    let text = read(file, MIB).unwrap_or_default();
    let Ok((Some(document), _)) = yaml::parse_first(&text) else {
        return Ok(None);
    };
    let endpoint = ["image-endpoint", "runtime-endpoint"]
        .iter()
        .find_map(|name| {
            let value = document.value.member(name)?.plain_text()?;
            (!value.is_empty()).then_some(value)
        });
    let named = endpoint.map(|endpoint| Named::of(&file.display().to_string(), endpoint));
    named.transpose()
}

async fn probed(known: &[(&str, &str)]) -> Result<(Cri, RuntimeVersion), ProgramError> {
    let asked = known.iter().map(|(path, of)| async move {
        let named = Named::of(of, path).ok()?;
        // A socket behind a link, as /run is of /var/run, is asked once by its name in the table.
        named.socket.exists().then_some(())?;
        Some((format!("{path} ({of})"), named.ask().await))
    });
    let asked: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
    let (mut answered, mut silent) = (Vec::new(), Vec::new());
    for (place, answer) in asked {
        match answer {
            Ok(found) => answered.push((place, found)),
            Err(error) => silent.push(error.to_string()),
        }
    }
    if answered.len() > 1 {
        let places: Vec<_> = answered.into_iter().map(|(place, _)| place).collect();
        let places = places.join(" and ");
        return Err(ProgramError::not_configured(format!(
            "container runtimes answer at {places}: name the kubelet's with --runtime-endpoint"
        )));
    }
    match answered.pop() {
        Some((_, found)) => Ok(found),
        None if silent.is_empty() => {
            let places: Vec<_> = known.iter().map(|(path, _)| *path).collect();
            Err(ProgramError::not_configured(format!(
                "no container runtime was found at {}: name its socket with --runtime-endpoint",
                places.join(", ")
            )))
        }
        None => Err(ProgramError::of_kind(
            ErrorKind::Unreachable,
            format!(
                "no container runtime answers: {}; start it, run as root, or name its socket with \
                 --runtime-endpoint",
                silent.join("; ")
            ),
        )),
    }
}

const CRICTL: &str = "/etc/crictl.yaml";
const NO_CRI: &str = "the program at this socket does not serve the CRI: remove cri from \
                      disabled_plugins in containerd's configuration, or name another socket";

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(named: Option<Named>) -> Option<String> {
        named.map(|named| named.socket.display().to_string())
    }

    #[test]
    fn the_flag_wins_over_crictls_variables_and_these_over_its_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("crictl.yaml");
        let text = "runtime-endpoint: unix:///r.sock\nimage-endpoint: unix:///i.sock\n";
        std::fs::write(&file, text).expect("a file");
        let file = file.display().to_string();
        let found = |flag, vars: &[(&str, &str)]| {
            let vars = vars
                .iter()
                .copied()
                .chain([("CRI_CONFIG_FILE", file.as_str())]);
            socket(named(flag, &Env::map(vars)).expect("sound"))
        };
        let both = [
            ("CONTAINER_RUNTIME_ENDPOINT", "unix:///cr.sock"),
            ("IMAGE_SERVICE_ENDPOINT", "/is.sock"),
        ];
        assert_eq!(found(Some("/f.sock"), &both).as_deref(), Some("/f.sock"));
        assert_eq!(found(None, &both).as_deref(), Some("/is.sock"));
        assert_eq!(found(None, &both[..1]).as_deref(), Some("/cr.sock"));
        assert_eq!(found(None, &[]).as_deref(), Some("/i.sock"));
        let none = Env::map([("CRI_CONFIG_FILE", "/nonexistent")]);
        assert_eq!(named(None, &none).expect("sound"), None);
        let error = named(Some("tcp://h:1"), &none).expect_err("not a socket");
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.to_string().starts_with("--runtime-endpoint: "),
            "{error}"
        );
    }

    #[tokio::test]
    async fn where_nothing_listens_the_sockets_are_named() {
        let error = probed(&[("/nonexistent/a.sock", "a")])
            .await
            .expect_err("none");
        assert!(error.to_string().contains("/nonexistent/a.sock"), "{error}");
        assert_eq!(error.exit_code(), 4);
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("dead.sock").display().to_string();
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        let error = probed(&[(&path, "b")]).await.expect_err("dead");
        assert_eq!(error.exit_code(), 7);
        assert!(error.to_string().contains("Connection refused"), "{error}");
    }
}
