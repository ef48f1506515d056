//! The lines of a unit or an environment file.

/// Lines without comments, those that end with a backslash joined with the next; each with the number
/// of its first.
pub(crate) fn joined(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with(['#', ';']) || (line.is_empty() && !open) {
            continue;
        }
        let (part, continues) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match found.last_mut() {
            Some((_, whole)) if open => {
                whole.push(' ');
                whole.push_str(part);
            }
            _ => found.push((number + 1, part.to_owned())),
        }
        open = continues;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued_lines_are_joined_and_comments_in_between_are_left_out() {
        let text =
            "[Service]\n# x\nExecStart=/usr/bin/kubelet \\\n  --a \\\n# y\n  --b\nRestart=always\n";
        let lines = joined(text);
        assert_eq!(
            lines[1],
            (3, "ExecStart=/usr/bin/kubelet  --a  --b".to_owned())
        );
        assert_eq!(lines[2], (7, "Restart=always".to_owned()));
    }
}
