//! The cloud provider's configuration file, `azure.json`: JSON or YAML, keys in any case as Go
//! reads them, unknown keys ignored (cloud-provider-azure `pkg/azclient` and
//! `pkg/provider/config`).

use std::fmt;
use std::path::Path;
use std::time::Duration;

use regcred_core::ProviderError;
use regcred_files::{MIB, read_secret};
use regcred_http::Retry;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::ERRORS;

/// The fields that decide about registry credentials. An empty text counts as absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct AzureJson {
    pub(crate) cloud: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) certificate_path: Option<String>,
    pub(crate) certificate_password: Option<SecretString>,
    pub(crate) federated_token_file: Option<String>,
    pub(crate) use_workload_identity: bool,
    pub(crate) use_managed_identity: bool,
    pub(crate) user_assigned_identity: Option<String>,
    pub(crate) resource_manager: Option<String>,
    pub(crate) user_agent: Option<String>,
    /// Whether calls of Entra ID are repeated by the rules below instead of [`RETRY`].
    pub(crate) backoff: bool,
    pub(crate) backoff_retries: Option<u32>,
    /// Seconds.
    pub(crate) backoff_duration: Option<u32>,
}

impl AzureJson {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read or has another form. The text is not shown: it may hold a secret.
    pub(crate) fn read(path: &Path) -> Result<Self, ProviderError> {
        let shown = path.display();
        let text = read_secret(path, MIB)
            .map_err(|error| ERRORS.unreadable("the configuration", path, error))?;
        Self::parse(text.expose_secret())
            .map_err(|why| ERRORS.misconfigured(format!("cannot use {shown}: {why}")))
    }

    /// How calls of Entra ID are repeated, where the file decides it.
    pub(crate) fn retry(&self) -> Option<Retry> {
        let bounded = |number: Option<u32>, default| number.unwrap_or(default).min(MOST_PATIENT);
        self.backoff.then(|| Retry {
            attempts: bounded(self.backoff_retries, 3) + 1,
            base: Duration::from_secs(bounded(self.backoff_duration, 5).into()),
            cap: RETRY.cap,
        })
    }

    /// Every JSON file is YAML too, but most files are JSON, which is read faster.
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if let Ok(parsed) = serde_json::from_str(text) {
            return Ok(parsed);
        }
        // As in Go's decoder, the last of several fields of one name counts.
        let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::PassThrough };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| match error.location() {
            Some(at) => format!(
                "it is neither JSON nor YAML of the expected form (line {}, column {})",
                at.line(),
                at.column()
            ),
            None => "it is neither JSON nor YAML of the expected form".to_owned(),
        })
    }
}

impl<'de> Deserialize<'de> for AzureJson {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = AzureJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AzureJson, A::Error> {
        let mut read = AzureJson::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.to_ascii_lowercase().as_str() {
                "cloud" => read.cloud = text(&mut map)?,
                "tenantid" => read.tenant_id = text(&mut map)?,
                "aadclientid" => read.client_id = text(&mut map)?,
                "aadclientsecret" => read.client_secret = text(&mut map)?.map(SecretString::from),
                "aadclientcertpath" => read.certificate_path = text(&mut map)?,
                "aadclientcertpassword" => {
                    read.certificate_password = text(&mut map)?.map(SecretString::from);
                }
                "aadfederatedtokenfile" => read.federated_token_file = text(&mut map)?,
                "usefederatedworkloadidentityextension" => {
                    read.use_workload_identity = truth(&mut map)?;
                }
                "usemanagedidentityextension" => read.use_managed_identity = truth(&mut map)?,
                "userassignedidentityid" => read.user_assigned_identity = text(&mut map)?,
                "resourcemanagerendpoint" => read.resource_manager = text(&mut map)?,
                "useragent" => read.user_agent = text(&mut map)?,
                "cloudproviderbackoff" => read.backoff = truth(&mut map)?,
                "cloudproviderbackoffretries" => read.backoff_retries = number(&mut map)?,
                "cloudproviderbackoffduration" => read.backoff_duration = number(&mut map)?,
                _ => {
                    let _: IgnoredAny = map.next_value()?;
                }
            }
        }
        Ok(read)
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    let text: Option<String> = map.next_value()?;
    Ok(text.filter(|t| !t.trim().is_empty()))
}

