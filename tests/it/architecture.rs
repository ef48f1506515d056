//! The drawing of the house, kept true: who may use whom, where a library may appear, in which
//! direction the files and folders of a crate look, and where a secret may leave its wrapper
//! and a text for people the program.

mod circles;
mod file_access;
mod folders;
mod language;
mod modules;
mod packages;
mod paths;
mod rust;
mod secrets;
mod sinks;
mod size;
pub(crate) mod workspace;
