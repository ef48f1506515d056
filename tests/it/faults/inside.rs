//! A provider asked in this process: with another clock, or on a time that passes by itself.

use std::sync::Arc;

use regcred_core::{Clock, CredentialRequest, Env, Issued, ProviderError};
use regcred_http_testing::{Fake, bind};
use regcred_tests::Tls;
use regcred_tests::server::{Reply, Seen};

use super::rows::Target;
use super::step::{Address, Step};

/// What the provider issues where the step's server answers by the script.
pub(super) async fn ask(
    target: &Target,
    step: &Step,
    clock: &Clock,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Result<Issued, ProviderError>, String) {
    let tls = step.is_tls.then(Tls::loopback);
    let listener = bind().await;
    let authority = listener.local_addr().expect("an address").to_string();
    let acceptor = tls.as_ref().map(|tls| Arc::clone(&tls.config()).into());
    let server = Fake::on(listener, acceptor, script);
    let address = Address {
        scheme: if step.is_tls { "https" } else { "http" },
        authority: authority.clone(),
        ca: tls.as_ref().map(|tls| tls.ca_file().display().to_string()),
    };
    let vars = (step.leads)(&address);
    let env = [&target.env, &step.vars, &vars].into_iter().flatten();
    let env = Env::map(env.cloned());
    let answer = plain_ask(target, &env, clock).await;
    drop(server);
    (answer, authority)
}

/// What the provider issues in this environment, without a cache.
pub(super) async fn plain_ask(
    target: &Target,
    env: &Env,
    clock: &Clock,
) -> Result<Issued, ProviderError> {
    let spec = regcred_providers::by_name(target.provider).expect("a provider");
    let request = CredentialRequest::new(&target.image).expect("an image");
    let provider = (spec.new)(env, clock)?;
    provider.plan(&request)?.fetch().await
}
