//! The name under which the program was started, which selects the cloud and the face.

use std::path::Path;

/// The file's name without its directory and a final `.exe`.
pub(crate) fn file_name(argv0: &str) -> &str {
    let name = Path::new(argv0).file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name)
}

/// The file's name without what release artefacts add to it: the system, the architecture and the
/// version. `/opt/ecr-credential-provider-linux-amd64` is `ecr-credential-provider`.
#[must_use]
pub fn program_name(argv0: &str) -> &str {
    let mut name = file_name(argv0);
    while let Some((rest, last)) = name.rsplit_once(['-', '_', '.'])
        && is_of_artefact(last)
        && !rest.is_empty()
    {
        name = rest;
    }
    name
}

/// Whether a program of this name is a docker credential helper.
pub(crate) fn is_helper(program: &str) -> bool {
    program.starts_with("docker-credential-")
}

fn is_of_artefact(part: &str) -> bool {
    let number = part.strip_prefix('v').unwrap_or(part);
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number || PLATFORM.iter().any(|p| part.eq_ignore_ascii_case(p))
}

/// The systems and architectures in the names of artefacts, as Go and `uname` write them;
/// `x86_64` is two parts.
const PLATFORM: &[&str] = &[
    "linux", "darwin", "macos", "windows", "amd64", "x86", "x64", "386", "i386", "i686", "arm64",
    "aarch64", "arm", "armv6", "armv6l", "armv7", "armv7l", "armhf", "ppc64le", "riscv64", "s390x",
    "gnu", "musl",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_artefacts_name_adds_is_ignored() {
        for (argv0, name) in [
            ("ecr-credential-provider-amd64", "ecr-credential-provider"),
            (
                "/opt/ecr-credential-provider-linux-amd64",
                "ecr-credential-provider",
            ),
            (
                "azure-acr-credential-provider-windows-amd64.exe",
                "azure-acr-credential-provider",
            ),
            (
                "docker-credential-gcr_linux_amd64-2.1.22",
                "docker-credential-gcr",
            ),
            (
                "docker-credential-ecr-login-v0.9.1.linux-arm64",
                "docker-credential-ecr-login",
            ),
            ("auth-provider-gcp_Linux_x86_64", "auth-provider-gcp"),
            ("credential-provider-oke", "credential-provider-oke"),
            ("regcred-linux-amd64", "regcred"),
            ("amd64", "amd64"),
            ("-amd64", "-amd64"),
            ("", ""),
        ] {
            assert_eq!(program_name(argv0), name, "{argv0}");
        }
    }
}
