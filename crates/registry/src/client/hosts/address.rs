//! The address of a server as containerd reads it with Go's `url.Parse`.

use regcred_go::GoUrl;

/// `scheme://host/path`. Without a host it is not an address that can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerAddress {
    pub(super) scheme: String,
    /// With its port; empty for a text such as `httpbin.example.com`, which begins like a scheme.
    pub(super) host: String,
    /// Of the registry's API, without a final slash.
    pub(super) path: String,
}

impl ServerAddress {
    /// Reads the text of `server` or of a `[host."..."]`. User information, query and fragment are
    /// dropped. `None` when Go's parser refuses it.
    pub(super) fn parse(text: &str, override_path: bool) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let full = if text.starts_with("http") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let end = full.find(|c| !in_scheme(c)).unwrap_or(full.len());
        let (scheme, rest) = full.split_at(end);
        let Some(rest) = rest.strip_prefix(':') else {
            let first = full.split(['/', '?', '#']).next().unwrap_or_default();
            return (!first.contains(':')).then(Self::default);
        };
        let Some(rest) = rest.strip_prefix("//") else {
            return Some(Self::default());
        };
        let url = GoUrl::parse(rest).ok()?;
        let mut path = clean(&url.path);
        if !override_path && !path.ends_with("/v2") {
            path.push_str("/v2");
        }
        Some(Self {
            scheme: scheme.to_ascii_lowercase(),
            host: url.host,
            path,
        })
    }
}

/// Go's `path.Clean` of a rooted path; `/` is empty.
fn clean(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    kept.iter().map(|part| format!("/{part}")).collect()
}

/// The address for a message, without what may be a password.
pub(super) fn shown(text: &str) -> String {
    let shown = match text.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => text.to_owned(),
    };
    format!("{shown:?}")
}
