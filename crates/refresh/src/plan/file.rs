//! One docker configuration file.

use regcred_docker_config::DockerFile;

/// A docker configuration file to keep fresh.
#[derive(Clone, Debug)]
pub struct FilePlan {
    /// The target's name in the configuration.
    pub target: String,
    /// Indices into [`Plan::sources`](super::Plan::sources).
    pub sources: Vec<usize>,
    /// Path, owner and mode.
    pub file: DockerFile,
}
