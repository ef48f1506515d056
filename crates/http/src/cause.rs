//! Why a request got no response: reads the chain of errors below reqwest.

use std::error::Error;
use std::fmt;
use std::io;

use crate::roots::RootsError;
use crate::tls;

/// What stopped a request, and the innermost cause as text: the layers between only repeat it.
#[derive(Debug)]
pub(crate) struct Cause {
    pub(crate) what: Failure,
    text: String,
}

/// The step at which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Dns,
    Connect,
    ConnectTimeout,
    Tls,
    Trust,
    Roots,
    Broken,
    NotHttp,
}

impl Cause {
    pub(crate) fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut chain: Vec<&(dyn Error + 'static)> = Vec::new();
        let mut next: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = next {
            chain.push(error);
            next = error.source();
        }
        let tls = chain.iter().find_map(|error| tls_error(*error));
        // hyper's message for bytes that are not an HTTP/1 response, such as a TLS alert.
        let not_http = chain
            .iter()
            .any(|error| error.to_string().starts_with("invalid HTTP"));
        let what = match tls {
            Some(rustls::Error::Other(other)) if other.0.is::<RootsError>() => Failure::Roots,
            Some(rustls::Error::InvalidCertificate(_)) => Failure::Trust,
            Some(_) => Failure::Tls,
            None if error.is_dns() => Failure::Dns,
            None if error.is_connect() && error.is_timeout() => Failure::ConnectTimeout,
            None if error.is_connect() => Failure::Connect,
            None if not_http => Failure::NotHttp,
            None => Failure::Broken,
        };
        let text = match tls {
            Some(rustls::Error::Other(other)) => regcred_core::report(&*other.0),
            Some(tls) => tls::words(tls),
            None => chain.last().map(ToString::to_string).unwrap_or_default(),
        };
        Self { what, text }
    }

    /// Whether the same request may get a response a little later.
    pub(crate) fn is_passing(&self) -> bool {
        match self.what {
            Failure::Connect | Failure::ConnectTimeout | Failure::Broken => true,
            // "Temporary failure in name resolution" (glibc), "Try again" (musl).
            Failure::Dns => self.text.contains("emporary") || self.text.contains("ry again"),
            Failure::Tls | Failure::Trust | Failure::Roots | Failure::NotHttp => false,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Cause {}

/// tokio-rustls wraps its errors in an `io::Error`, and hyper-rustls wraps that in another one.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<rustls::Error>().or_else(|| {
        let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
        tls_error(inner)
    })
}
