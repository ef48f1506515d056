//! Errors as Go prints them, so that messages can be found with the kubelet's words.

/// As Kubernetes' `Aggregate`: equal messages once; one as it is, several as `[a, b]`.
pub fn go_aggregate<T: AsRef<str>>(messages: impl IntoIterator<Item = T>) -> String {
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

/// An error of the operating system as Go words it: `no such file or directory`.
pub fn go_errno(error: &std::io::Error) -> String {
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
