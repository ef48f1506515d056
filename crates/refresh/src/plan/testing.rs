//! A plan for tests.

use regcred_core::Env;

use super::Plan;
use crate::config::Config;

/// One registry of Google in one Secret.
pub(crate) fn plan_of_one_secret() -> Plan {
    let config = Config::parse(
        "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
         - {name: g, provider: gcr, hosts: [gcr.io]}\ntargets:\n- {name: t, secret: {name: s}}",
    );
    let providers = regcred_providers::all();
    Plan::new(&config.expect("sound"), &providers, &Env::default()).expect("a plan")
}
