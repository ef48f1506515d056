//! What every program of this project does before and after its own work: logging, the TLS provider
//! and the runtime at the start, bounded standard input, results on standard output, and at the end
//! one line on standard error and an exit code.

mod crypto;
mod error;
pub mod exit_code;
mod logging;
mod memory;
pub mod output;
mod runtime;
mod stdin;

pub use crypto::install_crypto;
pub use error::ProgramError;
#[cfg(feature = "testing")]
pub use logging::testing;
pub use logging::{LOG, init_json_logging, init_logging, klog_level};
pub use memory::hide_secrets;
pub use output::{DEADLINE, Streams, conclude, with_streams};
pub use runtime::{block_on, block_on_until_signal};
pub use stdin::InputError;
