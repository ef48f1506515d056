//! Which cluster: that of a named kubeconfig, else the one this pod runs in, else that of the user's
//! kubeconfig.

use std::path::Path;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use regcred_core::{Env, report};

use super::api_user::ApiUser;
use super::client::Cluster;
use super::error::Asked;
use super::transport::{UNSET, Way, client};
use crate::error::RunError;
use crate::failure::RefreshFailure;

/// Reads what a connection needs; opens none yet.
///
/// # Errors
/// If no cluster is named, or its kubeconfig or service account cannot be used.
pub async fn connect(
    kubeconfig: Option<&Path>,
    context: Option<&str>,
    env: &Env,
    requests_per_second: u32,
) -> Result<Cluster, RunError> {
    let named = kubeconfig
        .map(Path::to_owned)
        .or_else(|| env.path("KUBECONFIG"));
    let in_pod = env.get("KUBERNETES_SERVICE_HOST").is_some() && named.is_none();
    let (config, user) = match named {
        Some(paths) => from_files(&paths, context).await?,
        None if in_pod => {
            let text = "the pod's service account cannot be used; does it mount its token?";
            let config = Config::incluster_env().map_err(RunError::at(text))?;
            (config, ApiUser::of_pod())
        }
        None => {
            let path = env.home().map(|home| home.join(".kube/config"));
            let path = path.filter(|path| path.is_file());
            let path = path.ok_or_else(|| RunError::new(NOWHERE))?;
            from_files(&path, context).await?
        }
    };
    let way = Way::new(&config, user, env)?;
    let text = "cannot create a client for the API server";
    let client = client(&config, &way).map_err(|error| match &error {
        kube::Error::Auth(why) => {
            let asked = Asked {
                identity: &way.user.shown,
                server: &way.shown,
                place: "",
            };
            RunError::at(text)(asked.no_credentials(way.user.why_none(why)))
        }
        _ => RunError::at(text)(error),
    })?;
    Ok(Cluster::new(client, &way, requests_per_second))
}

/// One file, or several separated by colons; the first that sets a value counts.
async fn from_files(paths: &Path, context: Option<&str>) -> Result<(Config, ApiUser), RunError> {
    let list = paths.to_string_lossy();
    let files = list
        .split(':')
        .filter(|path| !path.is_empty())
        .map(Path::new);
    let mut merged = Kubeconfig::default();
    for file in files {
        let read = Kubeconfig::read_from(file).map_err(|error| unusable(file, error))?;
        merged = merged.merge(read).map_err(|error| unusable(file, error))?;
    }
    for cluster in &mut merged.clusters {
        let cluster = cluster.cluster.get_or_insert_default();
        let named = cluster.proxy_url.take().filter(|url| !url.is_empty());
        cluster.proxy_url = Some(named.unwrap_or_else(|| UNSET.to_owned()));
    }
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    let user = ApiUser::of(&merged, context, &list);
    let config = Config::from_custom_kubeconfig(merged, &options).await;
    Ok((config.map_err(|error| unusable(paths, error))?, user))
}

/// Of a text that is not YAML of the right form only the first line of the error is shown: the others quote
/// the file, which may hold tokens.
fn unusable(path: &Path, error: KubeconfigError) -> RunError {
    let text = format!("the kubeconfig {} cannot be used", path.display());
    let (answer, next) = match error {
        KubeconfigError::ReadConfig(error, _) => (error.to_string(), ANOTHER),
        KubeconfigError::Parse(error) => {
            let error = error.to_string();
            // Up to what it advises a Rust programmer.
            let first = error.split(['\n', ';']).next().unwrap_or_default();
            (first.trim_start_matches("error: ").to_owned(), CORRECT)
        }
        KubeconfigError::CurrentContextNotSet => {
            let answer = "it has no current context";
            (answer.to_owned(), "name a context with --context")
        }
        KubeconfigError::LoadContext(name) => {
            let answer = format!("the context {name:?} is not found");
            (answer, "name another with --context")
        }
        KubeconfigError::LoadClusterOfContext(name) => {
            (format!("the cluster {name:?} is not found"), CORRECT)
        }
        other => (report(&other), CORRECT),
    };
    RunError::at(text)(RefreshFailure::new(answer, Some(next)))
}

const ANOTHER: &str = "name another file with --kubeconfig or KUBECONFIG";
const CORRECT: &str = "correct the file";
const NOWHERE: &str =
    "no cluster: not in a pod, no KUBECONFIG and no ~/.kube/config; use --kubeconfig FILE";
