//! Which of a machine's managed identities.

/// A managed identity by one of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ManagedId {
    /// The machine's own; a service with one user-assigned identity may take that.
    System,
    /// By client id.
    Client(String),
    /// By object (principal) id.
    Object(String),
    /// By ARM resource id.
    Resource(String),
}

impl ManagedId {
    /// The identity that the one text of an option or of azure.json names.
    pub(crate) fn named(text: &str) -> Self {
        let text = text.trim();
        if text.eq_ignore_ascii_case("system") {
            Self::System
        } else if let Some(id) = text.strip_prefix("object:") {
            Self::Object(id.trim().to_owned())
        } else if text.to_ascii_lowercase().contains("/subscriptions/") {
            Self::Resource(text.to_owned())
        } else {
            Self::Client(text.to_owned())
        }
    }

    /// For messages.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::System => "the machine's managed identity".to_owned(),
            Self::Client(id) => format!("the managed identity {id}"),
            Self::Object(id) => format!("the managed identity with object id {id}"),
            Self::Resource(id) => {
                let name = id.rsplit('/').next().unwrap_or_default();
                format!("the managed identity {name}")
            }
        }
    }

    /// For cache keys.
    pub(crate) fn stable_name(&self) -> String {
        match self {
            Self::System => "system".to_owned(),
            Self::Client(id) => format!("client {id}"),
            Self::Object(id) => format!("object {id}"),
            Self::Resource(id) => format!("resource {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_names_an_identity() {
        assert_eq!(ManagedId::named(" system "), ManagedId::System);
        assert_eq!(ManagedId::named("c-1"), ManagedId::Client("c-1".to_owned()));
        assert_eq!(
            ManagedId::named("object: o-1"),
            ManagedId::Object("o-1".to_owned())
        );
        let id = "/Subscriptions/s/resourceGroups/g/providers/x/userAssignedIdentities/puller";
        assert_eq!(ManagedId::named(id), ManagedId::Resource(id.to_owned()));
        assert!(ManagedId::named(id).label().ends_with(" puller"));
    }
}
