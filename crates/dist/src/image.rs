//! The container images, as an OCI layout in a tar archive: `regcred` with the programs of a node, for
//! its installer, and `regcred-refresh`. They have no shell and no C library.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat};
use regcred_registry::{Descriptor, Digest, Layout, media_type};
use serde_json::{Value, json};

use crate::DistError;
use crate::archive::{gzip, tar};
use crate::contents::{COMMAND, HOMEPAGE, LICENSE, REFRESHER, of_node};
use crate::packed::Packed;
use crate::release::{Release, read};

/// Writes `regcred-images-VERSION-ARCHITECTURE.tar`. Its names are `regcred:VERSION` and
/// `regcred-refresh:VERSION`.
pub(crate) fn write(release: &Release) -> Result<PathBuf, DistError> {
    let architecture = release.architecture()?.short;
    let name = format!("regcred-images-{}-{architecture}", release.version);
    let root = release.out.join(&name);
    match fs::remove_dir_all(&root) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(DistError::file("remove", &root)(error));
        }
        _ => {}
    }
    let layout = Layout::open_or_create(&root)?.durable(false);
    let roots = Packed::text(CA_BUNDLE, read(&release.ca_bundle)?);
    let mut node = of_node(release)?;
    node.push(roots.clone());
    // Only root can write to a node.
    add(release, &layout, COMMAND, "0:0", &node)?;
    let refresher = [Packed::program(release, REFRESHER, "usr/bin")?, roots];
    add(release, &layout, REFRESHER, "65532:65532", &refresher)?;
    let bytes = tar(&files_of(&layout)?, "", release.date)?;
    fs::remove_dir_all(&root).map_err(DistError::file("remove", &root))?;
    release.write(&format!("{name}.tar"), &bytes)
}

/// Adds an image of one layer, whose program is in `/usr/bin`.
fn add(
    release: &Release,
    layout: &Layout,
    program: &str,
    user: &str,
    files: &[Packed],
) -> Result<(), DistError> {
    let archive = tar(files, "", release.date)?;
    let layer = gzip(&archive)?;
    let layer = stored(layout, media_type::OCI_LAYER_GZIP, &layer)?;
    let created = DateTime::from_timestamp(release.date.into(), 0).unwrap_or_default();
    let labels = json!({
        "org.opencontainers.image.title": program,
        "org.opencontainers.image.version": release.version,
        "org.opencontainers.image.source": HOMEPAGE,
        "org.opencontainers.image.licenses": LICENSE,
    });
    let created = created.to_rfc3339_opts(SecondsFormat::Secs, true);
    let config = json!({
        "created": created,
        "architecture": release.architecture()?.short,
        "os": "linux",
        "config": {
            "User": user,
            "Entrypoint": [format!("/usr/bin/{program}")],
            "WorkingDir": "/",
            "Labels": labels,
        },
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&archive)] },
        "history": [{ "created": created, "created_by": "make dist" }],
    });
    let config = stored(layout, media_type::OCI_CONFIG, &bytes(&config))?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config,
        "layers": [layer],
        "annotations": labels,
    });
    let manifest = stored(layout, media_type::OCI_MANIFEST, &bytes(&manifest))?;
    layout.tag(&format!("{program}:{}", release.version), &manifest)?;
    Ok(())
}

fn stored(layout: &Layout, media_type: &str, bytes: &[u8]) -> Result<Descriptor, DistError> {
    let descriptor = Descriptor::of(media_type, bytes);
    layout.put_bytes(&descriptor, bytes)?;
    Ok(descriptor)
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The files of the layout that belong to it.
fn files_of(layout: &Layout) -> Result<Vec<Packed>, DistError> {
    let blobs = "blobs/sha256";
    let directory = layout.root().join(blobs);
    let mut paths = vec!["oci-layout".to_owned(), "index.json".to_owned()];
    let entries = fs::read_dir(&directory).map_err(DistError::file("read", &directory))?;
    for entry in entries.flatten() {
        paths.push(format!("{blobs}/{}", entry.file_name().to_string_lossy()));
    }
    let packed = |path: String| Ok(Packed::text(path.clone(), read(&layout.root().join(path))?));
    paths.into_iter().map(packed).collect()
}

/// Where the programs look first.
const CA_BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";
