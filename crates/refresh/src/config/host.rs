//! Registry hosts as configurations write them.

/// The private registry of an AWS account.
pub(crate) fn ecr_host(account: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("{account}.dkr.ecr.{region}.amazonaws.com{suffix}")
}

/// The host of `https://host/`, as the tools that regcred replaces write it.
pub(crate) fn plain_host(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}
