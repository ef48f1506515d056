use std::time::Duration;

use regcred_core::{Credentials, Env, ErrorKind, report};
use secrecy::SecretString;

use super::*;
use crate::{Network, Retry};
use regcred_http_testing::{Fake, Reply};

mod answers;
mod files;
mod refusals;
mod repeats;
mod requests;
mod time;
mod ways;

fn client() -> Client {
    client_in(&Env::default())
}

fn client_in(env: &Env) -> Client {
    let mut options = ClientOptions::new(env);
    options.idle_timeout = Duration::from_secs(60);
    Client::new(options).expect("client")
}

fn quick(attempts: u32) -> Retry {
    Retry {
        attempts,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(2),
    }
}
