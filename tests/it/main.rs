//! Whole programs against real servers and clients, and against the harness's fakes.

mod fakes;
mod real_registry;
