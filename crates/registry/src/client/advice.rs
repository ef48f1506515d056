//! Refusals whose status suggests a wrong credential although the reason is another one, such as a
//! quota or a closed network: recognised by the words that registries use.

/// The reason, and what to do; `None` for an ordinary refusal.
pub(crate) fn advice(message: &str) -> Option<&'static str> {
    let message = message.to_ascii_lowercase();
    let found = REFUSALS
        .iter()
        .find(|(words, _)| words.iter().all(|word| message.contains(word)));
    found.map(|(_, advice)| *advice)
}

/// Words that must all occur, and the advice.
const REFUSALS: &[(&[&str], &str)] = &[
    // Azure, for a lock against pulls or against pushes, and for a push over the storage limit.
    (
        &["operation is disallowed"],
        "the image, the repository or the registry is locked, or the registry has reached its \
         storage limit: unlock it, or delete images",
    ),
    (
        &["exceeded", "quota"],
        "the account's quota is exhausted; the credential is good",
    ),
    (
        &["private-only access"],
        "the account is closed to the public network; use the registry's private host name",
    ),
    (
        &["insufficient scope"],
        "a policy or a context-based restriction forbids it; the credential itself was accepted",
    ),
    (
        &["denied", "ip address"],
        "the registry refuses requests from this address; the credential was not the reason",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_closed_networks_and_locks_are_not_taken_for_wrong_credentials() {
        for (message, word) in [
            (
                "The operation is disallowed on this registry, repository or image.",
                "locked",
            ),
            (
                "Your account has exceeded its pull traffic quota for the current month.",
                "quota",
            ),
            (
                "Private-only access is enabled on this account, but this request was over the \
                 public network. You must access this account over the private network",
                "private host name",
            ),
            ("Insufficient scope", "context-based"),
            (
                "client with IP address '203.0.113.9' is not allowed access: denied",
                "this address",
            ),
        ] {
            let advice = advice(message).expect(message);
            assert!(advice.contains(word), "{advice}");
        }
    }

    #[test]
    fn ordinary_refusals_have_no_advice() {
        for message in [
            "authentication required",
            "The login credentials are not valid, or your IBM Cloud account is not active.",
            "You are not authorized to access the specified resource",
        ] {
            assert_eq!(advice(message), None, "{message}");
        }
    }
}
