//! What to do about the refusals of IBM's services.

/// What to do about an error code of IAM's token endpoint or the metadata server.
pub(crate) fn advice(code: Option<&str>) -> Option<&'static str> {
    Some(match code? {
        "BXNIM0415E" => "make a new API key, or correct the one that is configured",
        "BXNIM0408E" => "the refresh token has expired; log in again",
        "BXNIM0439E" => "the session has expired; log in again",
        "BXNIM0513E" => "the identity may not use this profile or call",
        "BXNIM0407E" => {
            "the token is not accepted: its audience must be iam, its lifetime at most an hour, \
             and the cluster known to IBM"
        }
        "profile_not_linked" => "link the trusted profile to this instance",
        "unauthorized" => "enable the metadata service of the instance",
        _ => return None,
    })
}
