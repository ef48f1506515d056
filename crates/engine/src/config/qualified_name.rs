//! Kubernetes' rule for the keys of labels and annotations, with its sentences
//! (apimachinery `pkg/api/validate/content`).

/// The problems of a key; empty for a valid one.
pub(super) fn problems(key: &str) -> Vec<String> {
    let mut found = Vec::new();
    let name = match key.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        [prefix, name] => {
            found.extend(prefix_problems(prefix).map(|p| format!("prefix part {p}")));
            *name
        }
        _ => {
            return vec![format!(
                "a valid label key {NAME_RULE} with an optional DNS subdomain prefix and '/' \
                 (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        found.push(format!("name part {EMPTY}"));
    } else if name.len() > NAME_MAX {
        found.push(format!("name part must be no more than {NAME_MAX} bytes"));
    }
    if !is_name(name) {
        found.push(format!("name part {NAME_RULE}"));
    }
    found
}

fn prefix_problems(prefix: &str) -> impl Iterator<Item = String> {
    let too_long = || format!("must be no more than {PREFIX_MAX} bytes");
    let empty = prefix.is_empty();
    [
        empty.then(|| EMPTY.to_owned()),
        (prefix.len() > PREFIX_MAX).then(too_long),
        (!empty && !is_subdomain(prefix)).then(|| PREFIX_RULE.to_owned()),
    ]
    .into_iter()
    .flatten()
}

fn is_name(name: &str) -> bool {
    let ends = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    ends(name.bytes().next())
        && ends(name.bytes().last())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_subdomain(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.split('.').all(|label| {
        label.bytes().next().is_some_and(word)
            && label.bytes().last().is_some_and(word)
            && label.bytes().all(|b| word(b) || b == b'-')
    })
}

const NAME_MAX: usize = 63;
const PREFIX_MAX: usize = 253;
const EMPTY: &str = "must be non-empty";
const NAME_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start \
                         and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or \
                         '123-abc', regex used for validation is \
                         '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const PREFIX_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
                           characters, '-' or '.', and must start and end with an alphanumeric \
                           character (e.g. 'example.com', regex used for validation is \
                           '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_keys_pass() {
        for key in ["a", "a.b/c", "eks.amazonaws.com/role-arn", "1-2_3.4"] {
            assert_eq!(problems(key), Vec::<String>::new(), "{key}");
        }
    }

    #[test]
    fn each_broken_part_is_named() {
        let long = "a".repeat(64);
        for (key, starts) in [
            (
                "",
                &["name part must be non-empty", "name part must consist"][..],
            ),
            ("/a", &["prefix part must be non-empty"]),
            ("a_b/c", &["prefix part a lowercase RFC 1123 subdomain"]),
            ("a/b/c", &["a valid label key must consist"]),
            ("a/-b", &["name part must consist"]),
            (&long, &["name part must be no more than 63 bytes"]),
        ] {
            let found = problems(key);
            assert_eq!(found.len(), starts.len(), "{key}: {found:?}");
            for (problem, start) in found.iter().zip(starts) {
                assert!(problem.starts_with(start), "{key}: {problem}");
            }
        }
    }
}
