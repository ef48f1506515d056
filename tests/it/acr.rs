//! The Azure plugin as a program: every identity through every face into a pull, the command lines
//! of upstream's plugin, what never leaves the machine, many processes with one exchange, and
//! Azure's own clients for Python as a second opinion on the fakes.

mod answers;
mod azure_clients;
mod identities;
mod pods;
mod sharing;
mod upstream;
mod wire;

use regcred_tests::acr::FakeAzure as Azure;
use regcred_tests::need::workspace;
use regcred_tests::plugin_request_with as request;

fn testdata(name: &str) -> String {
    let path = workspace().join("crates/acr/testdata").join(name);
    path.to_str().expect("a plain path").to_owned()
}

const PLUGIN: &str = "acr-credential-provider";
