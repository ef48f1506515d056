//! The HTTP client under the AWS SDK: the one of every other call, so that proxies, trust, time-outs
//! and limits follow the same rules.
//!
//! The SDK decides when a request is sent again, because only it knows ECR's error codes; the client
//! sends each request once.

use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use regcred_core::{Env, ErrorKind};
use regcred_http::{
    CaBundle, Client, ClientOptions, HttpError, Method, Proxy, Request, SharedClient,
};

/// The client. Cheap to make and to clone: nothing is read before a request needs it.
#[derive(Clone)]
pub(crate) struct Transport {
    env: Env,
    bundle: Option<CaBundle>,
    /// Whether this calls metadata services only: never through a proxy, and over plain http.
    metadata: bool,
    client: SharedClient,
}

impl Transport {
    /// A client for the service endpoints.
    pub(crate) fn new(env: &Env) -> Self {
        let bundle = env.path(BUNDLE).map(|path| CaBundle {
            path,
            named_by: BUNDLE,
        });
        Self {
            env: env.clone(),
            bundle,
            metadata: false,
            client: SharedClient::default(),
        }
    }

    /// A client for metadata services.
    pub(crate) fn direct(env: &Env) -> Self {
        Self {
            metadata: true,
            ..Self::new(env)
        }
    }

    /// The same client with the `ca_bundle` of a profile, which replaces the system's roots but not
    /// those of `AWS_CA_BUNDLE`.
    pub(crate) fn with_profile(&self, bundle: &str) -> Self {
        let of_profile = || CaBundle {
            path: bundle.into(),
            named_by: "the profile's ca_bundle",
        };
        Self {
            bundle: Some(self.bundle.clone().unwrap_or_else(of_profile)),
            client: SharedClient::default(),
            ..self.clone()
        }
    }

    /// The client for requests that the SDK does not make.
    pub(crate) fn client(&self) -> Result<Client, HttpError> {
        self.client.get(|| ClientOptions {
            connect_timeout: CONNECT,
            idle_timeout: READ,
            proxy: if self.metadata {
                Proxy::None
            } else {
                Proxy::Env
            },
            ca_bundle: self.bundle.clone(),
            ..ClientOptions::new(&self.env)
        })
    }

    async fn send(
        &self,
        asked: &HttpRequest,
        time: Duration,
    ) -> Result<HttpResponse, ConnectorError> {
        let method = Method::from_bytes(asked.method().as_bytes());
        let method = method.map_err(|error| ConnectorError::user(error.into()))?;
        let body = asked.body().bytes();
        let body = body.ok_or_else(|| ConnectorError::user("the body is a stream".into()))?;
        let mut request = Request::new(method, asked.uri())
            .body(body.to_vec())
            .secret_body()
            .timeout(time);
        if self.metadata {
            request = request.allow_cleartext();
        }
        for (name, value) in asked.headers() {
            request = request.secret_header(name, &value.into());
        }
        let client = self.client().map_err(classified)?;
        let response = client.send(request).await.map_err(classified)?;
        let status = StatusCode::try_from(response.status().as_u16());
        let status = status.map_err(|error| ConnectorError::other(error.into(), None))?;
        let headers = response.headers().clone();
        let body = response.bytes(LARGEST).await.map_err(classified)?;
        let mut answer = HttpResponse::new(status, SdkBody::from(body));
        for (name, value) in &headers {
            answer.headers_mut().append(name.clone(), value.clone());
        }
        // EC2 returns the life of a metadata token and the SDK insists on it; some emulators leave it
        // out. A request uses the token for seconds, so that the six hours that were asked for do.
        let token = self.metadata && asked.uri().ends_with(TOKEN_PATH) && status.is_success();
        if token && !headers.contains_key(TOKEN_LIFE) {
            answer.headers_mut().insert(TOKEN_LIFE, "21600");
        }
        Ok(answer)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            transport: self.clone(),
            time: settings.read_timeout().unwrap_or(READ),
        })
    }
}

/// The transport with the time that one request may take.
#[derive(Clone, Debug)]
struct Connector {
    transport: Transport,
    time: Duration,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { transport, time } = self.clone();
        HttpConnectorFuture::new(async move { transport.send(&request, time).await })
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
const CONNECT: Duration = Duration::from_millis(3100);
/// Time for an answer.
const READ: Duration = Duration::from_secs(5);
/// A token answer has a few kilobytes.
const LARGEST: usize = 1 << 20;

const TOKEN_PATH: &str = "/latest/api/token";
const TOKEN_LIFE: &str = "x-aws-ec2-metadata-token-ttl-seconds";

#[cfg(test)]
mod tests;
