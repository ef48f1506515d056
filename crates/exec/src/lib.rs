//! The only spawner of processes: kubelet exec plugins and docker credential helpers.
//!
//! What upstream's `os/exec` call leaves open is closed here: the child leads a process group of
//! its own, which is killed as a whole at the deadline, at too much output and when the caller
//! loses interest; output is bounded; and a grandchild that keeps a pipe open cannot hang the call.
//!
//! ```
//! # async fn example() -> Result<(), regcred_exec::ExecError> {
//! use std::time::Duration;
//!
//! let answer = regcred_exec::Exec::new("/usr/bin/env")
//!     .args(["cat"])
//!     .env("LANG", "C")
//!     .stdin(b"question".to_vec())
//!     .deadline(Duration::from_secs(5))
//!     .run()
//!     .await?;
//! assert_eq!(answer.stdout.as_slice(), b"question");
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```

mod descendants;
mod error;
mod excerpt;
mod exec;
mod find;
mod group;
mod process_environment;
mod status;

pub use error::ExecError;
pub use exec::{Exec, Output};
pub use find::find_program;
pub use process_environment::ProcessEnvironment;
