//! Names of Google's resources, as people write them.

use regcred_cloud::is_label;

/// Whether the text is a service account's email.
pub(crate) fn is_service_account(email: &str) -> bool {
    let Some((name, domain)) = email
        .strip_suffix(".gserviceaccount.com")
        .and_then(|rest| rest.split_once('@'))
    else {
        return false;
    };
    is_label(name)
        && match domain.strip_suffix(".iam") {
            // A project below an organisation's domain ends with it: p.example.com.
            Some(project) => project.split('.').all(is_label),
            // Google's own: 123-compute@developer.gserviceaccount.com.
            None => is_label(domain),
        }
}

/// A workload identity pool provider in the form that the token service expects, from the forms in
/// which people write it: with `//iam.googleapis.com/`, with `https:` before that, or from
/// `projects/` on.
pub(crate) fn pool_provider(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("https:").unwrap_or(text);
    let path = match text.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("iam.")?.split_once('/')?.1,
        None => text,
    };
    let parts: Vec<&str> = path.split('/').collect();
    let is_id = |text: &str| {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !text.is_empty() && text.bytes().all(is_allowed)
    };
    let is_pool = matches!(
        parts[..],
        ["projects", p, "locations", l, "workloadIdentityPools", w, "providers", x]
            if [p, l, w, x].into_iter().all(is_id)
    );
    let full = if text.starts_with("//") {
        text.to_owned()
    } else {
        format!("//iam.googleapis.com/{path}")
    };
    is_pool.then_some(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_providers_are_taken_as_people_write_them() {
        let path = "projects/123/locations/global/workloadIdentityPools/my-pool/providers/x1";
        let full = format!("//iam.googleapis.com/{path}");
        for text in [
            path.to_owned(),
            full.clone(),
            format!("https:{full}"),
            format!(" {path} "),
        ] {
            assert_eq!(pool_provider(&text), Some(full.clone()), "{text}");
        }
        for text in [
            "",
            "//evil.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
            "projects/1/locations/global/workloadIdentityPools/p/providers/",
            "projects/1/locations/global/workloadIdentityPools/p/providers/x/y",
            "projects/1/locations/global/workforcePools/p/providers/x",
        ] {
            assert_eq!(pool_provider(text), None, "{text}");
        }
    }

    #[test]
    fn service_accounts_are_told_from_other_emails() {
        for email in [
            "puller@my-project.iam.gserviceaccount.com",
            "123-compute@developer.gserviceaccount.com",
            "x@project.example.com.iam.gserviceaccount.com",
        ] {
            assert!(is_service_account(email), "{email}");
        }
        for email in [
            "me@gmail.com",
            "@p.iam.gserviceaccount.com",
            "a@.iam.gserviceaccount.com",
            "a:b@p.iam.gserviceaccount.com",
            "a@p.iam.gserviceaccount.com.evil.com",
            "a@b@p.iam.gserviceaccount.com",
        ] {
            assert!(!is_service_account(email), "{email}");
        }
    }
}
