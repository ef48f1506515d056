//! The access tokens that Google has issued: whose each is, what it may do, and till when. The
//! services and the metadata server write into one, so that each knows the others' tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::now;
use crate::Logins;
use crate::seeded::Seeded;
use crate::server::lock;

/// A list of tokens. Clones share it.
#[derive(Clone)]
pub struct Ledger {
    logins: Logins,
    state: Arc<Mutex<State>>,
}

struct State {
    random: Seeded,
    tokens: HashMap<String, Token>,
}

/// What is known of an access token.
#[derive(Clone, Debug)]
pub struct Token {
    /// Email or principal.
    pub owner: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Seconds since 1970.
    pub expires_at: i64,
}

impl Ledger {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            logins: Logins::new(),
            state: Arc::new(Mutex::new(State {
                random: Seeded::new(0x6ce),
                tokens: HashMap::new(),
            })),
        }
    }

    /// The registry logins that are good: `_token` and `oauth2accesstoken` with each token.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        &self.logins
    }

    /// What is known of a token, ended or not.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<Token> {
        lock(&self.state).tokens.get(token).cloned()
    }

    /// What is known of a token that has not ended.
    pub(crate) fn living(&self, token: &str) -> Option<Token> {
        self.find(token).filter(|token| token.expires_at > now())
    }

    /// A new token that lives for so many seconds.
    pub(crate) fn issue(&self, owner: &str, scopes: &[String], life: i64) -> String {
        let mut state = lock(&self.state);
        let text = format!("ya29.{}", state.random.word(180));
        let token = Token {
            owner: owner.to_owned(),
            scopes: scopes.to_vec(),
            expires_at: now() + life,
        };
        state.tokens.insert(text.clone(), token);
        for username in ["_token", "oauth2accesstoken"] {
            self.logins.add(username, &text);
        }
        text
    }
}
