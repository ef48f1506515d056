//! Text inside messages as Go prints it, so that ours can be found with the kubelet's words.

/// As Go's `encoding/json` writes a list of strings.
pub(crate) fn go_json(list: &[&str]) -> String {
    let items: Vec<String> = list
        .iter()
        .map(|item| {
            let json = serde_json::Value::from(*item).to_string();
            json.replace('<', "\\u003c")
                .replace('>', "\\u003e")
                .replace('&', "\\u0026")
                .replace('\u{2028}', "\\u2028")
                .replace('\u{2029}', "\\u2029")
        })
        .collect();
    format!("[{}]", items.join(","))
}

/// As Go's `Aggregate`: equal messages once, one alone bare, several as `[a, b]`.
pub(crate) fn go_aggregate<T: AsRef<str>>(messages: impl IntoIterator<Item = T>) -> String {
    let mut distinct: Vec<T> = Vec::new();
    for message in messages {
        if !distinct.iter().any(|d| d.as_ref() == message.as_ref()) {
            distinct.push(message);
        }
    }
    let list: Vec<&str> = distinct.iter().map(AsRef::as_ref).collect();
    match list.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// An error of the operating system in Go's words: `no such file or directory`.
pub(crate) fn go_errno(error: &std::io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.split_once(" (os error")) {
        (Some(_), Some((words, _))) => words.to_lowercase(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_compact_json() {
        assert_eq!(go_json(&["a", "b<"]), r#"["a","b\u003c"]"#);
    }

    #[test]
    fn aggregates_name_equal_messages_once() {
        assert_eq!(go_aggregate(["a"]), "a");
        assert_eq!(go_aggregate(["a", "b", "a"]), "[a, b]");
        assert_eq!(go_aggregate(["a", "a"]), "a");
    }

    #[test]
    fn system_errors_are_in_lower_case_without_number() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(go_errno(&error), "no such file or directory");
    }
}
