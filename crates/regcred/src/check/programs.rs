//! The plugins' files: whether the kernel can start them, and which users may change them.

use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use regcred_engine::ProviderConfig;
use regcred_go::yaml::Step;

use super::finding::{Finding, Place};
use super::program_header::{ProgramHeader, architecture};

/// The findings for programs that a kubelet accepts: it looks only at the mode.
pub(super) fn findings(config: &ProviderConfig, programs: &[Option<PathBuf>]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, program) in programs.iter().enumerate() {
        let Some(program) = program else {
            continue;
        };
        let place = Place::entry(config, at, &[Step::Member("name")]);
        let problems = unstartable(program).into_iter().chain(changeable(program));
        found.extend(problems.map(|(what, fix)| Finding::warning(place.clone(), what, fix)));
    }
    found
}

/// Why the kernel does not start the program.
fn unstartable(program: &Path) -> Option<(String, String)> {
    let shown = program.display();
    let file = regcred_files::open(program).ok()?;
    let mut bytes = Vec::new();
    file.take(BEGINNING).read_to_end(&mut bytes).ok()?;
    let own = std::env::consts::ARCH;
    match ProgramHeader::of(&bytes) {
        ProgramHeader::Elf { machine, .. } if architecture(machine) != own => Some((
            format!(
                "{shown} is for {} and this machine is {own}: `exec format error` at each pull",
                architecture(machine)
            ),
            format!("install the plugin for {own}"),
        )),
        ProgramHeader::Elf {
            loader: Some(loader),
            ..
        } if !Path::new(&loader).exists() => Some((
            format!(
                "the loader {loader} of {shown} does not exist: `no such file or directory` at each pull"
            ),
            "install a static build of the plugin, or that C library".to_owned(),
        )),
        ProgramHeader::Script(line) if line.ends_with('\r') => Some((
            format!(
                "the first line of {shown} has a Windows line end: `no such file or directory` at each pull"
            ),
            format!("sed -i 's/\\r$//' {shown}"),
        )),
        ProgramHeader::Script(line) => {
            let interpreter = line.split_whitespace().next().unwrap_or_default();
            (!Path::new(interpreter).exists()).then(|| {
                (
                    format!("the interpreter {interpreter:?} of {shown} does not exist"),
                    "install it, or correct the first line".to_owned(),
                )
            })
        }
        ProgramHeader::Unknown => Some((
            format!(
                "{shown} is neither a program nor a script with #!: `exec format error` at each pull"
            ),
            "install the plugin again".to_owned(),
        )),
        ProgramHeader::Elf { .. } => None,
    }
}

/// Whether users besides root may replace what the kubelet runs as root.
fn changeable(program: &Path) -> Option<(String, String)> {
    let real = program.canonicalize().ok()?;
    let part = real.ancestors().find(|part| {
        let about = part.metadata();
        about.is_ok_and(|about| !is_roots_own(&about))
    })?;
    let shown = part.display();
    Some((
        format!("users besides root may change {shown}, and the kubelet runs the plugin as root"),
        format!("chown root:root {shown} && chmod go-w {shown}"),
    ))
}

/// In a directory with the sticky bit nothing of root's can be replaced.
fn is_roots_own(about: &Metadata) -> bool {
    let is_sticky = about.is_dir() && about.mode() & 0o1000 != 0;
    about.uid() == 0 && (about.mode() & 0o022 == 0 || is_sticky)
}

/// Loaders are named near the beginning.
const BEGINNING: u64 = 64 << 10;
