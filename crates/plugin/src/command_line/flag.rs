//! Flags in Go's manner: the provider's, klog's and the commands' own.

use std::collections::VecDeque;

use regcred_core::{Flag, ProviderSpec};
use regcred_go::go_bool;

/// Names, each with a value.
type Values = Vec<(&'static str, String)>;

/// The arguments, sorted.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) words: Vec<String>,
    /// Variables that the provider's flags set.
    pub(super) settings: Values,
    /// Each of those variables, and the flag that set it last, as it was written.
    pub(super) flags: Values,
    /// Flags of single commands, each to be taken by the command that it belongs to.
    pub(super) options: Values,
    pub(super) verbosity: Option<u32>,
    pub(super) wants: Option<Kind>,
}

impl Scanned {
    pub(super) fn take_option(&mut self, name: &str) -> Option<String> {
        let at = self.options.iter().position(|(taken, _)| *taken == name)?;
        Some(self.options.remove(at).1)
    }
}

/// The meaning of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The provider's: it sets a variable.
    Provider(Flag),
    /// A single command's, with a value.
    Option(&'static str),
    /// A single command's, without a value.
    Switch(&'static str),
    /// klog's level.
    Verbosity,
    /// Another of klog's, accepted and without effect.
    Ignored {
        value: bool,
    },
    Help,
    Version,
}

impl Kind {
    fn takes_value(self) -> bool {
        match self {
            Self::Provider(flag) => flag.value.is_some(),
            Self::Option(_) | Self::Verbosity => true,
            Self::Ignored { value } => value,
            Self::Switch(_) | Self::Help | Self::Version => false,
        }
    }

    /// Whether an empty value counts as an absent one, as for the flags of upstream's programs.
    fn takes_empty(self) -> bool {
        match self {
            Self::Provider(flag) => flag.may_be_empty,
            Self::Ignored { .. } => true,
            _ => false,
        }
    }
}

/// Whether a value, or each element of a list, is empty: a shell's variable that is not set.
fn is_empty_list(text: &str) -> bool {
    text.split(',').all(|part| part.trim().is_empty())
}

/// Reads the arguments once, from first to last.
pub(super) struct Scanner<'a> {
    specs: &'a [&'a ProviderSpec],
    rest: VecDeque<String>,
    found: Scanned,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(specs: &'a [&'a ProviderSpec], args: Vec<String>) -> Self {
        Self {
            specs,
            rest: args.into(),
            found: Scanned::default(),
        }
    }

    pub(super) fn scan(mut self) -> Result<Scanned, String> {
        while let Some(arg) = self.rest.pop_front() {
            match arg.strip_prefix('-') {
                None | Some("") => self.found.words.push(arg),
                Some("-") => {
                    self.found.words.extend(self.rest.drain(..));
                }
                Some(rest) => self.flag(&arg, rest.strip_prefix('-'), rest)?,
            }
        }
        Ok(self.found)
    }

    /// `long` is what follows two dashes, `rest` what follows one.
    fn flag(&mut self, arg: &str, long: Option<&str>, rest: &str) -> Result<(), String> {
        let text = long.unwrap_or(rest);
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if let Some(kind) = self.long(name)? {
            return self.accept(kind, &format!("--{name}"), value);
        }
        let mut letters = text.chars();
        if long.is_none()
            && let Some(letter) = letters.next()
            && let Some(kind) = self.short(letter)?
        {
            let attached = letters.as_str();
            let attached = attached.strip_prefix('=').unwrap_or(attached);
            let value = (text.len() > 1).then(|| attached.to_owned());
            return self.accept(kind, &format!("-{letter}"), value);
        }
        // The value may be a secret and is not shown.
        let shown = arg.split_once('=').map_or(arg, |(name, _)| name);
        Err(format!("unknown flag {shown}"))
    }

    /// `name` has its dashes.
    fn accept(&mut self, kind: Kind, name: &str, inline: Option<String>) -> Result<(), String> {
        let found = &mut self.found;
        if let Kind::Provider(flag) = kind {
            replace(&mut found.flags, flag.var, name.to_owned());
        }
        if kind == Kind::Verbosity && inline.is_none() {
            let next = self.rest.front();
            if next.is_none_or(|next| next.parse::<u32>().is_err()) {
                // `-v` alone is how helpers are asked for their version.
                found.wants.get_or_insert(Kind::Version);
                return Ok(());
            }
        }
        if !kind.takes_value() {
            let on = inline.map_or(Some(true), |text| go_bool(&text));
            let on = on.ok_or_else(|| format!("flag {name}: expected true or false"))?;
            match kind {
                Kind::Provider(flag) => replace(&mut found.settings, flag.var, on.to_string()),
                Kind::Switch(name) if on => replace(&mut found.options, name, String::new()),
                Kind::Help | Kind::Version if on => {
                    found.wants.get_or_insert(kind);
                }
                _ => {}
            }
            return Ok(());
        }
        let value = inline.or_else(|| self.rest.pop_front());
        let value = value.filter(|text| kind.takes_empty() || !is_empty_list(text));
        let value = value.ok_or_else(|| format!("flag {name} needs a value"))?;
        match kind {
            Kind::Provider(flag) => join(&mut found.settings, flag.var, value),
            Kind::Option(REGISTRIES) => join(&mut found.options, REGISTRIES, value),
            Kind::Option(name) => replace(&mut found.options, name, value),
            Kind::Verbosity => {
                let number = value.parse();
                let wrong = |_| format!("flag {name}: expected a whole number");
                found.verbosity = Some(number.map_err(wrong)?);
            }
            Kind::Ignored { .. } | Kind::Switch(_) | Kind::Help | Kind::Version => {}
        }
        Ok(())
    }

    fn long(&self, name: &str) -> Result<Option<Kind>, String> {
        if let Some(flag) = self.provider_flag(|flag| flag.name == name)? {
            return Ok(Some(Kind::Provider(flag)));
        }
        let klog = name.replace('-', "_");
        Ok(match name {
            "help" => Some(Kind::Help),
            "version" => Some(Kind::Version),
            "remove" => Some(Kind::Switch("remove")),
            "dry-run" => Some(Kind::Switch("dry-run")),
            "v" => Some(Kind::Verbosity),
            // A flag of docker-credential-gcr's configure-docker, which has no effect there either.
            "overwrite" => Some(Kind::Ignored { value: false }),
            _ if KLOG_SWITCHES.contains(&&*klog) => Some(Kind::Ignored { value: false }),
            _ if KLOG_VALUES.contains(&&*klog) => Some(Kind::Ignored { value: true }),
            _ => OPTIONS
                .iter()
                .find(|option| **option == name)
                .map(|name| Kind::Option(name)),
        })
    }

    fn short(&self, letter: char) -> Result<Option<Kind>, String> {
        if let Some(flag) = self.provider_flag(|flag| flag.short == Some(letter))? {
            return Ok(Some(Kind::Provider(flag)));
        }
        Ok(match letter {
            'h' => Some(Kind::Help),
            'v' => Some(Kind::Verbosity),
            'o' => Some(Kind::Option("output")),
            'n' => Some(Kind::Option("namespace")),
            _ => None,
        })
    }

    /// The flag of a provider. In a program for several clouds, a flag that more than one of them has is
    /// an error.
    fn provider_flag(&self, fits: impl Fn(&Flag) -> bool) -> Result<Option<Flag>, String> {
        let flags = self.specs.iter().flat_map(|spec| spec.flags());
        let found: Vec<_> = flags.filter(|flag| fits(flag)).collect();
        if found.len() > 1 {
            let variables: Vec<_> = found.iter().map(|flag| flag.var).collect();
            return Err(format!(
                "flag --{} belongs to several clouds: set {}",
                found[0].name,
                variables.join(" or ")
            ));
        }
        Ok(found.first().map(|flag| **flag))
    }
}