/// A truth value, or the text that templates make of it.
fn truth<'de, A: MapAccess<'de>>(map: &mut A) -> Result<bool, A::Error> {
    let text = match map.next_value()? {
        Value::Null => return Ok(false),
        Value::Bool(value) => return Ok(value),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        _ => "another type".to_owned(),
    };
    match text.as_str() {
        "true" => Ok(true),
        "false" | "" => Ok(false),
        _ => Err(A::Error::custom("expected true or false")),
    }
}

/// A whole number, also in the form `6.0` that templates write: Go's decoder reads YAML's numbers
/// first, and writes them as JSON without the fraction.
fn number<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<u32>, A::Error> {
    let number: Option<f64> = map.next_value()?;
    let Some(number) = number else {
        return Ok(None);
    };
    if number.fract() != 0.0 {
        return Err(A::Error::custom("expected a whole number"));
    }
    Ok(format!("{number}").parse().ok())
}

/// How calls of Entra ID are repeated unless the file decides it.
pub(crate) const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(400),
    cap: Duration::from_secs(8),
};
/// More repeats, or longer pauses, than a plugin has time for.
const MOST_PATIENT: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_aks_writes_is_read() {
        let text = "\u{feff}{\"cloud\":\"AzurePublicCloud\",\"tenantId\":\"t\",\
            \"aadClientId\":\"msi\",\"aadClientSecret\":\"msi\",\
            \"useManagedIdentityExtension\":true,\"userAssignedIdentityID\":\"u\",\
            \"cloudProviderBackoff\":true,\"cloudProviderBackoffRetries\":6,\
            \"cloudProviderBackoffDuration\":5,\"cloudProviderBackoffExponent\":1.5,\
            \"useInstanceMetadata\":true,\"vnetName\":null,\"excludeMasterFromStandardLB\":{}}";
        let read = AzureJson::parse(text).expect("azure.json");
        assert_eq!(read.cloud.as_deref(), Some("AzurePublicCloud"));
        assert_eq!(read.tenant_id.as_deref(), Some("t"));
        assert!(read.use_managed_identity && read.backoff);
        assert_eq!(read.user_assigned_identity.as_deref(), Some("u"));
        let retry = read.retry().expect("backoff");
        assert_eq!((retry.attempts, retry.base), (7, Duration::from_secs(5)));
    }

    #[test]
    fn yaml_other_cases_of_keys_and_written_truth_are_read() {
        let text = "TenantID: t\naadclientid: c\nAADClientSecret: canary\n\
                    useManagedIdentityExtension: \"false\"\naadClientCertPath: ''\n";
        let read = AzureJson::parse(text).expect("yaml");
        assert_eq!(read.tenant_id.as_deref(), Some("t"));
        assert_eq!(read.client_id.as_deref(), Some("c"));
        let secret = read.client_secret.as_ref().expect("a secret");
        assert_eq!(secret.expose_secret(), "canary");
        assert!(!read.use_managed_identity);
        assert_eq!(read.certificate_path, None);
        assert!(!format!("{read:?}").contains("canary"));
    }

    #[test]
    fn whole_numbers_may_have_a_fraction_of_zero_and_the_last_of_a_name_counts() {
        for text in [
            "cloudProviderBackoff: true\ncloudProviderBackoffRetries: 6.0\n\
             cloudProviderBackoffDuration: 5\ntenantId: first\ntenantId: t\n",
            "{\"cloudProviderBackoff\":true,\"cloudProviderBackoffRetries\":6.0,\
             \"cloudProviderBackoffDuration\":5.0,\"tenantId\":\"first\",\"tenantID\":\"t\"}",
        ] {
            let read = AzureJson::parse(text).expect(text);
            assert_eq!(read.backoff_retries, Some(6), "{text}");
            assert_eq!(read.backoff_duration, Some(5), "{text}");
            assert_eq!(read.tenant_id.as_deref(), Some("t"), "{text}");
        }
        let negative = AzureJson::parse("cloudProviderBackoffRetries: -1\n").expect("read");
        assert_eq!(negative.backoff_retries, None);
        for text in ["1.5", "six", "[6]"] {
            let text = format!("cloudProviderBackoffRetries: {text}\n");
            assert!(AzureJson::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_and_not_shown() {
        for text in [
            "",
            " \n",
            "\"canary\"",
            "[\"canary\"]",
            "{\"aadClientSecret\": {\"canary\": 1}}",
            "{\"useManagedIdentityExtension\": \"canary\"}",
            "aadClientSecret: [canary",
        ] {
            let error = AzureJson::parse(text).expect_err(text);
            assert!(!error.contains("canary"), "{error}");
        }
        assert!(AzureJson::read(Path::new("/nonexistent/azure.json")).is_err());
    }
}
