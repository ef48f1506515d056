//! `regcred manifest` with Debian's docker-registry; skopeo reads the results.

mod bench;
mod changes;
mod failures;
mod lists;