/// The last of a repeated flag counts.
fn replace(list: &mut Values, name: &'static str, value: String) {
    list.retain(|(known, _)| *known != name);
    list.push((name, value));
}

/// The values of a repeated flag are a list.
fn join(list: &mut Values, name: &'static str, value: String) {
    match list.iter_mut().find(|(known, _)| *known == name) {
        Some((_, values)) => *values = format!("{values},{value}"),
        None => list.push((name, value)),
    }
}

/// Flags of single commands. Only `--registries` collects its values when it is repeated.
const OPTIONS: &[&str] = &["output", "name", "namespace", REGISTRIES];
const REGISTRIES: &str = "registries";

/// klog's flags (`k8s.io/klog/v2`, `k8s.io/component-base/logs`), with `-` read as `_`.
const KLOG_SWITCHES: &[&str] = &[
    "logtostderr",
    "alsologtostderr",
    "skip_headers",
    "skip_log_headers",
    "add_dir_header",
    "one_output",
];
const KLOG_VALUES: &[&str] = &[
    "log_dir",
    "log_file",
    "log_file_max_size",
    "log_backtrace_at",
    "log_flush_frequency",
    "log_json_info_buffer_size",
    "log_json_split_stream",
    "log_text_info_buffer_size",
    "log_text_split_stream",
    "logging_format",
    "stderrthreshold",
    "vmodule",
];
