//! Registries by pattern: which are served, and the key of an answer.

use regcred_core::{ImagePattern, ProviderError, RegistryHost};

use crate::ERRORS;

/// A pattern of the file, in the kubelet's `matchImages` syntax.
#[derive(Clone, Debug)]
pub(crate) struct RegistryPattern {
    pub(crate) text: String,
    pub(crate) pattern: ImagePattern,
    /// The pattern without its path.
    host: ImagePattern,
}

impl RegistryPattern {
    /// # Errors
    /// When it is not a pattern of a host.
    pub(crate) fn new(text: &str) -> Result<Self, ProviderError> {
        let wrong =
            |why: &str| ERRORS.misconfigured(format!("matchImages has {text:?}, which {why}"));
        if text.contains("://") {
            return Err(wrong(
                "is a URL: write the host, and the path of the images if any",
            ));
        }
        let host = text.split('/').next().unwrap_or_default();
        if host.trim().is_empty() || host != host.to_ascii_lowercase() {
            return Err(wrong("does not begin with a host in lower case"));
        }
        if !host.contains(|c: char| c.is_ascii_alphanumeric()) {
            return Err(wrong("matches every host"));
        }
        let parse = |text: &str| {
            ImagePattern::parse(text).map_err(|e| wrong("is not a pattern").with_source(e))
        };
        Ok(Self {
            text: text.to_owned(),
            pattern: parse(text)?,
            host: parse(host)?,
        })
    }

    /// Whether some image of the registry can match.
    pub(crate) fn is_at(&self, registry: &RegistryHost) -> bool {
        self.host.matches(registry.as_written())
    }

    /// The key of a login for the images that match: the registry, with the pattern's path.
    pub(crate) fn key(&self, registry: &RegistryHost) -> String {
        format!("{registry}{}", self.pattern.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_the_kubelets() {
        let pattern = RegistryPattern::new("*.example.com:5000/team/").expect("a pattern");
        let at = |text: &str| pattern.is_at(&RegistryHost::parse(text).expect(text));
        assert!(at("zot.example.com:5000"));
        assert!(!at("zot.example.com"));
        assert!(!at("zot.example.com.evil.test:5000"));
        let registry = RegistryHost::parse("zot.example.com:5000").expect("a host");
        assert_eq!(pattern.key(&registry), "zot.example.com:5000/team/");
        for text in [
            "",
            "/app",
            "https://zot.test",
            "Zot.test",
            "*",
            "*/app",
            "*.*",
        ] {
            assert!(RegistryPattern::new(text).is_err(), "{text}");
        }
    }
}
