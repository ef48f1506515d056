//! A response as bytes on the wire.

use regcred_core::{Clock, Env, plain};
use regcred_http::{Client, ClientOptions, HttpError, Request, Response, Retry};

use crate::message::assert_hides;
use crate::replies::{Servers, run};

pub(crate) fn response(input: &[u8]) {
    run(async {
        let servers = Servers::start(input).await;
        let mut options = ClientOptions::new(&Env::default());
        options.clock = Clock::fixed(chrono::DateTime::UNIX_EPOCH);
        let client = Client::new(options).expect("a client");
        let send = async |path| {
            let request = Request::get(&servers.registry.url(path));
            let request = request.bearer(&SECRET.into()).retry(Retry::gentle());
            client.send(request).await
        };
        if let Some(response) = usable(send("/a").await) {
            let _ = response.retry_after();
            match response.bytes(LIMIT).await {
                Ok(body) => assert!(body.len() <= LIMIT),
                Err(error) => assert_hides(&error, SECRET),
            }
        }
        if let Some(response) = usable(send("/b").await) {
            assert_hides(&response.into_error("fuzzing").await, SECRET);
        }
        if let Some(response) = usable(send("/c").await)
            && let Err(error) = response.json::<serde_json::Value>(LIMIT).await
        {
            assert_hides(&error, SECRET);
        }
        if let Some(response) = usable(send("/d").await) {
            match response.text(LIMIT).await {
                Ok(text) => assert!(
                    !plain(&text, LIMIT).contains(SECRET),
                    "the secret came back"
                ),
                Err(error) => assert_hides(&error, SECRET),
            }
        }
    });
}

fn usable(sent: Result<Response, HttpError>) -> Option<Response> {
    match sent {
        Ok(response) => Some(response),
        Err(error) => {
            assert_hides(&error, SECRET);
            None
        }
    }
}

const SECRET: &str = "secret-that-was-sent";
const LIMIT: usize = 1000;
