//! The daemon: keeps everything fresh until it is stopped.

mod election;
mod inventory;
mod main_loop;
mod schedule;
mod server;
mod start;
mod watches;

pub use start::Handle;
