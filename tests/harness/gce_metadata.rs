//! Google's metadata server: the service account's token, email and scopes. A request without
//! `Metadata-Flavor: Google`, a forwarded one, or one for another path is refused as there.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::Logins;
use crate::seeded::Seeded;
use crate::server::{Handler, Reply, Seen, Server, lock};

/// A metadata server of a machine with one service account. Dropping it ends it.
pub struct FakeGceMetadata {
    server: Server,
    machine: Arc<Machine>,
}

impl FakeGceMetadata {
    /// Starts the server.
    #[must_use]
    pub fn start() -> Self {
        let machine = Arc::new(Machine {
            logins: Logins::new(),
            state: Mutex::new(State {
                random: Seeded::new(0x6ce),
                expires_in: 3599,
                answers: Answers::Tokens,
                scopes: vec!["https://www.googleapis.com/auth/cloud-platform".to_owned()],
            }),
        });
        let handler = Arc::clone(&machine);
        Self {
            server: Server::start(move |request: &Seen| handler.handle(request)),
            machine,
        }
    }

    /// The variable that leads a client here.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        vec![("GCE_METADATA_HOST".to_owned(), self.server.authority())]
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The logins issued so far, under both user names that Google's registries take.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        &self.machine.logins
    }

    /// How many tokens were asked for.
    #[must_use]
    pub fn token_requests(&self) -> usize {
        self.server.count(&format!("{ACCOUNT}token"))
    }

    /// The `expires_in` of the tokens from now on.
    pub fn set_expires_in(&self, seconds: i64) {
        lock(&self.machine.state).expires_in = seconds;
    }

    /// What the token path answers from now on.
    pub fn set_answers(&self, answers: Answers) {
        lock(&self.machine.state).answers = answers;
    }
}

/// What the token path answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Tokens.
    Tokens,
    /// 404, as on a machine without a service account.
    NoAccount,
    /// 500.
    ServerError,
    /// 200 with a page of HTML that holds a token, and without the `Metadata-Flavor` header, as a
    /// captive portal answers.
    Portal,
    /// Nothing, ever.
    Hang,
}

struct Machine {
    logins: Logins,
    state: Mutex<State>,
}

struct State {
    random: Seeded,
    expires_in: i64,
    answers: Answers,
    scopes: Vec<String>,
}

impl Handler for Machine {
    fn handle(&self, request: &Seen) -> Reply {
        let reply = self.answer(request);
        if lock(&self.state).answers == Answers::Portal {
            return reply;
        }
        reply
            .with("metadata-flavor", "Google")
            .with("server", "Metadata Server for VM")
    }
}

impl Machine {
    fn answer(&self, request: &Seen) -> Reply {
        if request.header("metadata-flavor") != Some("Google") {
            let text = "Missing required header \"Metadata-Flavor\": \"Google\"";
            return Reply::text(403, text);
        }
        if request.header("x-forwarded-for").is_some() {
            return Reply::text(403, "Request with X-Forwarded-For refused");
        }
        if request.method != "GET" {
            return Reply::text(405, "Method Not Allowed");
        }
        let as_json = request.params("alt") == ["json"];
        match request.path.strip_prefix(ACCOUNT) {
            Some("token") => self.token(),
            Some("email") => Reply::text(200, EMAIL),
            Some("scopes") if as_json => Reply::json(200, &json!(lock(&self.state).scopes)),
            Some("scopes") => Reply::text(200, &(lock(&self.state).scopes.join("\n") + "\n")),
            _ => match request.path.as_str() {
                "/computeMetadata/v1/instance/service-accounts/" => {
                    Reply::text(200, &format!("default/\n{EMAIL}/\n"))
                }
                "/computeMetadata/v1/project/project-id" => Reply::text(200, "demo-project"),
                "/computeMetadata/v1/universe/universe-domain" => {
                    Reply::text(200, "googleapis.com")
                }
                _ => Reply::text(404, "Not Found"),
            },
        }
    }

    fn token(&self) -> Reply {
        let mut state = lock(&self.state);
        let token = format!("ya29.{}", state.random.word(180));
        match state.answers {
            Answers::Tokens => {}
            Answers::NoAccount => {
                return Reply::text(404, "Service account not enabled on this instance");
            }
            Answers::ServerError => return Reply::text(500, "internal error"),
            Answers::Hang => return Reply::hang(),
            Answers::Portal => {
                self.logins.add("portal", &token);
                return Reply::new(200, "text/html", format!("<html>{token}</html>"));
            }
        }
        for username in ["_token", "oauth2accesstoken"] {
            self.logins.add(username, &token);
        }
        Reply::json(
            200,
            &json!({
                "access_token": token,
                "expires_in": state.expires_in,
                "token_type": "Bearer",
            }),
        )
    }
}

const ACCOUNT: &str = "/computeMetadata/v1/instance/service-accounts/default/";
const EMAIL: &str = "node@demo-project.iam.gserviceaccount.com";
