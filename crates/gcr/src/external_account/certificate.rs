//! A certificate as the subject: the exchange is made over a connection that shows it, and its
//! chain is the subject token. <https://cloud.google.com/iam/docs/workload-identity-federation-with-x509-certificates>

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_secret};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::failure::misconfigured;
use crate::gcloud_dir::gcloud_dir;
use crate::vars;

/// The `certificate` part of a `credential_source`.
#[derive(Deserialize)]
pub(super) struct Certificate {
    #[serde(default)]
    certificate_config_location: Option<PathBuf>,
    #[serde(default)]
    use_default_certificate_config: bool,
    #[serde(default)]
    trust_chain_path: Option<PathBuf>,
}

impl Certificate {
    /// The chain as a JSON list of base64 texts, the workload's own certificate first.
    pub(super) fn token(&self, env: &Env) -> Result<SecretString, ProviderError> {
        let mut chain = certificates(&self.config(env)?.cert_path)?;
        chain.truncate(1);
        if let Some(path) = &self.trust_chain_path {
            for certificate in certificates(path)? {
                if !chain.contains(&certificate) {
                    chain.push(certificate);
                }
            }
        }
        let encoded: Vec<String> = chain.iter().map(|der| STANDARD.encode(der)).collect();
        Ok(serde_json::json!(encoded).to_string().into())
    }

    /// Certificate and private key as one PEM text.
    pub(super) fn identity(&self, env: &Env) -> Result<SecretString, ProviderError> {
        let config = self.config(env)?;
        let certificate = pem(&config.cert_path)?;
        let key = pem(&config.key_path)?;
        Ok(format!("{}\n{}", certificate.expose_secret(), key.expose_secret()).into())
    }

    fn config(&self, env: &Env) -> Result<Workload, ProviderError> {
        let path = match (
            &self.certificate_config_location,
            self.use_default_certificate_config,
        ) {
            (Some(path), false) => Some(path.clone()),
            (None, true) => env
                .path(vars::CERTIFICATE_CONFIG)
                .or_else(|| Some(gcloud_dir(env)?.join("certificate_config.json"))),
            _ => {
                return Err(misconfigured(
                    "credential_source.certificate must have either certificate_config_location \
                     or use_default_certificate_config",
                ));
            }
        };
        let Some(path) = path else {
            return Err(misconfigured(format!(
                "no certificate configuration: {} is not set and there is no home directory",
                vars::CERTIFICATE_CONFIG
            )));
        };
        let config: Config = serde_json::from_str(pem(&path)?.expose_secret()).map_err(|_| {
            misconfigured(format!(
                "{} is no certificate configuration with cert_configs.workload",
                path.display()
            ))
        })?;
        Ok(config.cert_configs.workload)
    }
}

#[derive(Deserialize)]
struct Config {
    cert_configs: Configs,
}

#[derive(Deserialize)]
struct Configs {
    workload: Workload,
}

#[derive(Deserialize)]
struct Workload {
    cert_path: PathBuf,
    key_path: PathBuf,
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ProviderError> {
    let text = pem(path)?;
    CertificateDer::pem_slice_iter(text.expose_secret().as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| misconfigured(format!("{} holds no certificates", path.display())))
}

fn pem(path: &Path) -> Result<SecretString, ProviderError> {
    read_secret(path, MIB)
        .map_err(|e| misconfigured(format!("cannot read {}", path.display())).with_source(e))
}

/// The endpoint that asks for client certificates.
pub(super) const TOKEN_URL: &str = "https://sts.mtls.googleapis.com/v1/token";
