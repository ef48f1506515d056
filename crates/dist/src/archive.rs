//! Archives of the same bytes for the same files: sorted, owned by root, all of one time.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::DistError;
use crate::packed::Packed;

/// A tar archive of the files and of the directories above them, each path after `prefix`.
pub(crate) fn tar(files: &[Packed], prefix: &str, date: u32) -> Result<Vec<u8>, DistError> {
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let mut builder = Builder::new(Vec::new());
    let mut directories = BTreeSet::new();
    for file in sorted {
        for (slash, _) in file.path.match_indices('/') {
            let directory = &file.path[..slash];
            if directories.insert(directory) {
                let path = format!("{prefix}{directory}/");
                append(&mut builder, &path, EntryType::Directory, 0o755, &[], date)?;
            }
        }
        let path = format!("{prefix}{}", file.path);
        append(
            &mut builder,
            &path,
            EntryType::Regular,
            file.mode,
            &file.content,
            date,
        )?;
    }
    builder.into_inner().map_err(|source| DistError::Archive {
        path: "the end of the archive".to_owned(),
        source,
    })
}

fn append(
    builder: &mut Builder<Vec<u8>>,
    path: &str,
    kind: EntryType,
    mode: u32,
    content: &[u8],
    date: u32,
) -> Result<(), DistError> {
    let failed = |source| DistError::Archive {
        path: path.to_owned(),
        source,
    };
    let mut header = Header::new_ustar();
    // Not `set_path`, which removes the `./` that Debian's tools expect.
    let root = header.set_username("root");
    root.and_then(|()| header.set_groupname("root"))
        .map_err(failed)?;
    let name = header.as_old_mut().name.get_mut(..path.len());
    let too_long = || failed(io::ErrorKind::InvalidFilename.into());
    name.ok_or_else(too_long)?.copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(date.into());
    header.set_size(content.len() as u64);
    header.set_cksum();
    builder.append(&header, content).map_err(failed)
}

/// Compressed, without a name and a time.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>, DistError> {
    let compressed = || -> io::Result<Vec<u8>> {
        let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
        encoder.write_all(bytes)?;
        encoder.finish()
    };
    compressed().map_err(|source| DistError::Archive {
        path: "a compressed file".to_owned(),
        source,
    })
}
