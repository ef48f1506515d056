//! The provider against fakes of AWS: every identity, from its settings to the registry login.

mod agent;
mod chain;
mod failures;
mod fake;
mod home;
mod metadata;
mod process;
mod profile;
mod registries;
mod roles;
