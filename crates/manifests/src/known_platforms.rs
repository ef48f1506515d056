//! The operating systems and architectures that Go names, to find a mistyped one (`go tool dist list`,
//! and what `docker manifest annotate` accepts).

use regcred_registry::Platform;

/// Each operating system with its architectures.
const KNOWN: &[(&str, &[&str])] = &[
    ("aix", &["ppc64"]),
    ("android", &["386", "amd64", "arm", "arm64"]),
    ("darwin", &["386", "amd64", "arm", "arm64"]),
    ("dragonfly", &["amd64"]),
    ("freebsd", &["386", "amd64", "arm", "arm64", "riscv64"]),
    ("illumos", &["amd64"]),
    ("ios", &["amd64", "arm64"]),
    ("js", &["wasm"]),
    (
        "linux",
        &[
            "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle",
            "ppc64", "ppc64le", "riscv64", "s390x",
        ],
    ),
    ("netbsd", &["386", "amd64", "arm", "arm64"]),
    (
        "openbsd",
        &["386", "amd64", "arm", "arm64", "ppc64", "riscv64"],
    ),
    ("plan9", &["386", "amd64", "arm"]),
    ("solaris", &["amd64"]),
    ("wasip1", &["wasm"]),
    ("windows", &["386", "amd64", "arm", "arm64"]),
];

/// Each architecture with its variants. Those of other architectures are not checked.
const VARIANTS: &[(&str, &[&str])] = &[
    ("amd64", &["v1", "v2", "v3", "v4"]),
    ("arm", &["v5", "v6", "v7", "v8"]),
    (
        "arm64",
        &[
            "v8", "v8.0", "v8.1", "v8.2", "v8.3", "v8.4", "v8.5", "v8.6", "v8.7", "v8.8", "v8.9",
            "v9", "v9.0", "v9.1", "v9.2", "v9.3", "v9.4", "v9.5", "v9.6", "v9.7",
        ],
    ),
];

/// The known pairs, a line for each operating system.
#[must_use]
pub fn known_platforms() -> String {
    let line = |(os, architectures): &(&str, &[&str])| format!("{os}: {}", architectures.join(" "));
    KNOWN.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The known variants, a line for each architecture.
#[must_use]
pub fn known_variants() -> String {
    let line = |(name, variants): &(&str, &[&str])| format!("{name}: {}", variants.join(" "));
    VARIANTS.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Checks a platform for a list. A pair of known words that is not a known pair is a warning, which is
/// returned.
///
/// # Errors
/// A sentence, for an operating system, architecture or variant that is not known.
pub fn check_platform(platform: &Platform) -> Result<Option<String>, String> {
    let (os, architecture) = (&*platform.os, &*platform.architecture);
    let of_os = KNOWN.iter().find(|(known, _)| *known == os);
    let is_architecture = |(_, all): &(&str, &[&str])| all.contains(&architecture);
    let unsupported = || {
        format!("manifest entry for image has unsupported os/arch combination: {os}/{architecture}")
    };
    let Some((_, of_os)) = of_os.filter(|_| KNOWN.iter().any(is_architecture)) else {
        let known = known_platforms().replace('\n', "; ");
        return Err(format!("{}; known are {known}", unsupported()));
    };
    let variants = VARIANTS.iter().find(|(name, _)| *name == architecture);
    if let Some((_, variants)) = variants
        && !platform.variant.is_empty()
        && !variants.contains(&&*platform.variant)
    {
        return Err(format!(
            "{architecture} has no variant {:?}; known are {}",
            platform.variant,
            variants.join(", ")
        ));
    }
    Ok((!of_os.contains(&architecture)).then(unsupported))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(os: &str, architecture: &str, variant: &str) -> Result<Option<String>, String> {
        check_platform(&Platform {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            ..Platform::default()
        })
    }

    #[test]
    fn a_mistyped_platform_is_refused_with_the_known_ones() {
        for (os, architecture, variant, known) in [
            ("linux", "amd46", "", "linux: 386 amd64"),
            ("Linux", "amd64", "", "linux: 386 amd64"),
            ("", "amd64", "", "windows:"),
            ("linux", "", "", "windows:"),
            ("linux", "arm", "7", "v5, v6, v7, v8"),
            ("linux", "arm64", "v10", "v9.7"),
        ] {
            let error = check(os, architecture, variant).expect_err(architecture);
            assert!(error.contains(known), "{error}");
        }
    }

    #[test]
    fn a_pair_that_go_lacks_is_a_warning() {
        for (os, architecture, variant) in [
            ("linux", "arm", "v7"),
            ("linux", "arm64", "v8"),
            ("windows", "arm64", ""),
            ("linux", "riscv64", "rva20u64"),
            ("wasip1", "wasm", ""),
        ] {
            assert_eq!(check(os, architecture, variant), Ok(None));
        }
        let warning = check("solaris", "arm64", "").expect("words").expect("one");
        assert!(warning.ends_with("solaris/arm64"), "{warning}");
    }
}
