//! The environment of a running process, for a program that is to run as that process runs it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::Arc;

use regcred_files::{MIB, read, read_secret_bytes};
use secrecy::{ExposeSecret as _, SecretSlice};

/// The variables with which a process was started. Values may be secrets and are never shown.
#[derive(Clone)]
pub struct ProcessEnvironment {
    pid: u32,
    bytes: Arc<SecretSlice<u8>>,
}

impl ProcessEnvironment {
    /// That of a process, given by its number, or by its name if only one has it.
    ///
    /// # Errors
    /// When no process or several are found, and when the process is another user's.
    pub fn of(process: &str) -> io::Result<Self> {
        let pid = match process.parse() {
            Ok(pid) => pid,
            Err(_) => find(process)?,
        };
        let bytes = read_secret_bytes(Path::new(&format!("/proc/{pid}/environ")), MAX_ENVIRONMENT);
        Ok(Self {
            pid,
            bytes: Arc::new(bytes.map_err(|error| explained(pid, &error))?),
        })
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Each variable with its value.
    pub fn vars(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let lines = self.bytes.expose_secret().split(|byte| *byte == 0);
        lines.filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b'=')?;
            let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
            (at > 0).then(|| (text(&line[..at]), text(&line[at + 1..])))
        })
    }
}

/// Shows the process only.
impl fmt::Debug for ProcessEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessEnvironment")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

/// The only process of this name.
fn find(name: &str) -> io::Result<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let pid = entry.file_name().to_str().and_then(|n| n.parse().ok());
        let is_named = |pid: &u32| {
            let comm = read(Path::new(&format!("/proc/{pid}/comm")), MAX_NAME);
            comm.is_ok_and(|comm| {
                OsStr::new(name) == OsString::from_vec(comm.trim_ascii_end().into())
            })
        };
        found.extend(pid.filter(is_named));
    }
    match found[..] {
        [pid] => Ok(pid),
        [] => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("no process is named {name:?}: name the number of the one that starts plugins"),
        )),
        _ => Err(io::Error::other(format!(
            "several processes are named {name:?}: name one of {found:?}"
        ))),
    }
}

fn explained(pid: u32, error: &io::Error) -> io::Error {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => format!("{error}; root may read it"),
        _ => error.to_string(),
    };
    let text = format!("cannot read the environment of process {pid}: {why}");
    io::Error::new(error.kind(), text)
}

/// The kernel's own limit for one argument and variable is 128 KiB, for all together a few MiB.
const MAX_ENVIRONMENT: u64 = 8 * MIB;
const MAX_NAME: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> ProcessEnvironment {
        ProcessEnvironment {
            pid: 7,
            bytes: Arc::new(bytes.to_vec().into()),
        }
    }

    #[test]
    fn variables_end_with_a_null_byte_and_their_names_with_an_equals_sign() {
        let read = of(b"A=canary\0B=x=y\0\0nothing\0=z\0C=\0");
        let vars: Vec<_> = read.vars().collect();
        let expected = [("A", "canary"), ("B", "x=y"), ("C", "")];
        assert_eq!(vars, expected.map(|(n, v)| (n.into(), v.into())));
        assert_eq!(format!("{read:?}"), "ProcessEnvironment { pid: 7, .. }");
    }

    #[test]
    fn a_process_is_named_by_its_number_or_its_only_name() {
        let own = std::process::id();
        let read = ProcessEnvironment::of(&own.to_string()).expect("own");
        assert_eq!(read.pid(), own);
        assert!(read.vars().any(|(name, _)| name == "PATH"));
        for (process, why) in [
            ("4294967295", "process 4294967295: it does not exist"),
            ("no such name", "no process is named"),
        ] {
            let error = ProcessEnvironment::of(process).expect_err(process);
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
