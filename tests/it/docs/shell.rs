//! The commands of the pages' shell blocks, split into words as a shell splits them.

use std::fs;
use std::iter::Peekable;
use std::path::Path;
use std::str::{Chars, Lines};

use super::documents;

/// A command of a page: its words, and whether the shell adds some that the page does not show.
pub(super) struct PageCommand {
    pub(super) page: String,
    pub(super) words: Vec<String>,
    pub(super) is_whole: bool,
}

impl PageCommand {
    /// The program's name, without directories.
    pub(super) fn program(&self) -> &str {
        let path = self.words[0].as_str();
        path.rsplit('/').next().unwrap_or(path)
    }
}

/// The commands of all pages: those after a prompt, and those of scripts.
pub(super) fn commands() -> Vec<PageCommand> {
    let mut found = Vec::new();
    for file in documents() {
        // The generated page has the help texts, whose commands are tested by being made.
        if file.ends_with("reference/cli.md") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a document");
        for line in shell_lines(&text) {
            found.extend(page_commands(&file, &line));
        }
    }
    found
}

/// The commands of these programs between backquotes in the text of all pages.
pub(super) fn named_in_text(programs: &[&str]) -> Vec<PageCommand> {
    let is_named = |code: &&str| {
        programs
            .iter()
            .any(|name| code.starts_with(&format!("{name} ")))
    };
    let mut found = Vec::new();
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a document");
        let text: String = text.split("```").step_by(2).collect();
        // A command may go on in the next line of its paragraph.
        let text = text.replace('\n', " ");
        for code in text.split('`').skip(1).step_by(2).filter(is_named) {
            found.extend(page_commands(&file, code));
        }
    }
    found
}

fn page_commands(page: &Path, line: &str) -> Vec<PageCommand> {
    let page = page.display().to_string();
    let commands = split(line).commands.into_iter();
    let named = |command: Simple| PageCommand {
        page: page.clone(),
        words: command.words,
        is_whole: command.is_whole,
    };
    commands.map(named).collect()
}

/// The shell's lines of a page, each with the lines that continue it, without the prompts.
pub(super) fn shell_lines(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    let mut language = None;
    while let Some(line) = lines.next() {
        if let Some(name) = line.trim().strip_prefix("```") {
            language = language.is_none().then_some(name);
            continue;
        }
        let first = match language {
            Some("console") => prompted(line),
            Some("sh") => Some(line),
            _ => None,
        };
        if let Some(first) = first {
            found.push(continued(first, &mut lines));
        }
    }
    found
}

fn prompted(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let of_job = || line.strip_prefix("job ")?.split_once("$ ").map(|job| job.1);
    let prompted = line.strip_prefix("$ ").or_else(|| line.strip_prefix("# "));
    prompted.or_else(of_job)
}

/// The line, with those that follow until quotes and here-documents end.
fn continued(first: &str, lines: &mut Lines<'_>) -> String {
    let mut text = first.to_owned();
    loop {
        let next = lines.clone().next().map(str::trim_start);
        let second_prompt = next.and_then(|next| next.strip_prefix("> "));
        let rest = if split(&text).is_open {
            next
        } else {
            second_prompt
        };
        let Some(rest) = rest.filter(|rest| !rest.starts_with("```")) else {
            break;
        };
        let _ = lines.next();
        text = format!("{text}\n{rest}");
    }
    text
}

/// A simple command: its words without redirections, and whether none of them may be several or none.
#[derive(Debug, Default)]
struct Simple {
    words: Vec<String>,
    is_whole: bool,
}

/// A shell's line, split.
struct Split {
    commands: Vec<Simple>,
    /// The next line belongs to it.
    is_open: bool,
}

fn split(line: &str) -> Split {
    let mut splitter = Splitter {
        rest: line.chars().peekable(),
        found: Vec::new(),
        here_document: None,
        is_open: false,
    };
    splitter.list(None);
    let text = line.trim_end();
    let is_open = splitter.is_open || text.ends_with('|') || text.ends_with("&&");
    Split {
        commands: splitter.found,
        is_open,
    }
}

struct Splitter<'a> {
    rest: Peekable<Chars<'a>>,
    found: Vec<Simple>,
    /// The word that ends the here-document after this line.
    here_document: Option<String>,
    is_open: bool,
}

/// Stands for what a variable or a command in a word becomes.
const VARIABLE: char = '\u{1}';

