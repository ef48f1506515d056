//! Where a region is: the built-in table, and what the operator adds to it by the files and
//! variables of Oracle's SDKs.

mod table;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use regcred_core::{Env, ProviderError};
use serde::Deserialize;

use crate::failure::misconfigured;
use crate::secret_file;
use crate::vars;

use table::REALMS;

/// Every region known, in the order of looking: table, files, variable.
#[derive(Debug)]
pub(crate) struct Regions {
    built_in: bool,
    /// Files with more regions; read when the first name is asked for that the table lacks.
    files: Vec<PathBuf>,
    of_files: OnceLock<Vec<Region>>,
    of_variable: Option<Region>,
    /// Domain of the services in a region that nothing tells about.
    default_domain: String,
}

/// A region, with the keys of the SDKs' metadata and of the metadata server's `regionInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region {
    #[serde(rename = "regionIdentifier")]
    pub(crate) id: String,
    #[serde(rename = "regionKey")]
    pub(crate) key: String,
    #[serde(rename = "realmDomainComponent")]
    pub(crate) domain: String,
    #[serde(rename = "realmKey")]
    pub(crate) realm: String,
}

/// Both forms of a file with regions.
#[derive(Deserialize)]
#[serde(untagged)]
enum Metadata {
    List(Vec<Region>),
    Tool { regions: Vec<Region> },
}

impl Regions {
    /// Takes the variables in. Reads no file.
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let only_tool = env.is_true(vars::ONLY_TOOL_REGIONS);
        let in_home = |name: &str| env.home().map(|home| home.join(".oci").join(name));
        let tool = env
            .path(vars::TOOL_FILE)
            .or_else(|| in_home("developer-tool-configuration.json"));
        let mut files: Vec<PathBuf> = tool.into_iter().collect();
        let mut of_variable = None;
        if !only_tool {
            files.extend(in_home("regions-config.json"));
            of_variable = env.get(vars::REGION_METADATA).map(parse_one).transpose()?;
        }
        let default_domain = env.get(vars::DEFAULT_REALM).unwrap_or(COMMERCIAL);
        if !is_domain(default_domain) {
            return Err(misconfigured(format!(
                "{} is no domain name",
                vars::DEFAULT_REALM
            )));
        }
        Ok(Self {
            built_in: !only_tool,
            files,
            of_files: OnceLock::new(),
            of_variable,
            default_domain: default_domain.to_ascii_lowercase(),
        })
    }

    /// The region of this key or identifier.
    pub(crate) fn find(&self, name: &str) -> Option<Region> {
        let name = name.trim().to_ascii_lowercase();
        let built_in = REALMS.iter().filter(|_| self.built_in).find_map(|realm| {
            let mut regions = realm.regions.iter();
            let (key, id) = regions.find(|(key, id)| *key == name || *id == name)?;
            Some(Region {
                id: (*id).to_owned(),
                key: (*key).to_owned(),
                domain: realm.domain.to_owned(),
                realm: realm.key.to_owned(),
            })
        });
        built_in.or_else(|| {
            let mut added = self.added();
            added.find(|r| r.key == name || r.id == name).cloned()
        })
    }

    /// Whether a realm's services have this domain. The domain must be in lower case.
    pub(crate) fn has_domain(&self, domain: &str) -> bool {
        (self.built_in && REALMS.iter().any(|realm| realm.domain == domain))
            || self.default_domain == domain
            || self.added().any(|region| region.domain == domain)
    }

    /// Domains that the table does not have.
    pub(crate) fn added_domains(&self) -> Vec<&str> {
        let default = [self.default_domain.as_str()];
        let all = self.added().map(|region| region.domain.as_str());
        let mut domains: Vec<&str> = all.chain(default).collect();
        domains.retain(|domain| REALMS.iter().all(|realm| realm.domain != *domain));
        domains.sort_unstable();
        domains.dedup();
        domains
    }

    /// What is assumed of a region that nothing tells about.
    pub(crate) fn assume(&self, id: &str) -> Region {
        Region {
            id: id.trim().to_ascii_lowercase(),
            key: String::new(),
            domain: self.default_domain.clone(),
            realm: String::new(),
        }
    }

    fn added(&self) -> impl Iterator<Item = &Region> {
        let of_files = self.of_files.get_or_init(|| {
            let files = self.files.iter();
            files.flat_map(|file| read_file(file.as_path())).collect()
        });
        of_files.iter().chain(&self.of_variable)
    }
}

impl Region {
    /// The region in lower case, if every part has the form of one.
    pub(crate) fn checked(self) -> Option<Self> {
        let lower = |text: String| text.trim().to_ascii_lowercase();
        let region = Self {
            id: lower(self.id),
            key: lower(self.key),
            domain: lower(self.domain),
            realm: lower(self.realm),
        };
        let label = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let sound = region.id.split('.').all(label)
            && label(&region.key)
            && label(&region.realm)
            && is_domain(&region.domain);
        sound.then_some(region)
    }
}

fn parse_one(text: &str) -> Result<Region, ProviderError> {
    let region: Option<Region> = serde_json::from_str(text).ok();
    region.and_then(Region::checked).ok_or_else(|| {
        misconfigured(format!(
            "{} must be a JSON object with regionIdentifier, realmKey, realmDomainComponent and \
             regionKey",
            vars::REGION_METADATA
        ))
    })
}

/// The regions in a file; a file that is not there has none, and a broken one is left out as the
/// SDKs do.
fn read_file(file: &Path) -> Vec<Region> {
    let Ok(Some(text)) = secret_file::read_if_there(file) else {
        return Vec::new();
    };
    let Ok(Metadata::List(regions) | Metadata::Tool { regions }) = serde_json::from_str(&text)
    else {
        tracing::warn!("{} is no region metadata and is left out", file.display());
        return Vec::new();
    };
    regions.into_iter().filter_map(Region::checked).collect()
}

/// At least two labels of letters, digits and dashes.
pub(crate) fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.contains('.') && text.split('.').all(label)
}

/// The domain of realm oc1.
const COMMERCIAL: &str = "oraclecloud.com";

#[cfg(test)]
mod tests;
