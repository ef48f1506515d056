//! The exit codes of every program of this project.

use regcred_core::ErrorKind;

/// Success; for the kubelet also if the image is not served.
pub const DONE: u8 = 0;
/// A bug, or errors that `regcred check` found. Docker's helper protocol has this code for every failure.
pub const BUG: u8 = 1;
/// The command line, or the request on standard input, is wrong.
pub const USAGE: u8 = 2;
/// The registry is not one of this provider's cloud.
pub const NOT_SERVED: u8 = 3;
/// An option, a variable or a file is missing or wrong.
pub const NOT_CONFIGURED: u8 = 4;
/// No identity was found.
pub const NO_IDENTITY: u8 = 5;
/// The cloud or the registry refused the identity or the request, or has no such image.
pub const DENIED: u8 = 6;
/// Unreachable, timed out or throttled.
pub const UNREACHABLE: u8 = 7;
/// A response that does not have the documented form.
pub const MALFORMED: u8 = 8;

/// Standard output cannot be written, as on a full disk.
pub const UNWRITABLE: u8 = 9;
/// The reader of standard output has ended: 128 and the number of SIGPIPE, as shells report it.
pub const READER_ENDED: u8 = 141;

/// The code for a kind of failure.
#[must_use]
pub fn of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::NotServed => NOT_SERVED,
        ErrorKind::NotConfigured => NOT_CONFIGURED,
        ErrorKind::IdentityUnavailable => NO_IDENTITY,
        ErrorKind::Denied => DENIED,
        ErrorKind::Throttled | ErrorKind::Unreachable => UNREACHABLE,
        ErrorKind::Malformed => MALFORMED,
        _ => BUG,
    }
}
