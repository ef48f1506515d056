//! An image that can run: one static program, in a layer written by hand.

use regcred_tests::image::digest_of;
use serde_json::{Value, json};

/// A manifest with its two blobs.
pub(crate) struct Runnable {
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
    pub(crate) layer: Vec<u8>,
}

impl Runnable {
    /// The program at `/busybox`, called with these arguments.
    pub(crate) fn new(program: &[u8], args: &[&str]) -> Self {
        let layer = tar("busybox", program);
        let entrypoint: Vec<&str> = ["/busybox"].iter().chain(args).copied().collect();
        let config = json!({
            "architecture": regcred_tests::image::host_architecture(),
            "os": "linux",
            "config": {"Entrypoint": entrypoint},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(&layer)]},
        })
        .to_string()
        .into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob("application/vnd.oci.image.config.v1+json", &config),
            "layers": [blob("application/vnd.oci.image.layer.v1.tar", &layer)],
        })
        .to_string()
        .into_bytes();
        Self {
            manifest,
            config,
            layer,
        }
    }

    /// The content of that digest.
    pub(crate) fn blob(&self, digest: &str) -> Option<&[u8]> {
        let mut all = [&self.manifest, &self.config, &self.layer].into_iter();
        all.find(|bytes| digest_of(bytes) == digest)
            .map(Vec::as_slice)
    }
}

fn blob(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest_of(bytes), "size": bytes.len()})
}

/// An archive in POSIX's ustar form with one executable file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000755\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}

/// The media type of a manifest.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[test]
fn the_archive_is_one_that_tar_reads() {
    use regcred_tests::{Program, need};

    let Some(tar_program) = need("tar") else {
        return;
    };
    let archive = tar("busybox", b"content");
    let listing = Program::new(&tar_program)
        .args(["-tvf", "-"])
        .stdin(archive.clone())
        .run()
        .success();
    assert!(listing.starts_with("-rwxr-xr-x 0/0"), "{listing}");
    assert!(listing.trim_end().ends_with("busybox"), "{listing}");
    let content = Program::new(tar_program)
        .args(["-xOf", "-"])
        .stdin(archive)
        .run();
    assert_eq!(content.success(), "content");
}
