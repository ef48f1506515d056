//! What to do about the refusals of IBM's services.

/// What to do about an error code of IAM's token endpoint or the metadata server.
pub(crate) fn advice(code: Option<&str>) -> &'static str {
    match code {
        Some("BXNIM0415E") => "; make a new API key, or correct the one that is configured",
        Some("BXNIM0408E") => "; the refresh token has expired; log in again",
        Some("BXNIM0439E") => "; the session has expired; log in again",
        Some("BXNIM0513E") => "; the identity may not use this profile or call",
        Some("BXNIM0407E") => {
            "; the token is not accepted: its audience must be iam, its lifetime at most an hour, \
             and the cluster known to IBM"
        }
        Some("profile_not_linked") => "; link the trusted profile to this instance",
        Some("unauthorized") => "; enable the metadata service of the instance",
        _ => "",
    }
}
