//! A certificate as the subject: the exchange is made over a connection that shows it, and its
//! chain is the subject token. <https://cloud.google.com/iam/docs/workload-identity-federation-with-x509-certificates>

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_secret};
use regcred_http::Client;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gcloud::gcloud_dir;
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// The `certificate` part of a `credential_source`.
#[derive(Deserialize)]
pub(super) struct Certificate {
    certificate_config_location: Option<PathBuf>,
    #[serde(default)]
    use_default_certificate_config: bool,
    trust_chain_path: Option<PathBuf>,
}

impl Certificate {
    /// A client that shows the certificate, and the chain as a JSON list of base64 texts, the
    /// workload's own certificate first.
    pub(super) fn client_and_token(
        &self,
        cloud: &Cloud,
    ) -> Result<(Client, SecretString), ProviderError> {
        let config = self.config(&cloud.env)?;
        let (certificate, key) = (read(&config.cert_path)?, read(&config.key_path)?);
        let mut chain = certificates(&config.cert_path, &certificate)?;
        chain.truncate(1);
        if let Some(path) = &self.trust_chain_path {
            for certificate in certificates(path, &read(path)?)? {
                if !chain.contains(&certificate) {
                    chain.push(certificate);
                }
            }
        }
        let encoded: Vec<String> = chain.iter().map(|der| STANDARD.encode(der)).collect();
        let token = json!(encoded).to_string().into();
        let pem = format!("{}\n{}", certificate.expose_secret(), key.expose_secret());
        let client = cloud.client(|options| {
            options.client_identity_pem = Some(pem.into_bytes().into());
        })?;
        Ok((client, token))
    }

    fn config(&self, env: &Env) -> Result<Workload, ProviderError> {
        let location = &self.certificate_config_location;
        let path = match (location, self.use_default_certificate_config) {
            (Some(path), false) => path.clone(),
            (None, true) => env
                .path(vars::CERTIFICATE_CONFIG)
                .or_else(|| Some(gcloud_dir(env)?.join("certificate_config.json")))
                .ok_or_else(|| {
                    ERRORS.misconfigured(format!(
                        "no certificate configuration: {} is not set and neither is HOME",
                        vars::CERTIFICATE_CONFIG
                    ))
                })?,
            _ => {
                return Err(ERRORS.misconfigured(
                    "credential_source.certificate must have either certificate_config_location \
                     or use_default_certificate_config",
                ));
            }
        };
        let config = serde_json::from_str::<Value>(read(&path)?.expose_secret()).ok();
        let workload = config
            .as_ref()
            .and_then(|config| config.pointer("/cert_configs/workload"))
            .and_then(|workload| Workload::deserialize(workload).ok());
        workload.ok_or_else(|| {
            ERRORS.misconfigured(format!(
                "{} is not a certificate configuration with cert_configs.workload",
                path.display()
            ))
        })
    }
}

#[derive(Deserialize)]
struct Workload {
    cert_path: PathBuf,
    key_path: PathBuf,
}

fn certificates(
    path: &Path,
    pem: &SecretString,
) -> Result<Vec<CertificateDer<'static>>, ProviderError> {
    let chain = CertificateDer::pem_slice_iter(pem.expose_secret().as_bytes());
    match chain.collect::<Result<Vec<_>, _>>() {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(ERRORS.misconfigured(format!("{} holds no certificates", path.display()))),
    }
}

fn read(path: &Path) -> Result<SecretString, ProviderError> {
    read_secret(path, MIB).map_err(|error| {
        let message = format!("cannot read {}", path.display());
        ERRORS.misconfigured(message).with_source(error)
    })
}

/// The endpoint that asks for client certificates.
pub(super) const TOKEN_URL: &str = "https://sts.mtls.googleapis.com/v1/token";
