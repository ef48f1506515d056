//! Files that are written as a whole.

use std::io::{self, Write as _};
use std::path::Path;

use rustix::fs::{Mode, fchmod};

use crate::place::Place;
use crate::root::Root;

/// Writes a file of this user's as a whole: readers see the old one or the new one. A link is followed
/// only where no other user can have placed it.
///
/// # Errors
/// When its directory does not exist, or the system refuses.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let place = place_of(path)?;
    let temporary = place.temporary();
    let write = || {
        let mut file = place.create(&temporary)?;
        file.write_all(bytes)?;
        fchmod(&file, Mode::from_raw_mode(mode))?;
        place.rename(&temporary)
    };
    write().inspect_err(|_| drop(place.remove(&temporary)))
}

/// The place of a path of this machine.
///
/// # Errors
/// When another user may have placed a link on the way, or its directory does not exist.
pub fn place_of(path: &Path) -> io::Result<Place> {
    let (root, real) = Root::of_machine(path)?;
    root.place(&real)
}
