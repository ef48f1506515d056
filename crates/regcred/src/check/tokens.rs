//! The nodes' right to an audience, and how long answers are kept.

use std::time::Duration;

use regcred_engine::ProviderConfig;
use regcred_go::{go_quote, yaml::Step};

use super::finding::{Finding, Place};
use super::patterns::cloud;

pub(super) fn findings(config: &ProviderConfig) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, entry) in config.providers.iter().enumerate() {
        if let Some(attributes) = &entry.token_attributes
            && !attributes.service_account_token_audience.is_empty()
        {
            let audience = go_quote(&attributes.service_account_token_audience);
            let part = [
                Step::Member("tokenAttributes"),
                Step::Member("serviceAccountTokenAudience"),
            ];
            found.push(Finding::note(
                Place::entry(config, at, &part),
                format!(
                    "since Kubernetes 1.33 the API server refuses tokens for the audience {audience} without \
                     a right of the nodes, and then the plugin is never run"
                ),
                right_to(&audience),
            ));
        }
        let part = [Step::Member("defaultCacheDuration")];
        let kept = entry
            .default_cache_duration
            .and_then(regcred_go::GoDuration::to_std);
        let Some((kept, written)) = kept.zip(entry.default_cache_duration) else {
            continue;
        };
        if !kept.is_zero() && kept < Duration::from_secs(1) {
            found.push(Finding::warning(
                Place::entry(config, at, &part),
                format!("defaultCacheDuration is {written}: the plugin runs for nearly every pull"),
                "write a duration such as 10m",
            ));
        }
        if let Some(spec) = cloud(&entry.name)
            && kept > spec.token_life
        {
            let hours = spec.token_life.as_secs() / 3600;
            found.push(Finding::warning(
                Place::entry(config, at, &part),
                format!(
                    "defaultCacheDuration is {written}, and a token of {} is valid for {hours} h: an \
                     expired one is used if the plugin returns no cacheDuration",
                    spec.title
                ),
                format!("write {} or less", spec.default_cache_duration),
            ));
        }
    }
    found
}

/// How to grant the nodes the right to an audience.
fn right_to(audience: &str) -> String {
    format!(
        "with kubectl, apply a ClusterRole with `rules: [{{apiGroups: [\"\"], resources: [{audience}], verbs: \
         [request-serviceaccounts-token-audience]}}]` and its ClusterRoleBinding to the Group \
         system:nodes"
    )
}
