//! The protocols of the locks between processes, as models: every order of the steps of two or three processes, each
//! of which may be killed before any step.
//!
//! A step has the name of the function that it stands for. Each model has variants that lack one guard, and for each
//! of them an order that goes wrong is found: so the models can fail, and the guards are needed. The drawing of all
//! locks is in docs/architecture.md.

mod cache_entry;
mod explore;
mod pull_records;
mod store;
