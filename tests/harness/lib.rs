//! What the tests stand on: fakes of the clouds and of a registry that refuse wrong requests, the
//! real servers and clients we check ourselves against, a runner for our own programs, and the
//! conformance suite that every plugin must pass.
//!
//! All servers listen on loopback ports chosen by the system, run in threads of their own and end
//! with their handle, so a test may be synchronous, asynchronous or on a paused clock.

pub mod acr;
pub mod canary;
mod closed_port;
pub mod cloud;
pub mod clouds;
pub mod conformance;
pub mod container_agent;
pub mod container_runtime;
mod daemon;
pub mod ec2_metadata;
pub mod ecr;
pub mod gce_metadata;
pub mod generic;
pub mod google;
pub mod icr;
pub mod image;
mod instructions;
mod kept;
pub mod kube;
pub mod logins;
pub mod moto;
pub mod namespace;
pub mod need;
pub mod node;
pub mod oci_registry;
pub mod ocir;
mod output_schema;
mod plugin_request;
pub mod program;
pub mod python;
pub mod registry;
pub mod repeating;
pub mod schema;
pub mod seeded;
pub mod server;
pub mod sigv4;
pub mod skopeo;
mod sound_store;
pub mod sts;
mod thread;
pub mod tls;
mod tls_front;
pub mod token_server;
mod until;

pub use canary::Canary;
pub use closed_port::ClosedPort;
pub use container_agent::FakeContainerAgent;
pub use container_runtime::FakeRuntime;
pub use ec2_metadata::FakeEc2Metadata;
pub use ecr::FakeEcr;
pub use gce_metadata::FakeGceMetadata;
pub use google::FakeGoogle;
pub use image::Image;
pub use instructions::instructions;
pub use kept::assert_kept;
pub use kube::FakeKube;
pub use logins::Logins;
pub use moto::Moto;
pub use need::need;
pub use node::Node;
pub use oci_registry::FakeRegistry;
pub use ocir::FakeOci;
pub use output_schema::assert_matches_schema;
pub use plugin_request::{plugin_request, plugin_request_with};
pub use program::{Finished, Program};
pub use python::python_with;
pub use registry::Registry;
pub use repeating::{Asks, REPEATS, Repeating, Repeats, repeating_program};
pub use server::Server;
pub use skopeo::Skopeo;
pub use sound_store::assert_sound;
pub use sts::FakeSts;
pub use tls::Tls;
pub use tls_front::TlsFront;
pub use token_server::TokenServer;
pub use until::until;
