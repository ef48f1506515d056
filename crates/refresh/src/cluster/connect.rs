//! Which cluster: that of a named kubeconfig, else the one this pod runs in, else that of the user's
//! kubeconfig.

use std::path::Path;
use std::time::Duration;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use regcred_core::Env;

use super::client::Cluster;
use crate::error::RunError;

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
    let mut config = match named {
        Some(paths) => from_files(&paths, context).await?,
        None if in_pod => {
            let text = "the pod's service account cannot be used; does it mount its token?";
            Config::incluster_env().map_err(RunError::at(text))?
        }
        None => {
            let path = env.home().map(|home| home.join(".kube/config"));
            let path = path.filter(|path| path.is_file());
            let path = path.ok_or_else(|| RunError::new(NOWHERE))?;
            from_files(&path, context).await?
        }
    };
    config.connect_timeout = Some(Duration::from_secs(5));
    // A watch is silent for minutes; every other request has its own deadline.
    config.read_timeout = Some(Duration::from_secs(320));
    // Only `Cluster` retries, or it would be done twice.
    config.default_retry = false;
    let client = kube::Client::try_from(config);
    let client = client.map_err(RunError::at("cannot create a client for the API server"))?;
    Ok(Cluster::new(client, requests_per_second))
}

/// One file, or several separated by colons; the first that sets a value counts.
async fn from_files(paths: &Path, context: Option<&str>) -> Result<Config, RunError> {
    let fail = |path: &Path| format!("the kubeconfig {} cannot be used", path.display());
    let list = paths.to_string_lossy();
    let files = list
        .split(':')
        .filter(|path| !path.is_empty())
        .map(Path::new);
    let mut merged = Kubeconfig::default();
    for file in files {
        let read = Kubeconfig::read_from(file).map_err(RunError::at(fail(file)))?;
        merged = merged.merge(read).map_err(RunError::at(fail(file)))?;
    }
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    if names_proxy(&merged, context) {
        let text = format!("{}: proxy-url is not supported", fail(paths));
        return Err(RunError::new(text));
    }
    let config = Config::from_custom_kubeconfig(merged, &options).await;
    let mut config = config.map_err(RunError::at(fail(paths)))?;
    // Of HTTPS_PROXY, which is for the clouds: as in a pod, the API server is reached directly.
    config.proxy_url = None;
    Ok(config)
}

/// Whether the cluster of the context has a proxy.
fn names_proxy(kubeconfig: &Kubeconfig, context: Option<&str>) -> bool {
    let context = context.or(kubeconfig.current_context.as_deref());
    let mut contexts = kubeconfig.contexts.iter();
    let context = contexts.find(|named| Some(named.name.as_str()) == context);
    let context = context.and_then(|named| named.context.as_ref());
    let mut clusters = kubeconfig.clusters.iter();
    let cluster = clusters.find(|named| context.is_some_and(|c| c.cluster == named.name));
    let cluster = cluster.and_then(|named| named.cluster.as_ref());
    let proxy = cluster.and_then(|cluster| cluster.proxy_url.as_ref());
    proxy.is_some_and(|proxy| !proxy.is_empty())
}

const NOWHERE: &str =
    "no cluster: not in a pod, no KUBECONFIG and no ~/.kube/config; use --kubeconfig FILE";
