//! In tests, the moment at which the process is killed.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::fsync;

/// Counts the steps that change something; in tests it ends them all after a number of them, as if the
/// process had been killed there.
#[derive(Debug, Default)]
pub(crate) struct Fuse {
    #[cfg(test)]
    pub(crate) steps: std::cell::Cell<u32>,
    #[cfg(test)]
    pub(crate) last: std::cell::Cell<Option<u32>>,
}

impl Fuse {
    /// Writes a file or a directory to the disk. A test that kills a process loses no power.
    pub(crate) fn sync(&self, file: impl AsFd) -> io::Result<()> {
        self.step()?;
        if cfg!(not(test)) {
            fsync(file)?;
        }
        Ok(())
    }

    /// Called before each step.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as in tests")
    )]
    pub(crate) fn step(&self) -> io::Result<()> {
        #[cfg(test)]
        {
            let done = self.steps.get();
            if self.last.get().is_some_and(|last| done >= last) {
                return Err(io::Error::other("killed"));
            }
            self.steps.set(done + 1);
        }
        Ok(())
    }
}
