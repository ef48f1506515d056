//! A service of OpenRC whose script is k3s's: it assigns `command` and `command_args`.

use std::path::{Path, PathBuf};

use crate::error::NodeError;
use crate::view::View;
use crate::words::{Blanks, split};

/// A script in `/etc/init.d`.
#[derive(Clone, Debug)]
pub(crate) struct InitScript {
    /// Of the service.
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    /// The line of `command_args`, or of `command`.
    pub(crate) line: usize,
    /// The words of its command.
    pub(crate) command: Vec<String>,
}

impl InitScript {
    /// The script in place of a unit of systemd; `None` if it does not exist, or assigns no command.
    ///
    /// # Errors
    /// When it cannot be read, or its command depends on the shell.
    pub(crate) fn of_unit(view: &View<'_>, unit: &str) -> Result<Option<Self>, NodeError> {
        let name = unit.trim_end_matches(".service");
        let file = Path::new("/etc/init.d").join(name);
        let Some(text) = view.text(&file)? else {
            return Ok(None);
        };
        let Some((line, program)) = assigned(&text, "command") else {
            return Ok(None);
        };
        let (line, args) = assigned(&text, "command_args").unwrap_or((line, ""));
        let refused = || {
            NodeError::at(
                &file,
                line,
                "this command depends on the shell",
                "write it without variables",
            )
        };
        let (program, args) = unquoted(program).zip(unquoted(args)).ok_or_else(refused)?;
        // The rest of the line leads the output to a file.
        let args = split(&args, Blanks::BetweenWords).into_iter();
        let args = args.take_while(|word| !word.starts_with('>'));
        Ok(Some(Self {
            name: name.to_owned(),
            command: [program].into_iter().chain(args).collect(),
            line,
            file,
        }))
    }

    /// The variables that k3s's installer writes for the script.
    pub(crate) fn environment_file(&self) -> PathBuf {
        format!("/etc/rancher/k3s/{}.env", self.name).into()
    }
}

/// The line of a variable's assignment, and what follows its equals sign: up to the line's end, or a
/// text in double quotes, which may have several lines.
fn assigned<'a>(text: &'a str, name: &str) -> Option<(usize, &'a str)> {
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let value = line.strip_prefix(name).and_then(|l| l.strip_prefix('='));
        if let Some(value) = value {
            let rest = &text[at + line.len() - value.len()..];
            let value = match closing(rest) {
                Some(end) => &rest[..=end],
                None => value.trim_end(),
            };
            return Some((number + 1, value));
        }
        at += line.len();
    }
    None
}

/// The place of the quote that ends a text which begins with one.
fn closing(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = inner.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.map(|end| end + 1)
}

/// A word of the shell without its double quotes. `None` for one that the shell has to compute.
fn unquoted(word: &str) -> Option<String> {
    let inner = word.strip_prefix('"').and_then(|w| w.strip_suffix('"'));
    let Some(inner) = inner else {
        let is_plain = !word.contains(['$', '`', '\\', '\'', '"', ' ']);
        return is_plain.then(|| word.to_owned());
    };
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '$' | '`' => return None,
            '\\' => match chars.next()? {
                '\n' => {}
                c @ ('"' | '\\' | '$' | '`') => text.push(c),
                c => text.extend(['\\', c]),
            },
            c => text.push(c),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{K3S_OPENRC, Node};

    fn command(text: &str) -> Result<Option<Vec<String>>, String> {
        let node = Node::new(&[("/etc/init.d/k3s", text)]);
        let tree = node.tree();
        let script = InitScript::of_unit(&View::of(&tree), "k3s.service");
        let script = script.map_err(|error| error.to_string())?;
        Ok(script.map(|script| script.command))
    }

    #[test]
    fn the_words_of_the_script_are_those_that_k3s_gets() {
        let expected = [
            "/usr/local/bin/k3s",
            "server",
            "--kubelet-arg=v=2",
            "--node-label=a b=\"c\"",
        ];
        assert_eq!(command(K3S_OPENRC).expect("read").expect("one"), expected);
        let plain = "#!/sbin/openrc-run\ncommand=/usr/bin/k3s\ncommand_args=agent\n";
        assert_eq!(
            command(plain).expect("read").expect("one"),
            ["/usr/bin/k3s", "agent"]
        );
        assert_eq!(command("#!/bin/sh\nstart() { :; }\n"), Ok(None));
        let why = command("command=/k3s\ncommand_args=\"server $OPTS\"\n").expect_err("a variable");
        assert!(
            why.starts_with("/etc/init.d/k3s:2: this command depends on the shell"),
            "{why}"
        );
    }
}