impl Splitter<'_> {
    /// The commands up to the end, or to the parenthesis that closes the list.
    fn list(&mut self, end: Option<char>) {
        let mut command = Simple {
            words: Vec::new(),
            is_whole: true,
        };
        loop {
            let Some(&c) = self.rest.peek() else {
                self.is_open |= end.is_some();
                break;
            };
            match c {
                ' ' | '\t' => {
                    let _ = self.rest.next();
                }
                '#' => while self.rest.next_if(|&c| c != '\n').is_some() {},
                '<' | '>' => self.redirection(),
                c if Some(c) == end => break,
                '|' | ';' | '&' | '(' | ')' | '\n' => {
                    let _ = self.rest.next();
                    self.end_of(&mut command);
                    if c == '\n' {
                        self.skip_here_document();
                    }
                }
                _ => self.word_of(&mut command),
            }
        }
        let _ = self.rest.next();
        self.end_of(&mut command);
        self.is_open |= end.is_none() && self.here_document.is_some();
    }

    fn end_of(&mut self, command: &mut Simple) {
        let ended = std::mem::replace(
            command,
            Simple {
                words: Vec::new(),
                is_whole: true,
            },
        );
        if !ended.words.is_empty() {
            self.found.push(ended);
        }
    }

    fn word_of(&mut self, command: &mut Simple) {
        let (word, was_quoted) = self.word();
        let words = &mut command.words;
        let is_first = words.is_empty();
        let is_keyword =
            !was_quoted && ["do", "then", "!", "{", "}", "done", "fi"].contains(&&*word);
        let is_descriptor = word.chars().all(|c| c.is_ascii_digit())
            && self.rest.peek().is_some_and(|c| "<>".contains(*c));
        if is_first && (is_keyword || word.contains('=')) || is_descriptor {
            return;
        }
        command.is_whole &= !word.contains(VARIABLE);
        let is_value = was_quoted || words.last().is_some_and(|word| word.starts_with('-'));
        // A variable alone and not the value of an option may be several words or none: nothing.
        if is_value || word != VARIABLE.to_string() {
            words.push(word.replace(VARIABLE, "registry.example.com"));
        }
    }

    /// `< FILE`, `>> FILE`, `>&2`, `<<END`.
    fn redirection(&mut self) {
        let mut operator = String::new();
        while let Some(c) = self.rest.next_if(|c| "<>&-".contains(*c)) {
            operator.push(c);
        }
        while self.rest.next_if_eq(&' ').is_some() {}
        let (word, _) = self.word();
        if operator.starts_with("<<") {
            self.here_document = Some(word);
        }
    }

    fn skip_here_document(&mut self) {
        let Some(end) = self.here_document.take() else {
            return;
        };
        let mut line = String::new();
        loop {
            match self.rest.next() {
                Some('\n') | None if line.trim() == end => return,
                Some('\n') => line.clear(),
                Some(c) => line.push(c),
                None => {
                    self.is_open = true;
                    return;
                }
            }
        }
    }

    /// The next word, and whether a part of it was quoted.
    fn word(&mut self) -> (String, bool) {
        let (mut word, mut quote, mut was_quoted) = (String::new(), None, false);
        while let Some(&c) = self.rest.peek() {
            if quote.is_none() && " \t\n|;&()<>".contains(c) {
                break;
            }
            let _ = self.rest.next();
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '\'' | '"') => (quote, was_quoted) = (Some(c), true),
                (None | Some('"'), '\\') => match self.rest.next() {
                    Some('\n') => {}
                    Some(c) => {
                        if quote.is_some() && !"\"\\$`".contains(c) {
                            word.push('\\');
                        }
                        word.push(c);
                    }
                    None => self.is_open = true,
                },
                (None | Some('"'), '$') => self.expansion(&mut word),
                (_, c) => word.push(c),
            }
        }
        self.is_open |= quote.is_some();
        (word, was_quoted)
    }

    /// What follows a dollar.
    fn expansion(&mut self, word: &mut String) {
        let is_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        match self.rest.peek() {
            Some('(') => {
                let _ = self.rest.next();
                self.list(Some(')'));
            }
            Some('{') => while self.rest.next().is_some_and(|c| c != '}') {},
            Some(c) if is_name(c) => while self.rest.next_if(is_name).is_some() {},
            _ => return word.push('$'),
        }
        word.push(VARIABLE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<String>> {
        split(line)
            .commands
            .into_iter()
            .map(|one| one.words)
            .collect()
    }

    #[test]
    fn a_shell_line_is_split_into_its_commands() {
        let line =
            "umask 077 && A=1 regcred token \"$R/a b\" 'x$y' > f 2>/dev/null | jq . # regcred no";
        let all = words(line);
        let token = ["regcred", "token", "registry.example.com/a b", "x$y"];
        assert_eq!(all[1], token);
        assert_eq!(all[2], ["jq", "."]);
        let command = split("regcred check $FLAGS").commands.remove(0);
        assert_eq!((command.words.len(), command.is_whole), (2, false));
    }

    #[test]
    fn a_command_in_a_word_is_a_command() {
        let all = words("A=$(az acr show --query \"id\") B=\"$(f $(g) | h)\" kubectl x=\"$(i)\"");
        let programs: Vec<_> = all.iter().map(|words| words[0].as_str()).collect();
        assert_eq!(programs, ["az", "g", "f", "h", "i", "kubectl"]);
        assert_eq!(all[0], ["az", "acr", "show", "--query", "id"]);
        assert_eq!(all[5], ["kubectl", "x=registry.example.com"]);
    }

    #[test]
    fn lines_that_belong_together_are_one() {
        let page = "```console\n$ a --x \\\n    y |\n    b \"{\n   \\\"c\\\": 1}\"\nanswer\n# d <<EOF\n$ no\nEOF\n\
            $ for x in 1 2; do\n>   e \"$x\"; done\n```\n```sh\nf 'g\nh'\n```\n```yaml\n$ no\n```\n";
        let lines = shell_lines(page);
        let all: Vec<_> = lines.iter().flat_map(|line| words(line)).collect();
        assert_eq!(all[0], ["a", "--x", "y"]);
        assert_eq!(all[1], ["b", "{\n\"c\": 1}"]);
        assert_eq!(all[2], ["d"]);
        assert_eq!(all[4], ["e", "registry.example.com"]);
        assert_eq!(all[5], ["f", "g\nh"]);
        assert_eq!(all.len(), 6, "{all:?}");
    }
}
