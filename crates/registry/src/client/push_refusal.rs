//! Why a registry refuses a push, by the codes and words that registries use, and what to do.

use regcred_http::StatusCode;

use super::error_body::ServerErrors;
use super::failed_response::FailedResponse;

/// The reason for a refusal that another login does not cure, and what to do; `None` for one without
/// such words.
pub(crate) fn reason(status: Option<StatusCode>, errors: &ServerErrors) -> Option<&'static str> {
    if errors
        .codes()
        .any(|code| UNKNOWN_REPOSITORY.contains(&code))
    {
        return Some(CREATE_REPOSITORY);
    }
    let is_missing = status == Some(StatusCode::NOT_FOUND);
    errors.messages().find_map(|message| {
        let message = message.to_ascii_lowercase();
        let has_all = |words: &[&str]| words.iter().all(|word| message.contains(word));
        if is_missing && has_all(&["project", "not found"]) {
            return Some(CREATE_REPOSITORY);
        }
        let found = REFUSALS.iter().find(|(words, _)| has_all(words));
        found.map(|(_, advice)| *advice)
    })
}

/// What to do about a refused push, for its message.
pub(crate) fn advice(response: &FailedResponse, login_sent: bool) -> Option<&'static str> {
    // Some reasons are the same for a pull, and are in the message already.
    if response.errors.advice().is_some() {
        return None;
    }
    let reason = reason(response.status, &response.errors);
    reason.or_else(|| of_status(response.status?, login_sent))
}

/// What to do about a status alone.
fn of_status(status: StatusCode, login_sent: bool) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if login_sent => Some(READ_ONLY),
        StatusCode::PAYLOAD_TOO_LARGE => Some(TOO_LARGE),
        StatusCode::INSUFFICIENT_STORAGE => Some(QUOTA),
        _ => None,
    }
}

/// Words that must all occur, and the advice.
const REFUSALS: &[(&[&str], &str)] = &[
    // Amazon ECR, Artifact Registry, Harbor, Docker Hub.
    (&["immutab"], IMMUTABLE),
    // Alibaba Cloud.
    (&["tag already exists", "cannot be overwritten"], IMMUTABLE),
    // GitLab.
    (&["protected", "tag"], IMMUTABLE),
    (&["read-only mode"], LOCKED),
    (&["quota"], QUOTA),
    // Harbor.
    (&["configured upper limit"], QUOTA),
    (&["storage", "limit"], QUOTA),
    // Amazon ECR.
    (&["maximum", "number of"], QUOTA),
    (&["no space left"], QUOTA),
    (
        &["repository", "does not exist in the registry"],
        CREATE_REPOSITORY,
    ),
];

/// Codes for a repository that a push does not create.
const UNKNOWN_REPOSITORY: &[&str] = &["NAME_UNKNOWN", "RepositoryNotFoundException"];

const CREATE_REPOSITORY: &str = "create the repository, or the project that it belongs to, first: \
     this registry does not create it with a push";
const IMMUTABLE: &str = "the tag cannot be replaced: push under another tag, or remove this one \
     from the registry first";
const LOCKED: &str = "the registry accepts no pushes at present: push later, or elsewhere";
const QUOTA: &str = "the registry has no room left for this account: delete images, or ask for a \
     larger quota; the credential is not the reason";
const TOO_LARGE: &str = "the registry, or a proxy in front of it, limits the size of a request";
const READ_ONLY: &str = "a push needs a login with the right to push: the tokens that a node's \
     plugins issue can only pull on most clouds";

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, message and the advice, as registries answer.
    #[test]
    fn refused_pushes_are_explained_by_the_words_of_registries() {
        for (status, code, message, expected) in [
            (
                400,
                "TAG_INVALID",
                "The image tag 'v1' already exists in the 'team/app' repository and cannot be \
                 overwritten because the repository is immutable.",
                Some(IMMUTABLE),
            ),
            (
                400,
                "TAG_INVALID",
                "The requested tag already exists and cannot be overwritten.",
                Some(IMMUTABLE),
            ),
            (
                412,
                "PRECONDITION",
                "Failed to process request due to 'app:v1' configured as immutable.",
                Some(IMMUTABLE),
            ),
            (
                400,
                "MANIFEST_INVALID",
                "cannot update tag v1. The repository has enabled tag immutability",
                Some(IMMUTABLE),
            ),
            (
                403,
                "DENIED",
                "The registry is in read-only mode.",
                Some(LOCKED),
            ),
            (
                403,
                "DENIED",
                "adding 29.0 MiB of storage resource, which when updated to current usage of 152.4 \
                 MiB will exceed the configured upper limit of 10.0 MiB.",
                Some(QUOTA),
            ),
            (
                413,
                "",
                "Datastore disk usage is too high. Add storage space or change the disk quota limits.",
                Some(QUOTA),
            ),
            (
                429,
                "TOOMANYREQUESTS",
                "Your storage quota is exceeded",
                Some(QUOTA),
            ),
            (
                401,
                "UNAUTHORIZED",
                "You have exceeded your storage quota. Delete one or more images, or review your \
                 storage quota and pricing plan.",
                Some(QUOTA),
            ),
            (429, "TOOMANYREQUESTS", "Rate exceeded", None),
            (
                404,
                "NAME_UNKNOWN",
                "The repository with name 'team/app' does not exist in the registry with id '1'",
                Some(CREATE_REPOSITORY),
            ),
            (
                404,
                "RepositoryNotFoundException",
                "",
                Some(CREATE_REPOSITORY),
            ),
            (
                404,
                "NOT_FOUND",
                "project team not found: project team not found",
                Some(CREATE_REPOSITORY),
            ),
            (
                404,
                "BLOB_UPLOAD_UNKNOWN",
                "blob upload unknown to registry",
                None,
            ),
            (
                403,
                "DENIED",
                "requested access to the resource is denied",
                None,
            ),
        ] {
            let body = serde_json::json!({"errors": [{"code": code, "message": message}]});
            let errors = ServerErrors::parse(body.to_string().as_bytes());
            let status = StatusCode::from_u16(status).ok();
            assert_eq!(reason(status, &errors), expected, "{message}");
        }
    }

    #[test]
    fn a_login_that_was_refused_may_be_one_that_can_only_pull() {
        assert_eq!(of_status(StatusCode::FORBIDDEN, true), Some(READ_ONLY));
        assert_eq!(of_status(StatusCode::FORBIDDEN, false), None);
    }
}
