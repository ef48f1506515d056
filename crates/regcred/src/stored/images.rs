//! `regcred images`

use indicatif::BinaryBytes;
use regcred_core::Env;
use regcred_engine::TextTable;
use regcred_registry::StoredImage;
use regcred_run::{ProgramError, output};
use serde::Serialize;

use super::arguments::ImagesArgs;
use super::named::open;

/// A JSON line. Fields are added, never changed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    image: &'a str,
    digest: &'a str,
    platforms: &'a [String],
    bytes: u64,
    is_complete: bool,
}

pub(crate) fn images(args: &ImagesArgs, env: &Env) -> Result<(), ProgramError> {
    let found = match open(args.store.as_ref(), env)? {
        Some(layout) => StoredImage::all(&layout).map_err(ProgramError::not_configured)?,
        None => Vec::new(),
    };
    if args.json {
        return found.iter().try_for_each(|image| {
            output::json_line(&Line {
                image: &image.name,
                digest: image.digest.as_str(),
                platforms: &image.platforms,
                bytes: image.size,
                is_complete: image.missing == 0,
            })
        });
    }
    let header = ["IMAGE", "DIGEST", "PLATFORM", "SIZE"].map(str::to_owned);
    let mut rows = vec![header.to_vec()];
    rows.extend(found.iter().map(row));
    let mut table = TextTable::default();
    table.rows(0, &rows);
    output::line(&table.into_text())
}

fn row(image: &StoredImage) -> Vec<String> {
    let size = BinaryBytes(image.size);
    let size = match image.missing {
        0 => size.to_string(),
        missing => format!("{size}, {missing} missing"),
    };
    let name = if image.name.is_empty() {
        "-"
    } else {
        &image.name
    };
    let digest = image.digest.to_string();
    vec![name.to_owned(), digest, image.platforms.join(","), size]
}
