//! What the operator decided: the configuration file, read with each provider that is made.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf, absolute};

use regcred_cloud::Options;
use regcred_core::{Env, ErrorKind, PodTokens, ProviderError, RegistryHost};
use regcred_files::{MIB, read_text};

use crate::document::Document;
use crate::hosts::RegistryPattern;
use crate::rule::{LoginSource, Rule};
use crate::{ERRORS, vars};

/// The settings with the clients that use them.
pub(crate) type Cloud = regcred_cloud::Cloud<Settings>;

/// The settings that hold for every request.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    path: PathBuf,
    /// Whether there is a file.
    found: bool,
    pub(crate) rules: Vec<Rule>,
    pub(crate) require_pod_identity: bool,
}

impl Settings {
    /// If no variable has the path of the file, a missing file is not an error until a login is asked
    /// for.
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let options = Options::new(ERRORS, env);
        let named = options.path(vars::CONFIG);
        let path = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT));
        let mut settings = Self {
            found: true,
            rules: Vec::new(),
            require_pod_identity: options.is_true(vars::REQUIRE_POD_IDENTITY),
            path,
        };
        match read_text(&settings.path, MIB) {
            Ok(text) => settings.rules = settings.parse(&text)?,
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
                settings.found = false;
            }
            Err(error) => {
                return Err(ERRORS.unreadable("the configuration file", &settings.path, error));
            }
        }
        Ok(settings)
    }

    /// The file as messages name it.
    pub(crate) fn file(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn patterns(&self) -> impl Iterator<Item = &RegistryPattern> {
        self.rules.iter().flat_map(|rule| &rule.patterns)
    }

    pub(crate) fn serves(&self, registry: &RegistryHost) -> bool {
        self.patterns().any(|pattern| pattern.is_at(registry))
    }

    /// The refusal of a registry that the file does not have, or of all while it does not exist.
    pub(crate) fn not_served(&self, registry: &RegistryHost) -> ProviderError {
        let file = self.file();
        if self.found {
            let message = format!("{file} has no entry for {registry}");
            return ERRORS.of_kind(ErrorKind::NotServed, message);
        }
        ERRORS.misconfigured(format!(
            "{file} does not exist, and it names the registries: write it, or name another file with {}",
            vars::CONFIG
        ))
    }

    /// What a kubelet has to send, one item for each audience and its way.
    pub(crate) fn pod_tokens(&self) -> Vec<PodTokens> {
        let mut all: Vec<PodTokens> = Vec::new();
        for rule in &self.rules {
            let Some(audience) = &rule.audience else {
                continue;
            };
            let by_account = !matches!(rule.login, LoginSource::PassThrough(_));
            let required = rule.fallback.is_none();
            let images = rule.patterns.iter().map(|pattern| pattern.text.clone());
            let known = all.iter_mut().find(|t| t.audience == *audience);
            if let Some(tokens) = known {
                tokens.by_account &= by_account;
                tokens.required &= required;
                let images: Vec<_> = images
                    .filter(|i| !tokens.match_images.contains(i))
                    .collect();
                tokens.match_images.extend(images);
            } else {
                all.push(PodTokens {
                    audience: audience.clone(),
                    match_images: images.collect(),
                    by_account,
                    required,
                });
            }
        }
        all
    }

    fn parse(&self, text: &str) -> Result<Vec<Rule>, ProviderError> {
        let wrong = |what: String| ERRORS.misconfigured(format!("{}: {what}", self.path.display()));
        self.only_its_owner_may_write().map_err(wrong)?;
        let document: Document = serde_saphyr::from_str(text).map_err(|error| {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            wrong(line.trim_start_matches("error: ").to_owned())
        })?;
        let directory = absolute(&self.path)
            .ok()
            .and_then(|path| path.parent().map(Path::to_owned))
            .unwrap_or_default();
        let mut rules: Vec<Rule> = Vec::new();
        for (at, entry) in document.registries.into_iter().enumerate() {
            let name = entry.match_images.first().cloned().unwrap_or_default();
            let entry_of = |what: &str| wrong(format!("registries[{at}] ({name}): {what}"));
            let rule = Rule::new(entry, &directory);
            let rule = rule.map_err(|e| entry_of(&without_name(&e)))?;
            for pattern in &rule.patterns {
                let earlier = rules.iter().find(|earlier| {
                    earlier.accounts.is_empty()
                        && earlier.patterns.iter().any(|p| p.text == pattern.text)
                });
                if earlier.is_some() {
                    let text = &pattern.text;
                    return Err(entry_of(&format!(
                        "an earlier entry has {text:?} for all service accounts, so this one is never used"
                    )));
                }
            }
            rules.push(rule);
        }
        Ok(rules)
    }

    /// Whoever may write the file decides where tokens go.
    fn only_its_owner_may_write(&self) -> Result<(), String> {
        let path = absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        for part in path.ancestors() {
            let Ok(about) = part.metadata() else { continue };
            // In a directory such as /tmp others cannot replace a file.
            let is_guarded = about.is_dir() && about.mode() & 0o1000 != 0;
            if about.mode() & 0o002 != 0 && !is_guarded {
                return Err(format!(
                    "every user may write {}, and decide so where tokens go: chmod o-w it",
                    part.display()
                ));
            }
        }
        Ok(())
    }
}

/// The message without the provider's name, which another message has already.
fn without_name(error: &ProviderError) -> String {
    let text = regcred_core::report(error);
    let prefix = format!("{}: ", error.provider());
    text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
}

const DEFAULT: &str = "/etc/regcred/generic.yaml";
