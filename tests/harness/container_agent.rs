//! The agent that gives a container its role: EKS Pod Identity's form, and ECS's, which is the same
//! on another address (EKS user guide, "EKS Pod Identity"; AWS SDK guide, "Container credential
//! provider").

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use regcred_core::Clock;
use serde_json::json;
use tempfile::TempDir;

use crate::seeded::Seeded;
use crate::server::{Reply, Seen, Server, lock};
use crate::sigv4::AccessKey;

/// An agent on loopback whose authorization token lies in a file. Dropping it ends it.
pub struct FakeContainerAgent {
    server: Server,
    key: AccessKey,
    token: Arc<Mutex<String>>,
    random: Mutex<Seeded>,
    directory: TempDir,
}

impl FakeContainerAgent {
    /// Starts the agent. Its role's key is made for it.
    ///
    /// # Panics
    /// When the token's file cannot be written.
    #[must_use]
    pub fn start() -> Self {
        let mut random = Seeded::new(0xa9e27);
        let key = AccessKey {
            id: format!("ASIA{}", random.word(16).to_uppercase()),
            secret: random.word(40),
            session: Some(random.word(320)),
        };
        let token = Arc::new(Mutex::new(String::new()));
        let (good, handed_out) = (Arc::clone(&token), key.clone());
        let agent = Self {
            server: Server::start(move |request: &Seen| answer(request, &lock(&good), &handed_out)),
            key,
            token,
            random: Mutex::new(random),
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        agent.rotate();
        agent
    }

    /// Makes a new authorization token, writes it into the file and forgets the old one.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn rotate(&self) {
        let token = format!("eyJ.{}", lock(&self.random).word(120));
        // Written by hand in many set-ups, with a line's end.
        std::fs::write(self.token_file(), format!("{token}\n")).expect("our own file");
        *lock(&self.token) = token;
    }

    /// The role's key, for a fake API that is to accept it.
    #[must_use]
    pub fn access_key(&self) -> &AccessKey {
        &self.key
    }

    /// The file with the token.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.directory.path().join("eks-pod-identity-token")
    }

    /// What EKS sets in a pod.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let url = format!("{}{PATH}", self.server.url());
        let file = self.token_file().display().to_string();
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), url),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE".to_owned(), file),
        ]
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}

fn answer(request: &Seen, token: &str, key: &AccessKey) -> Reply {
    if request.method != "GET" || request.path != PATH {
        return Reply::text(404, "Not Found");
    }
    if request.header("authorization") != Some(token) {
        return Reply::json(
            401,
            &json!({"code": "AccessDeniedException", "message": "unauthorized"}),
        );
    }
    let ends = Clock::system().now() + TimeDelta::hours(6);
    Reply::json(
        200,
        &json!({
            "AccessKeyId": key.id,
            "SecretAccessKey": key.secret,
            "Token": key.session,
            "AccountId": "123456789012",
            "Expiration": ends.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }),
    )
}

const PATH: &str = "/v1/credentials";
