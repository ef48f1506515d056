//! Where a region is: the built-in table, and what the operator adds to it by the files and
//! variables of Oracle's SDKs.

use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use regcred_cloud::is_label;
use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_text};
use serde::Deserialize;

use crate::{ERRORS, vars};

/// Every region known, in the order of looking: table, files, variable.
#[derive(Debug)]
pub(crate) struct Regions {
    only_tool: bool,
    /// Files with more regions; read when the first name is looked up that the table lacks.
    files: Vec<PathBuf>,
    of_files: OnceLock<Vec<Region>>,
    of_variable: Option<Region>,
    /// Domain of the services in a region that is described nowhere.
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
    /// Reads the variables, and no file yet.
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
            return Err(
                ERRORS.misconfigured(format!("{} is not a domain name", vars::DEFAULT_REALM))
            );
        }
        Ok(Self {
            only_tool,
            files,
            of_files: OnceLock::new(),
            of_variable,
            default_domain: default_domain.to_ascii_lowercase(),
        })
    }

    /// The region of this key or identifier.
    pub(crate) fn find(&self, name: &str) -> Option<Region> {
        let name = name.trim().to_ascii_lowercase();
        let is_it = |region: &&Region| region.key == name || region.id == name;
        let built_in = self.built_in().iter().find(is_it);
        built_in.or_else(|| self.added().find(is_it)).cloned()
    }

    /// Whether a realm's services have this domain. The domain must be in lower case.
    pub(crate) fn has_domain(&self, domain: &str) -> bool {
        self.built_in().iter().any(|region| region.domain == domain)
            || self.default_domain == domain
            || self.added().any(|region| region.domain == domain)
    }

    /// Domains that the table does not have.
    pub(crate) fn added_domains(&self) -> Vec<&str> {
        let default = [self.default_domain.as_str()];
        let all = self.added().map(|region| region.domain.as_str());
        let mut domains: Vec<&str> = all.chain(default).collect();
        domains.retain(|domain| TABLE.iter().all(|region| region.domain != *domain));
        domains.sort_unstable();
        domains.dedup();
        domains
    }

    /// What is assumed of a region that is described nowhere.
    pub(crate) fn assume(&self, id: &str) -> Region {
        Region {
            id: id.trim().to_ascii_lowercase(),
            key: String::new(),
            domain: self.default_domain.clone(),
            realm: String::new(),
        }
    }

    fn built_in(&self) -> &'static [Region] {
        if self.only_tool { &[] } else { &TABLE }
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
        let is_valid = region.id.split('.').all(is_label)
            && is_label(&region.key)
            && is_label(&region.realm)
            && is_domain(&region.domain);
        is_valid.then_some(region)
    }
}

fn parse_one(text: &str) -> Result<Region, ProviderError> {
    let region: Option<Region> = serde_json::from_str(text).ok();
    region.and_then(Region::checked).ok_or_else(|| {
        ERRORS.misconfigured(format!(
            "{} must be a JSON object with regionIdentifier, realmKey, realmDomainComponent and \
             regionKey",
            vars::REGION_METADATA
        ))
    })
}

/// The regions in a file; one that cannot be read has none, and a broken one is left out, as the
/// SDKs do.
fn read_file(file: &Path) -> Vec<Region> {
    let Ok(text) = read_text(file, MIB) else {
        return Vec::new();
    };
    let Ok(Metadata::List(regions) | Metadata::Tool { regions }) = serde_json::from_str(&text)
    else {
        tracing::warn!("{} is not region metadata and is left out", file.display());
        return Vec::new();
    };
    regions.into_iter().filter_map(Region::checked).collect()
}

/// At least two labels.
fn is_domain(text: &str) -> bool {
    text.contains('.') && text.split('.').all(is_label)
}

/// The regions of every realm that Oracle's SDKs know, in the form of their own metadata:
/// `common/regions.json` of oracle/oci-go-sdk v65.117.1, compared with `regions_definitions.py` of
/// oracle/oci-python-sdk 2.189.0 (the same 85 regions of 20 realms).
static TABLE: LazyLock<Vec<Region>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("regions/regions.json")).expect("a test reads it")
});

/// The domain of realm oc1.
const COMMERCIAL: &str = "oraclecloud.com";

#[cfg(test)]
mod tests;
