//! `regcred images`, `rm` and `export`: what the store holds.

mod arguments;
mod export;
mod images;
mod named;
mod remove;

pub(crate) use arguments::{ExportArgs, ImagesArgs, RmArgs};
pub(crate) use export::export;
pub(crate) use images::images;
pub(crate) use remove::remove;
