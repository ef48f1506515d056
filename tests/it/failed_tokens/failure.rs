//! How a call for a token fails, and the server or the port that makes it fail so.

use regcred_tests::ClosedPort;
use regcred_tests::server::{Reply, Seen, Server};

/// A failure of one call.
#[derive(Debug)]
pub(super) enum Failure {
    Refused,
    ProxyClosed,
    ProxyRefuses,
    Status(u16),
    WebPage,
    CutJson,
}

pub(super) const FAILURES: &[Failure] = &[
    Failure::Refused,
    Failure::ProxyClosed,
    Failure::ProxyRefuses,
    Failure::Status(401),
    Failure::Status(403),
    Failure::Status(404),
    Failure::Status(429),
    Failure::Status(500),
    Failure::WebPage,
    Failure::CutJson,
];

impl Failure {
    /// Words of which the line has one in the place of the answer.
    pub(super) fn answers(&self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Refused => &["Connection refused"],
            Self::ProxyClosed => &["cannot connect to the proxy 127.0.0.1:"],
            Self::ProxyRefuses => &["did not connect to cloud.invalid"],
            Self::Status(status) => {
                let forms = ["answered", "status", "HTTP", "code:"];
                let mut words = forms.map(|form| format!("{form} {status}")).to_vec();
                // What a metadata server of EC2 means by it.
                if *status == 404 {
                    words.push("the instance has no IAM role".to_owned());
                }
                return words;
            }
            Self::WebPage => &[
                "the response is not a JSON object",
                "the response cannot be read",
                "the response is a web page",
                "its region is not a region",
                "its response has no access token",
                "the response is not a metadata token",
                "the response is not the name of a role",
            ],
            Self::CutJson => &[
                "the response is not a JSON object",
                "the response cannot be read",
                "the response is not the expected JSON",
                "its region is not a region",
                "its response has no access token",
                "the response is not a metadata token",
                "the response is not the name of a role",
            ],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Status(401 | 403))
    }

    fn reply(&self) -> Reply {
        match self {
            Self::Status(status) => Reply::new(*status).header("retry-after", "0"),
            Self::WebPage => Reply::typed(200, "text/html", "<html>log in</html>"),
            _ => Reply::typed(200, "application/json", "{\"access_token\":\"abc"),
        }
    }
}

/// What makes a call fail; it ends with the value.
pub(super) struct Stage {
    server: Option<Server>,
    closed: Option<ClosedPort>,
    is_proxy: bool,
}

impl Stage {
    pub(super) fn of(failure: &Failure) -> Self {
        let is_proxy = matches!(failure, Failure::ProxyClosed | Failure::ProxyRefuses);
        let is_closed = matches!(failure, Failure::ProxyClosed | Failure::Refused);
        let reply = if is_proxy {
            Reply::new(403)
        } else {
            failure.reply()
        };
        // Google's metadata server is known by its header.
        let reply = reply.header("metadata-flavor", "Google");
        Self {
            server: (!is_closed).then(|| Server::start(move |_: &Seen| reply.clone())),
            closed: is_closed.then(ClosedPort::take),
            is_proxy,
        }
    }

    /// The address of the server that is asked, as it is in the line.
    pub(super) fn address(&self) -> String {
        if self.is_proxy {
            "cloud.invalid".to_owned()
        } else {
            self.authority()
        }
    }

    /// The variables that lead a plugin there.
    pub(super) fn env(&self, variable: &str, path: &str) -> Vec<(String, String)> {
        let authority = self.authority();
        if self.is_proxy {
            return vec![
                (variable.to_owned(), format!("https://cloud.invalid{path}")),
                ("HTTPS_PROXY".to_owned(), format!("http://{authority}")),
            ];
        }
        variables(variable, path, &authority)
    }

    fn authority(&self) -> String {
        match (&self.server, &self.closed) {
            (Some(server), _) => server.authority(),
            (_, Some(closed)) => closed.authority(),
            _ => String::new(),
        }
    }
}

/// The variable that leads a plugin to a server.
pub(super) fn variables(variable: &str, path: &str, authority: &str) -> Vec<(String, String)> {
    let value = if variable.ends_with("_METADATA_HOST") {
        authority.to_owned()
    } else {
        format!("http://{authority}{path}")
    };
    vec![(variable.to_owned(), value)]
}
