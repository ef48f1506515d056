//! EC2's instance metadata service, version 2 only (AWS EC2 user guide, "Use IMDSv2"). Version 1,
//! forwarded requests and unknown paths are refused.

use std::sync::Arc;

use chrono::TimeDelta;
use regcred_core::Clock;
use serde_json::json;

use crate::seeded::Seeded;
use crate::server::{Reply, Seen, Server};
use crate::sigv4::AccessKey;

/// A metadata server of an instance with one role. Dropping it ends it.
pub struct FakeEc2Metadata {
    server: Server,
    key: AccessKey,
}

impl FakeEc2Metadata {
    /// Starts the server for an instance in `region`. Its role's key is made for this server.
    #[must_use]
    pub fn start(region: &str) -> Self {
        let mut random = Seeded::new(0xec2);
        let key = AccessKey {
            id: format!("ASIA{}", random.word(16).to_uppercase()),
            secret: random.word(40),
            session: Some(random.word(320)),
        };
        let state = Arc::new(State {
            key: key.clone(),
            region: region.to_owned(),
            token: random.word(56),
        });
        Self {
            server: Server::start(move |request: &Seen| state.answer(request)),
            key,
        }
    }

    /// The role's key, for a fake API that is to accept it.
    #[must_use]
    pub fn access_key(&self) -> &AccessKey {
        &self.key
    }

    /// The variables that lead a client here and nowhere else.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let name = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        vec![(name.to_owned(), self.server.url())]
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// How often the role's credentials were handed out or asked for.
    #[must_use]
    pub fn credentials_requests(&self) -> usize {
        self.server.count(&format!("{CREDENTIALS}{ROLE}"))
    }
}

struct State {
    key: AccessKey,
    region: String,
    token: String,
}

impl State {
    fn answer(&self, request: &Seen) -> Reply {
        if request.header("x-forwarded-for").is_some() {
            return Reply::text(403, "forwarded requests are refused");
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", "/latest/api/token") => self.token(request),
            ("GET", path) if request.header("x-aws-ec2-metadata-token") == Some(&self.token) => {
                self.document(path)
            }
            ("GET", _) => Reply::text(401, "Unauthorized"),
            _ => Reply::text(405, "Method Not Allowed"),
        }
    }

    fn token(&self, request: &Seen) -> Reply {
        let ttl = request
            .header("x-aws-ec2-metadata-token-ttl-seconds")
            .and_then(|ttl| ttl.parse::<u32>().ok())
            .filter(|ttl| (1..=21_600).contains(ttl));
        match ttl {
            None => Reply::text(400, "the TTL is missing or not 1 to 21600"),
            Some(ttl) => Reply::text(200, &self.token)
                .header("x-aws-ec2-metadata-token-ttl-seconds", ttl.to_string()),
        }
    }

    fn document(&self, path: &str) -> Reply {
        if path == CREDENTIALS {
            return Reply::text(200, ROLE);
        }
        if path == "/latest/meta-data/placement/region" {
            return Reply::text(200, &self.region);
        }
        if path.strip_prefix(CREDENTIALS) != Some(ROLE) {
            return Reply::text(404, "Not Found");
        }
        let now = Clock::system().now();
        let time = |t: chrono::DateTime<chrono::Utc>| t.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        Reply::json(
            200,
            &json!({
                "Code": "Success",
                "LastUpdated": time(now),
                "Type": "AWS-HMAC",
                "AccessKeyId": self.key.id,
                "SecretAccessKey": self.key.secret,
                "Token": self.key.session,
                "Expiration": time(now + TimeDelta::hours(6)),
            }),
        )
    }
}

const CREDENTIALS: &str = "/latest/meta-data/iam/security-credentials/";
const ROLE: &str = "node-role";
