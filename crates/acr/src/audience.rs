//! Audiences of Entra tokens: the service that a token is for.

/// The audience of registries, in every cloud.
pub(crate) const REGISTRIES: &str = "https://containerregistry.azure.net";

/// An audience without the ending of a scope and without a final slash.
pub(crate) fn normal_audience(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_suffix("/.default").unwrap_or(text);
    text.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_are_named_as_resource_or_as_scope() {
        for text in ["https://a.net", "https://a.net/", "https://a.net/.default"] {
            assert_eq!(normal_audience(text), "https://a.net");
        }
    }
}
