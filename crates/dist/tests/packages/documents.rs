//! The documents of this project as they are packed.

use std::fs;
use std::path::{Path, PathBuf};

use regcred_dist::pack;
use tempfile::TempDir;

use super::{directory, members, release, unzipped};

#[test]
fn each_link_of_a_packed_document_leads_to_something() {
    let directory = directory();
    for (package, root) in unpacked(&directory) {
        let mut pages = Vec::new();
        pages_below(&root, &mut pages);
        assert!(pages.len() > 20, "{package}: {pages:?}");
        let (mut inside, mut outside, mut dead) = (0, 0, Vec::new());
        for page in pages {
            let text = fs::read_to_string(&page).expect("a page");
            for link in links(&text) {
                let target = if let Some(path) = link.strip_prefix(REPOSITORY) {
                    outside += 1;
                    source().join(path)
                } else if link.contains("://") {
                    continue;
                } else {
                    inside += 1;
                    page.parent().expect("a directory").join(link)
                };
                if !target.exists() {
                    dead.push(format!("{}: {link}", page.display()));
                }
            }
        }
        assert!(dead.is_empty(), "{package}: {dead:#?}");
        assert!(inside > 100 && outside > 0, "{package}: {inside} {outside}");
    }
}

/// The packages with the documents of this checkout, each unpacked to a directory of its own.
fn unpacked(directory: &TempDir) -> [(&'static str, PathBuf); 3] {
    let mut release = release(directory, "x86_64-unknown-linux-gnu");
    release.source = source();
    for plugin in fs::read_dir(source().join("plugins")).expect("plugins") {
        let cloud = plugin.expect("a plugin").file_name();
        let name = format!("{}-credential-provider", cloud.to_string_lossy());
        fs::write(release.programs.join(name), "program").expect("a file");
    }
    let all = pack(&release).expect("packed");
    let unpacked = |archive: &[u8], name: &str| {
        let root = directory.path().join(name);
        let archive = unzipped(archive);
        let done = tar::Archive::new(&archive[..]).unpack(&root);
        done.expect("unpacked");
        root
    };
    let tarball = fs::read(&all[0]).expect("tarball");
    let debian = members(&fs::read(&all[1]).expect("package"));
    let rpm = directory.path().join("rpm");
    let package = rpm::Package::open(&all[2]).expect("an RPM package");
    package.extract(&rpm).expect("unpacked");
    [
        ("tarball", unpacked(&tarball, "tarball")),
        ("Debian", unpacked(&debian["data.tar.gz"], "debian")),
        ("RPM", rpm),
    ]
}

fn pages_below(directory: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            pages_below(&path, pages);
        } else if path.extension() == Some("md".as_ref()) {
            pages.push(path);
        }
    }
}

/// The targets of the links of a page to other files, without headings.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let links = text.split("](").skip(1);
    let links = links.filter_map(|rest| rest.split([')', '#']).next());
    links.filter(|link| !link.is_empty() && !link.contains(' '))
}

/// The checkout.
fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where this version is in the repository.
const REPOSITORY: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/v1.2.3-rc.1/");
