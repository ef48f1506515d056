//! The key under which an entry of a docker configuration or an answer is kept (kubernetes
//! `pkg/credentialprovider/keyring.go`, `BasicDockerKeyring.Add`).

use regcred_core::{ImagePattern, UrlError};

/// Host and path of a server, without scheme, user information, API version, query and fragment.
///
/// # Errors
/// When Go refuses the URL.
pub(crate) fn normalise(server: &str) -> Result<String, UrlError> {
    // In lower case only: any other scheme becomes a host that no image has.
    let rest = ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| server.strip_prefix(scheme))
        .unwrap_or(server);
    let parsed = ImagePattern::parse(rest)?;
    let path = match parsed.path() {
        path if path.starts_with("/v1/") || path.starts_with("/v2/") => &path[3..],
        path => path,
    };
    let path = if path == "/" { "" } else { path };
    Ok(format!("{}{path}", parsed.host()))
}

/// The server for people: without a login, which may be in front of its host.
pub(crate) fn without_login(server: &str) -> &str {
    server.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_become_keys() {
        for (server, key) in [
            ("h.io", "h.io"),
            ("h.io/", "h.io"),
            ("https://h.io", "h.io"),
            ("http://h.io:5000/", "h.io:5000"),
            ("https://index.docker.io/v1/", "index.docker.io"),
            ("index.docker.io/v1/", "index.docker.io"),
            // Without the slash it is a path.
            ("https://h.io/v1", "h.io/v1"),
            ("https://h.io/v2/", "h.io"),
            ("h.io/v1/team", "h.io/team"),
            ("h.io/v2/team/", "h.io/team/"),
            ("h.io/v1/v2/team", "h.io/v2/team"),
            ("h.io/v3/team", "h.io/v3/team"),
            ("h.io/team/app", "h.io/team/app"),
            ("*.h.io/a%20b", "*.h.io/a b"),
            ("h.io/a?b#c", "h.io/a"),
            ("h.io?b", "h.io"),
            ("user:word@h.io/a", "h.io/a"),
            ("h.io:", "h.io:"),
            ("H.io", "H.io"),
            ("[fe80::1]:5000/a", "[fe80::1]:5000/a"),
            ("h%c3%a9.io:80/a", "hé.io:80/a"),
            // Other schemes leave a host that no image has.
            ("HTTPS://h.io", "HTTPS://h.io"),
            ("oci://h.io/a", "oci://h.io/a"),
            ("", ""),
            ("https://", ""),
            ("/a", "/a"),
        ] {
            assert_eq!(normalise(server).as_deref(), Ok(key), "{server}");
        }
    }

    #[test]
    fn what_go_refuses_has_no_key() {
        for server in [
            "h.io:port",
            "a b",
            "h.io/%zz",
            "[fe80::1",
            "h\n.io",
            "h%2eio",
            "u p@h.io",
        ] {
            assert!(normalise(server).is_err(), "{server}");
        }
    }
}
