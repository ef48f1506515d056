//! Every identity as a whole program meets it: variables, files and services, up to a token that the
//! API gave to just that identity.

mod chain;
mod pod;
mod roles;

use regcred_tests::sigv4::AccessKey;
use regcred_tests::{FakeEcr, Program};

use super::{ACCOUNT, HOST, PLUGIN, password, request};

/// The plugin in an environment that has nothing but where the API is, which knows that one key.
/// `HOME` is missing, as in a kubelet's unit.
pub(super) struct Known {
    pub(super) ecr: FakeEcr,
}

impl Known {
    pub(super) fn by(key: &AccessKey) -> Self {
        Self {
            ecr: FakeEcr::start(ACCOUNT, std::slice::from_ref(key)),
        }
    }

    fn plugin(&self) -> Program {
        Program::ours(PLUGIN)
            .envs(self.ecr.env())
            // Whoever asks a proxy for a metadata service fails.
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .env("http_proxy", "http://127.0.0.1:1")
    }

    /// Runs it for [`HOST`] and checks that it got a token.
    #[track_caller]
    fn answers(&self, plugin: Program) {
        let done = plugin.stdin(request(HOST)).run();
        let password = password(&done);
        assert!(self.ecr.logins().accepts("AWS", &password));
    }
}
