//! The profiles of the two files together, by the rules of aws-sdk-go-v2 (`config/shared_config.go`).

use super::ini::{Section, Sections};

/// What the configuration file calls profiles: `[profile dev]` is `dev`, and `[default]` needs no
/// prefix. Sections of other kinds keep their names, and those without a kind are dropped.
pub(super) fn of_config(sections: Sections) -> Sections {
    let mut kept = Sections::new();
    // In the order of their names: a `[profile default]` replaces a `[default]`.
    for (name, section) in sections {
        if let Some(profile) = name.strip_prefix("profile ") {
            kept.insert(profile.to_owned(), checked(section));
        } else if KINDS.iter().any(|kind| name.starts_with(kind))
            || name.eq_ignore_ascii_case("default")
        {
            kept.entry(name).or_insert(checked(section));
        }
    }
    kept
}

/// Adds the credentials file, whose settings win.
pub(super) fn add_credentials(profiles: &mut Sections, sections: Sections) {
    for (name, section) in sections {
        if name.starts_with("profile ") {
            continue;
        }
        let section = checked(section);
        let Some(profile) = profiles.get_mut(&name) else {
            profiles.insert(name, section);
            continue;
        };
        profile.has_half_a_key = section.has_half_a_key;
        // A session belongs to the key next to it.
        let has_key = section.values.contains_key(ID) && !section.has_half_a_key;
        for (key, value) in section.values {
            let is_key = [ID, SECRET, "aws_session_token"].contains(&key.as_str());
            if !CONFIG_ONLY.contains(&key.as_str()) && (has_key || !is_key) {
                profile.values.insert(key, value);
            }
        }
    }
}

fn checked(mut section: Section) -> Section {
    let has = |key| section.values.contains_key(key);
    section.has_half_a_key = has(ID) != has(SECRET);
    section
}

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
/// Kinds of sections besides profiles.
pub(super) const KINDS: [&str; 2] = ["sso-session ", "services "];
/// Settings of a profile of both files that the Go SDK takes from the configuration file alone.
const CONFIG_ONLY: [&str; 3] = [
    "endpoint_url",
    "ignore_configured_endpoint_urls",
    "services",
];

#[cfg(test)]
mod tests;
