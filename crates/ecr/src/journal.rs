//! What a call is doing now, so that a deadline can say where it hung.

use std::sync::{Mutex, PoisonError};

use crate::endpoint::{Endpoint, Service};

/// The present step of one call.
#[derive(Debug)]
pub(crate) struct Journal(Mutex<Doing>);

#[derive(Debug)]
enum Doing {
    Step(String),
    Call(Endpoint),
}

impl Journal {
    /// Notes what begins now.
    pub(crate) fn now(&self, step: &str) {
        self.set(Doing::Step(step.to_owned()));
    }

    /// Notes a call that begins now. Its address, which takes a while to work out, is asked for
    /// only when the call hangs.
    pub(crate) fn calling(&self, endpoint: &Endpoint) {
        self.set(Doing::Call(endpoint.clone()));
    }

    /// What began last.
    pub(crate) fn last(&self) -> String {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Doing::Step(step) => step.clone(),
            Doing::Call(endpoint) => {
                let api = match endpoint.service {
                    Service::Sts => "STS",
                    Service::Ecr | Service::EcrPublic => "the API",
                };
                format!("{api} at {}", endpoint.address())
            }
        }
    }

    fn set(&self, doing: Doing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self(Mutex::new(Doing::Step(String::new())))
    }
}
