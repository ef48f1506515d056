//! One Secret.

mod decide;
mod finish;
mod refusal;
mod serve;
mod work;
mod write;
