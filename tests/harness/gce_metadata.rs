//! Google's metadata server: the service account's token, email and scopes, the instance's
//! attributes. A request without `Metadata-Flavor: Google`, a forwarded one, one with a login, or
//! one for another path is refused as there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::Logins;
use crate::cloud::{Cloud, Trouble, Upstream};
use crate::google::{CLOUD_PLATFORM, FakeGoogle, Ledger, NODE_ACCOUNT, PROJECT};
use crate::server::{Handler, Reply, Seen, Server, lock};

/// A metadata server of a machine with one service account. Dropping it ends it.
pub struct FakeGceMetadata {
    server: Server,
    machine: Arc<Machine>,
}

impl FakeGceMetadata {
    /// Starts the server of a machine that has dealings with no other service.
    #[must_use]
    pub fn start() -> Self {
        Self::writing_into(Ledger::new())
    }

    /// Starts the server of a machine whose tokens Google's other services know.
    #[must_use]
    pub fn start_beside(google: &FakeGoogle) -> Self {
        Self::writing_into(google.ledger().clone())
    }

    fn writing_into(ledger: Ledger) -> Self {
        let machine = Arc::new(Machine {
            ledger,
            state: Mutex::new(State {
                expires_in: Vec::new(),
                answers: Answers::Tokens,
                scopes: vec![CLOUD_PLATFORM.to_owned()],
                attributes: BTreeMap::new(),
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
        self.machine.ledger.logins()
    }

    /// How many tokens were asked for.
    #[must_use]
    pub fn token_requests(&self) -> usize {
        self.server.count(&format!("{ACCOUNTS}default/token"))
    }

    /// The `expires_in` of the tokens from now on.
    pub fn set_expires_in(&self, seconds: i64) {
        self.set_each_expires_in(&[seconds]);
    }

    /// The `expires_in` of the next tokens, one after the other; the last counts from then on.
    pub fn set_each_expires_in(&self, seconds: &[i64]) {
        lock(&self.machine.state).expires_in = seconds.to_vec();
    }

    /// What the token path answers from now on.
    pub fn set_answers(&self, answers: Answers) {
        lock(&self.machine.state).answers = answers;
    }

    /// The machine's access scopes, without the part that all have in front.
    pub fn set_scopes(&self, scopes: &[&str]) {
        let scope = |name: &&str| format!("https://www.googleapis.com/auth/{name}");
        lock(&self.machine.state).scopes = scopes.iter().map(scope).collect();
    }

    /// Sets an attribute of the instance.
    pub fn set_attribute(&self, name: &str, value: &str) {
        let attributes = &mut lock(&self.machine.state).attributes;
        attributes.insert(name.to_owned(), value.to_owned());
    }
}

/// What the token path answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Tokens.
    Tokens,
    /// 404, as on a machine without a service account.
    NoAccount,
    /// 403, as where a policy forbids it.
    Forbidden,
    /// 500.
    ServerError,
    /// 200 with a page of HTML that holds a token, and without the `Metadata-Flavor` header, as a
    /// captive portal answers.
    Portal,
    /// Nothing, ever.
    Hang,
}

struct Machine {
    ledger: Ledger,
    state: Mutex<State>,
}

struct State {
    expires_in: Vec<i64>,
    answers: Answers,
    scopes: Vec<String>,
    attributes: BTreeMap<String, String>,
}

impl Cloud for FakeGceMetadata {
    fn env(&self) -> Vec<(String, String)> {
        Self::env(self)
    }

    fn image(&self) -> &str {
        "us-docker.pkg.dev/demo-project/team/app"
    }

    fn helper(&self) -> &str {
        "docker-credential-gcr"
    }

    fn public(&self) -> &[&str] {
        &[]
    }

    fn upstream(&self, _vars: &[(String, String)]) -> Option<Upstream> {
        Some(Upstream {
            program: "auth-provider-gcp",
            args: vec!["get-credentials".to_owned()],
            // It asks a name, and no variable leads it elsewhere but that of a proxy.
            env: vec![("HTTP_PROXY".to_owned(), self.server().url())],
            image: self.image().to_owned(),
        })
    }

    fn username(&self) -> &str {
        "_token"
    }

    fn secrets(&self) -> Vec<String> {
        Self::logins(self).passwords()
    }

    fn calls(&self) -> usize {
        self.token_requests()
    }

    fn trouble(&self, trouble: Trouble) {
        self.set_answers(match trouble {
            Trouble::Denial => Answers::NoAccount,
            Trouble::Garbage => Answers::Portal,
        });
    }
}

impl Handler for Machine {
    fn handle(&self, request: &Seen) -> Reply {
        let reply = self.answer(request);
        if lock(&self.state).answers == Answers::Portal {
            return reply;
        }
        reply
            .header("metadata-flavor", "Google")
            .header("server", "Metadata Server for VM")
    }
}

impl Machine {
    fn answer(&self, request: &Seen) -> Reply {
        if request.header("metadata-flavor") != Some("Google") {
            let text = "Missing required header \"Metadata-Flavor\": \"Google\"";
            return Reply::text(403, text);
        }
        for passed_on in ["x-forwarded-for", "via", "authorization"] {
            if request.header(passed_on).is_some() {
                return Reply::text(403, &format!("Request with {passed_on} refused"));
            }
        }
        if request.method != "GET" || !request.body.is_empty() {
            return Reply::text(405, "Method Not Allowed");
        }
        let path = request.path.as_str();
        if let Some(rest) = path.strip_prefix(ACCOUNTS) {
            return self.service_account(rest, request);
        }
        if !request.query.is_empty() {
            return Reply::text(400, "a query has no meaning here");
        }
        if let Some(name) = path.strip_prefix("/computeMetadata/v1/instance/attributes/") {
            return match lock(&self.state).attributes.get(name) {
                Some(value) => Reply::text(200, value),
                None => Reply::text(404, "Not Found"),
            };
        }
        match path {
            "/" => Reply::text(200, "0.1/\ncomputeMetadata/\n"),
            "/computeMetadata/v1/project/project-id" => Reply::text(200, PROJECT),
            "/computeMetadata/v1/universe/universe-domain" => Reply::text(200, "googleapis.com"),
            _ => Reply::text(404, "Not Found"),
        }
    }

    /// The path after `instance/service-accounts/`.
    fn service_account(&self, path: &str, request: &Seen) -> Reply {
        let entry = ["default", NODE_ACCOUNT]
            .iter()
            .find_map(|name| path.strip_prefix(name)?.strip_prefix('/'));
        let Some(entry) = entry else {
            return match path {
                "" => Reply::text(200, &format!("default/\n{NODE_ACCOUNT}/\n")),
                _ => Reply::text(404, "Not Found"),
            };
        };
        let scopes = lock(&self.state).scopes.clone();
        match (entry, request.query.as_str()) {
            ("token", "") => self.token(&scopes),
            ("token", _) => match &request.params("scopes")[..] {
                [asked] => {
                    let asked: Vec<String> = asked.split(',').map(str::to_owned).collect();
                    self.token(&asked)
                }
                _ => Reply::text(400, "a query that is not scopes"),
            },
            ("email", "") => Reply::text(200, NODE_ACCOUNT),
            ("scopes", "") => Reply::text(200, &(scopes.join("\n") + "\n")),
            ("scopes", "alt=json") => Reply::json(200, &json!(scopes)),
            ("", "recursive=true") => {
                let account =
                    json!({"aliases": ["default"], "email": NODE_ACCOUNT, "scopes": scopes});
                Reply::json(200, &account)
            }
            _ => Reply::text(404, "Not Found"),
        }
    }

    fn token(&self, scopes: &[String]) -> Reply {
        let mut state = lock(&self.state);
        match state.answers {
            Answers::Tokens => {}
            Answers::NoAccount => {
                return Reply::text(404, "Service account not enabled on this instance");
            }
            Answers::Forbidden => return Reply::text(403, "Forbidden by policy"),
            Answers::ServerError => return Reply::text(500, "internal error"),
            Answers::Hang => return Reply::hang(),
            Answers::Portal => {
                let token = self.ledger.issue(NODE_ACCOUNT, scopes, 3599);
                return Reply::typed(200, "text/html", format!("<html>{token}</html>"));
            }
        }
        let expires_in = match state.expires_in[..] {
            [] => 3599,
            [last] => last,
            [_, ..] => state.expires_in.remove(0),
        };
        let token = self.ledger.issue(NODE_ACCOUNT, scopes, expires_in);
        Reply::json(
            200,
            &json!({"access_token": token, "expires_in": expires_in, "token_type": "Bearer"}),
        )
    }
}

const ACCOUNTS: &str = "/computeMetadata/v1/instance/service-accounts/";
