//! The step that a request has reached, so that an exceeded deadline can name it.

use std::sync::{Mutex, PoisonError};

use crate::endpoint::{Endpoint, Service};

/// The present step of one request.
#[derive(Debug, Default)]
pub(crate) struct CurrentStep(Mutex<Step>);

#[derive(Debug, Default)]
enum Step {
    #[default]
    Start,
    Source(String),
    Call(Endpoint),
}

impl CurrentStep {
    /// Notes a source of an identity that is asked now.
    pub(crate) fn asks(&self, source: &str) {
        self.set(Step::Source(source.to_owned()));
    }

    /// Notes a call that begins now. Its address takes a while to work out, so that this is left to
    /// the message.
    pub(crate) fn calls(&self, endpoint: &Endpoint) {
        self.set(Step::Call(endpoint.clone()));
    }

    /// The step in words.
    pub(crate) fn in_words(&self) -> String {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Step::Start => "its start".to_owned(),
            Step::Source(source) => source.clone(),
            Step::Call(endpoint) => {
                let api = match endpoint.service {
                    Service::Sts => "STS",
                    Service::Ecr | Service::EcrPublic => "the API",
                };
                format!("{api} at {}", endpoint.address())
            }
        }
    }

    fn set(&self, step: Step) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }
}
