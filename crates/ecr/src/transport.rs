//! The HTTP client under the AWS SDK: the one of every other call, so that proxies, trust, time-outs
//! and limits follow the same rules.
//!
//! The SDK decides when a request is sent again, because only it knows ECR's error codes; the client
//! sends each request once.

mod metadata;

use std::path::PathBuf;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use regcred_core::{Clock, Env, ErrorKind, ProviderError, is_secret_name};
use regcred_http::{CaBundle, Client, HttpError, Method, Request};

use crate::ERRORS;
use crate::settings::{Cloud, Settings};
use metadata::TOKEN_PATH;

pub(crate) use metadata::TOKEN_REFUSED;

/// The settings with their clients.
pub(crate) fn cloud(env: &Env, clock: &Clock, settings: Settings) -> Cloud {
    let cloud = Cloud::new(ERRORS, env, clock, settings).with_options(|options| {
        options.connect_timeout = CONNECT;
        options.idle_timeout = READ;
    });
    trusting(cloud, env.path(BUNDLE), BUNDLE)
}

/// The same with a bundle, if there is one, in place of the system's roots. The first stays: a
/// profile's does not replace that of `AWS_CA_BUNDLE`.
pub(crate) fn trusting(cloud: Cloud, bundle: Option<PathBuf>, named_by: &'static str) -> Cloud {
    let Some(path) = bundle else {
        return cloud;
    };
    cloud.with_options(|options| {
        let bundle = || CaBundle { path, named_by };
        options.ca_bundle.get_or_insert_with(bundle);
    })
}

/// The client, with the time that one request may take.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    client: Client,
    time: Duration,
    /// Whether this calls metadata services, whose protocol is plain http.
    metadata: bool,
}

impl Transport {
    /// For service endpoints.
    pub(crate) fn web(cloud: &Cloud) -> Result<Self, ProviderError> {
        Ok(Self::new(cloud.web()?, false))
    }

    /// For metadata services.
    pub(crate) fn link(cloud: &Cloud) -> Result<Self, ProviderError> {
        Ok(Self::new(cloud.link(LINK_CONNECT)?, true))
    }

    fn new(client: Client, metadata: bool) -> Self {
        Self {
            client,
            time: READ,
            metadata,
        }
    }

    async fn send(&self, asked: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let method = Method::from_bytes(asked.method().as_bytes());
        let method = method.map_err(|error| ConnectorError::user(error.into()))?;
        let body = asked.body().bytes();
        let body = body.ok_or_else(|| ConnectorError::user("the body is a stream".into()))?;
        let mut request = Request::new(method, asked.uri())
            .body(body.to_vec())
            .secret_body()
            .timeout(self.time);
        if self.metadata {
            request = request.allow_cleartext();
        }
        for (name, value) in asked.headers() {
            request = if is_secret_name(name) {
                request.secret_header(name, &value.into())
            } else {
                request.header(name, value)
            };
        }
        let response = self.client.send(request).await.map_err(classified)?;
        let response_status = response.status();
        let status = StatusCode::try_from(response_status.as_u16());
        let status = status.map_err(|error| ConnectorError::other(error.into(), None))?;
        let headers = response.headers().clone();
        let body = response.bytes(LARGEST).await.map_err(classified)?;
        if self.metadata {
            metadata::check(asked.uri(), response_status, &body)
                .map_err(|why| ConnectorError::other(why.into(), None))?;
        }
        let mut passed_on = HttpResponse::new(status, SdkBody::from(body));
        for (name, value) in &headers {
            passed_on.headers_mut().append(name.clone(), value.clone());
        }
        // EC2 returns the life of a metadata token and the SDK insists on it; some emulators leave it
        // out, and adding a longer one to the time would overflow. The token is used for seconds, so the
        // six hours that were requested are assumed.
        let token = self.metadata && asked.uri().ends_with(TOKEN_PATH) && status.is_success();
        let life = headers.get(TOKEN_LIFE).and_then(|life| life.to_str().ok());
        let life = life.and_then(|life| life.parse::<u64>().ok());
        if token && life.is_none_or(|life| life > LONGEST_LIFE) {
            passed_on
                .headers_mut()
                .insert(TOKEN_LIFE, LONGEST_LIFE.to_string());
        }
        Ok(passed_on)
    }
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Self {
            time: settings.read_timeout().unwrap_or(READ),
            ..self.clone()
        })
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.send(&request).await })
    }
}

/// The class decides whether the SDK repeats the request: after a time-out and a broken connection.
fn classified(error: HttpError) -> ConnectorError {
    if error.kind() == ErrorKind::NotConfigured {
        ConnectorError::user(error.into())
    } else if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_passing() {
        ConnectorError::io(error.into())
    } else {
        ConnectorError::other(error.into(), None)
    }
}

const BUNDLE: &str = "AWS_CA_BUNDLE";
/// Time to connect, as in the AWS SDKs.
pub(crate) const CONNECT: Duration = Duration::from_millis(3100);
/// The same for a metadata service, as in the Go SDK: it is one hop away or not there.
const LINK_CONNECT: Duration = Duration::from_millis(250);
/// Time for a response.
pub(crate) const READ: Duration = Duration::from_secs(5);
/// A response with a token has a few kilobytes.
const LARGEST: usize = 1 << 20;

/// Seconds.
const LONGEST_LIFE: u64 = 21_600;
const TOKEN_LIFE: &str = "x-aws-ec2-metadata-token-ttl-seconds";

#[cfg(test)]
mod tests;
