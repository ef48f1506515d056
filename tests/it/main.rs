//! Whole programs against real servers and clients, and against the harness's fakes.

mod acr;
mod architecture;
mod bad_input;
mod bench;
mod clouds;
mod demo;
mod docker_helper;
mod docs;
mod ecr;
mod ecr_moto;
mod engine;
mod explain;
mod fakes;
mod gcr;
mod icr;
mod killed_push;
mod manifest;
mod memory;
mod multicall;
mod node;
mod ocir;
mod pull;
mod pull_terminal;
mod real_registry;
mod refresh;
