//! The kubelet's two flags, on a command line.

use std::path::{Path, PathBuf};

use crate::kubelet_flags::kubelet_flags;

/// Where the kubelet reads its CredentialProviderConfig, and where the plugins are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderPaths {
    /// The configuration: a file or a directory.
    pub config: PathBuf,
    /// The directory of the plugins.
    pub bin_dir: PathBuf,
}

/// What a command line has of the two flags. An empty value counts as none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProviderFlags {
    /// `--image-credential-provider-config`
    pub(crate) config: Option<String>,
    /// `--image-credential-provider-bin-dir`
    pub(crate) bin_dir: Option<String>,
}

impl ProviderFlags {
    /// Those of a command line.
    pub(crate) fn of<'a>(args: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        for (name, value) in kubelet_flags(args) {
            found.set(&name, &value);
        }
        found
    }

    /// Takes the value of one of the two; any other name does nothing.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let value = (!value.is_empty()).then(|| value.to_owned());
        match name {
            CONFIG => self.config = value,
            BIN_DIR => self.bin_dir = value,
            _ => {}
        }
    }

    /// As words of a command line.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> {
        let both = [(CONFIG, &self.config), (BIN_DIR, &self.bin_dir)];
        let words =
            both.map(|(name, value)| value.as_ref().map(|value| format!("--{name}={value}")));
        words.into_iter().flatten()
    }

    /// Both paths; `None` if neither is there.
    ///
    /// # Errors
    /// Why they are not two absolute paths.
    pub(crate) fn paths(&self) -> Result<Option<ProviderPaths>, String> {
        let (config, bin_dir) = match (&self.config, &self.bin_dir) {
            (None, None) => return Ok(None),
            (Some(config), Some(bin_dir)) => (Path::new(config), Path::new(bin_dir)),
            (Some(_), None) => return Err(format!("--{CONFIG} is set and --{BIN_DIR} is not")),
            (None, Some(_)) => return Err(format!("--{BIN_DIR} is set and --{CONFIG} is not")),
        };
        for path in [config, bin_dir] {
            if !path.is_absolute() || path.to_string_lossy().contains('$') {
                return Err(format!("{} is not an absolute path", path.display()));
            }
        }
        Ok(Some(ProviderPaths {
            config: config.to_owned(),
            bin_dir: bin_dir.to_owned(),
        }))
    }
}

impl ProviderPaths {
    /// Both for a kubelet that has neither.
    pub(crate) fn chosen(config: &str, bin_dir: Option<&Path>) -> Self {
        Self {
            config: config.into(),
            bin_dir: bin_dir.map_or_else(|| PathBuf::from(PLUGINS), Path::to_owned),
        }
    }

    /// The two flags with these values.
    #[must_use]
    pub fn flags(&self) -> [String; 2] {
        [
            format!("--{CONFIG}={}", self.config.display()),
            format!("--{BIN_DIR}={}", self.bin_dir.display()),
        ]
    }
}

/// The directory of plugins on nodes whose kubelet has none.
const PLUGINS: &str = "/usr/local/lib/kubelet-credential-providers";
/// The name of the flag for the configuration.
pub(crate) const CONFIG: &str = "image-credential-provider-config";
/// The name of the flag for the plugins.
pub(crate) const BIN_DIR: &str = "image-credential-provider-bin-dir";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_flag_counts_and_one_alone_is_refused() {
        let line = format!("--{CONFIG} /a -v 2 --{BIN_DIR}=/b --{CONFIG}=/c");
        let found = ProviderFlags::of(line.split(' ')).paths().expect("both");
        let found = found.expect("some");
        assert_eq!(
            found.flags(),
            [format!("--{CONFIG}=/c"), format!("--{BIN_DIR}=/b")]
        );
        assert_eq!(ProviderFlags::of(["--a", "b"]).paths(), Ok(None));
        let alone = ProviderFlags::of([format!("--{CONFIG}=/c").as_str()]);
        let why = alone.paths().expect_err("one alone");
        assert_eq!(why, format!("--{CONFIG} is set and --{BIN_DIR} is not"));
        for path in ["c.yaml", "$SNAP/c.yaml"] {
            let line = [format!("--{CONFIG}={path}"), format!("--{BIN_DIR}=/b")];
            let line = ProviderFlags::of(line.iter().map(String::as_str));
            assert!(line.paths().is_err(), "{path}");
        }
    }
}
