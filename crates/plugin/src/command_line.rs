//! The command line of a plugin, read the way Go's flag and pflag packages read it: node
//! configurations are written for programs that use them.
//!
//! A flag may come before or after the command, with one dash or two, its value after `=` or as the
//! next argument. The provider's flags and klog's are accepted everywhere.

mod flag;

use regcred_core::ProviderSpec;

use crate::output::{SecretName, TokenOutput};
use flag::{Kind, Scanner};

/// A command line, read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    pub(crate) command: Command,
    /// Variables that flags and the positional argument set.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// Each variable that a flag set, with that flag.
    pub(crate) flags: Vec<(&'static str, String)>,
    /// The word in a command's place, which is ignored as by upstream's plugins.
    pub(crate) stray: Option<String>,
    /// klog's `-v`.
    pub(crate) verbosity: Option<u32>,
}

/// A command with its own arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Version,
    Kubelet,
    /// The words after `docker`, or all words of a helper.
    Docker(Vec<String>),
    Token {
        image: Option<String>,
        output: TokenOutput,
        secret: SecretName,
    },
    MatchImages,
    CacheShow,
    CacheClear,
    ConfigureDocker(HelperEdit),
}

/// What `configure-docker` does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct HelperEdit {
    /// The registries' hosts. If it is empty: those that the provider can name, or all with `remove`.
    pub(crate) registries: Vec<String>,
    /// Removes this helper instead of setting it.
    pub(crate) remove: bool,
    /// Prints what would change, and writes nothing.
    pub(crate) dry_run: bool,
}

/// The circumstances in which a command line is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// The program has the name of a docker credential helper.
    pub(crate) helper: bool,
    /// Standard input is a terminal.
    pub(crate) terminal: bool,
}

impl CommandLine {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// A message for the user.
    pub(crate) fn parse(
        specs: &[&ProviderSpec],
        args: Vec<String>,
        circumstances: Circumstances,
    ) -> Result<Self, String> {
        let mut scanned = Scanner::new(specs, args).scan()?;
        let mut ignored = None;
        let mut words = std::mem::take(&mut scanned.words).into_iter();
        let command = if let Some(wanted) = scanned.wants {
            scanned.options.clear();
            if wanted == Kind::Help {
                Command::Help
            } else {
                Command::Version
            }
        } else if circumstances.helper && words.as_slice().first().is_none_or(|w| !is_common(w)) {
            Command::Docker(words.by_ref().collect())
        } else {
            match words.next().as_deref() {
                None if circumstances.terminal => Command::Help,
                None | Some("kubelet" | "get-credentials") => Command::Kubelet,
                Some("help") => Command::Help,
                Some("version") => Command::Version,
                Some("docker") => Command::Docker(words.by_ref().collect()),
                Some("match-images") => Command::MatchImages,
                Some("configure-docker") => Command::ConfigureDocker(HelperEdit {
                    registries: list(scanned.take_option("registries")),
                    remove: scanned.take_option("remove").is_some(),
                    dry_run: scanned.take_option("dry-run").is_some(),
                }),
                Some("token") => Command::Token {
                    image: words.next(),
                    output: match scanned.take_option("output") {
                        Some(form) => form.parse()?,
                        None => TokenOutput::default(),
                    },
                    secret: SecretName {
                        name: scanned.take_option("name"),
                        namespace: scanned.take_option("namespace"),
                    },
                },
                Some("cache") => match words.next().as_deref() {
                    Some("show") | None => Command::CacheShow,
                    Some("clear") => Command::CacheClear,
                    Some(other) => {
                        return Err(format!(
                            "unknown command cache {other:?}; expected show or clear"
                        ));
                    }
                },
                Some(other) if circumstances.terminal => {
                    return Err(unknown_command(other));
                }
                // Upstream's plugins ignore stray words; one takes the path of its configuration.
                Some(stray) => {
                    set_positional(specs, stray, &mut scanned.settings);
                    ignored = (!stray.contains('/')).then(|| stray.to_owned());
                    Command::Kubelet
                }
            }
        };
        if let Some((name, _)) = scanned.options.first() {
            return Err(format!("flag --{name} does not belong to this command"));
        }
        match words.next() {
            Some(stray) if command == Command::Kubelet => {
                set_positional(specs, &stray, &mut scanned.settings);
            }
            Some(extra) if !matches!(command, Command::Help | Command::Version) => {
                return Err(format!("unexpected argument {extra:?}"));
            }
            _ => {}
        }
        Ok(Self {
            command,
            settings: scanned.settings,
            flags: scanned.flags,
            stray: ignored,
            verbosity: scanned.verbosity,
        })
    }
}

/// The commands that a helper has besides docker's words.
fn is_common(word: &str) -> bool {
    [
        "kubelet",
        "get-credentials",
        "token",
        "match-images",
        "cache",
        "configure-docker",
        "help",
    ]
    .contains(&word)
}

/// The message for a word that is not a command.
pub(crate) fn unknown_command(word: &str) -> String {
    unknown("command", word, COMMANDS)
}

/// The message for a word that is not one of the known ones, with the one that it may be a mistyping of.
pub(crate) fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let near = known.iter().find(|known| is_near(known, word));
    let hint = near.map(|known| format!("; did you mean {known}"));
    format!("unknown {what} {word:?}{}", hint.unwrap_or_default())
}

/// Whether one letter added, removed, changed, or exchanged with its neighbour makes one word the
/// other.
#[must_use]
pub fn is_near(command: &str, word: &str) -> bool {
    let (a, b) = (command.as_bytes(), word.as_bytes());
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[start..], &b[start..]);
    let ends = |skip_a: usize, skip_b: usize| {
        let (a, b) = (a.get(skip_a..), b.get(skip_b..));
        a.is_some() && a == b
    };
    let exchanged = matches!((a, b), ([x, y, ..], [v, w, ..]) if (x, y) == (w, v)) && ends(2, 2);
    ends(0, 1) || ends(1, 0) || ends(1, 1) || exchanged
}

const COMMANDS: &[&str] = &[
    "kubelet",
    "get-credentials",
    "docker",
    "token",
    "match-images",
    "cache",
    "configure-docker",
    "help",
    "version",
];

fn list(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
    parts.map(str::to_owned).collect()
}

fn set_positional(specs: &[&ProviderSpec], word: &str, settings: &mut Vec<(&'static str, String)>) {
    for spec in specs {
        if let Some(var) = spec.positional
            && settings.iter().all(|(name, _)| *name != var)
        {
            settings.push((var, word.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests;
