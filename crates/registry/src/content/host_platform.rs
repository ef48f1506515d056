//! The platform of this machine (containerd/platforms `cpuinfo_linux.go`).

use std::fs;

use crate::image::Platform;

impl Platform {
    /// The platform of this machine. The operating system is always Linux where images of Linux
    /// are run in a virtual machine (macOS).
    #[must_use]
    pub fn host() -> Self {
        let os = match std::env::consts::OS {
            "macos" => "linux",
            other => other,
        };
        Self::new(os, &architecture(), &variant())
    }
}

/// The architecture by Go's name.
fn architecture() -> String {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        other => other,
    }
    .to_owned()
}

/// The variant: the level of an amd64, the version of an arm; empty for others.
fn variant() -> String {
    match std::env::consts::ARCH {
        "arm" | "aarch64" => {
            let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
            arm_variant(&info, std::env::consts::ARCH == "arm")
        }
        _ => amd64_level().to_owned(),
    }
}

/// The variant in `/proc/cpuinfo`. Without the field (under emulation) the plain one.
fn arm_variant(cpuinfo: &str, is_32_bit: bool) -> String {
    let field = |name: &str| {
        cpuinfo.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim().eq_ignore_ascii_case(name)).then(|| value.trim().to_ascii_lowercase())
        })
    };
    let Some(architecture) = field("cpu architecture") else {
        return if is_32_bit { "v7" } else { "v8" }.to_owned();
    };
    // A Raspberry Pi 1 or Zero reports 7 and is a 6.
    let claims_more =
        || field("model name").is_some_and(|model| model.starts_with("armv6-compatible"));
    match architecture.as_str() {
        "8" | "aarch64" => "v8",
        "7" if is_32_bit && claims_more() => "v6",
        "7" | "7m" | "?(12)" | "?(13)" | "?(14)" | "?(15)" | "?(16)" | "?(17)" => "v7",
        "6" | "6tej" => "v6",
        "5" | "5t" | "5te" | "5tej" => "v5",
        "4" | "4t" => "v4",
        "3" => "v3",
        _ => "",
    }
    .to_owned()
}

/// The highest level of x86-64 that the processor supports in full.
#[cfg(target_arch = "x86_64")]
fn amd64_level() -> &'static str {
    macro_rules! has {
        ($($feature:tt)*) => { $( std::arch::is_x86_feature_detected!($feature) )&&* };
    }
    let v2 = has!("sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "cmpxchg16b");
    let v3 = v2 && has!("avx" "avx2" "bmi1" "bmi2" "f16c" "fma" "lzcnt" "movbe");
    let v4 = v3 && has!("avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl");
    match (v2, v3, v4) {
        (_, _, true) => "v4",
        (_, true, _) => "v3",
        (true, _, _) => "v2",
        _ => "",
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn amd64_level() -> &'static str {
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpuinfo_tells_the_arm() {
        for (text, is_32_bit, expected) in [
            ("processor: 0\nCPU architecture: 8\n", false, "v8"),
            ("CPU architecture\t: AArch64", false, "v8"),
            (
                "CPU architecture: 7\nmodel name: ARMv7 Processor",
                true,
                "v7",
            ),
            (
                "model name: ARMv6-compatible processor\nCPU architecture: 7",
                true,
                "v6",
            ),
            ("CPU architecture: 6TEJ", true, "v6"),
            ("", true, "v7"),
            ("", false, "v8"),
        ] {
            assert_eq!(arm_variant(text, is_32_bit), expected, "{text}");
        }
    }

    #[test]
    fn the_host_runs_its_own_images() {
        let host = Platform::host();
        assert!(host.rank(&host).is_some(), "{host}");
        let plain = Platform::new(&host.os, &host.architecture, "");
        assert!(
            host.architecture == "arm" || host.rank(&plain).is_some(),
            "{host}"
        );
    }
}
