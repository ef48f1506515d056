//! The faces: one file for each reader of an answer.

use std::io::{Read, Write};
use std::time::Instant;

use regcred_core::{Clock, CredentialRequest, Env, Issued, ProviderError, ProviderSpec};

use crate::failure::Failure;
use crate::source::{Source, block_on};

pub(crate) mod cache;
pub(crate) mod configure_docker;
pub(crate) mod docker;
pub(crate) mod help;
pub(crate) mod import;
pub(crate) mod kubelet;
pub(crate) mod match_images;
pub(crate) mod token;

/// What a face works with, beside its own arguments.
pub(crate) struct Context<'a> {
    /// The providers that may answer; one in a plugin.
    pub(crate) specs: &'a [&'a ProviderSpec],
    /// The file name under which the program was started.
    pub(crate) program: &'a str,
    pub(crate) env: Env,
    pub(crate) clock: Clock,
    /// When the run has to be over.
    pub(crate) end: Instant,
}

/// The three streams, as values.
pub(crate) struct Streams<'a> {
    pub(crate) stdin: &'a mut dyn Read,
    pub(crate) stdout: &'a mut dyn Write,
    pub(crate) stderr: &'a mut dyn Write,
}

impl Context<'_> {
    /// The answer of the provider that serves the request's registry, with the provider's name;
    /// `None` when none serves it.
    pub(crate) fn ask(
        &self,
        request: &CredentialRequest,
    ) -> Result<Option<(&'static str, Issued)>, Failure> {
        let registry = &request.registry;
        let Some(source) = Source::find(self.specs, registry, &self.env, &self.clock)? else {
            return Ok(None);
        };
        let name = source.name();
        let answer = block_on(source.until(self.end).credentials(request));
        match answer.map_err(Failure::Runtime)? {
            Ok(issued) => Ok(Some((name, issued))),
            Err(error) if is_not_served(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The registries' names in words: `Amazon ECR`.
    pub(crate) fn titles(&self) -> String {
        let titles: Vec<_> = self.specs.iter().map(|spec| spec.title).collect();
        titles.join(", ")
    }
}

impl Streams<'_> {
    /// Writes a finished answer in one piece.
    pub(crate) fn answer(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.stdout.write_all(bytes);
        written
            .and_then(|()| self.stdout.flush())
            .map_err(Failure::Output)
    }

    /// Writes one line for people. Nobody is told when that fails.
    pub(crate) fn note(&mut self, line: &str) {
        let _ = writeln!(self.stderr, "{line}");
    }
}

fn is_not_served(error: &ProviderError) -> bool {
    error.kind() == regcred_core::ErrorKind::NotServed
}

#[cfg(test)]
mod canary_tests;
