//! Paths as Oracle's tools take them.

use std::path::PathBuf;

use regcred_core::Env;

/// A path that may begin with `~`, the home directory.
pub(crate) fn expand(env: &Env, path: &str) -> PathBuf {
    match (path.strip_prefix('~'), env.home()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_tilde_is_the_home_directory_and_nothing_else() {
        let env = Env::map([("HOME", "/home/me")]);
        for (text, path) in [
            ("~/.oci/key.pem", "/home/me/.oci/key.pem"),
            ("~", "/home/me"),
            ("~you/key", "~you/key"),
            ("/a/~b", "/a/~b"),
            ("~/~/some/path", "/home/me/~/some/path"),
            ("/somepath/some/dir/~/file", "/somepath/some/dir/~/file"),
        ] {
            assert_eq!(expand(&env, text), Path::new(path));
        }
        assert_eq!(expand(&Env::default(), "~/k"), Path::new("~/k"));
    }
}
