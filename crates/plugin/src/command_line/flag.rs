//! Flags in Go's manner: the provider's, klog's and the commands' own.

use std::collections::VecDeque;

use regcred_core::{Flag, ProviderSpec};

/// The arguments, sorted.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) words: Vec<String>,
    pub(super) settings: Vec<(&'static str, String)>,
    pub(super) options: Options,
    pub(super) verbosity: Option<u32>,
    pub(super) wants: Option<Kind>,
}

/// Flags of single commands, each to be taken by the command it belongs to.
#[derive(Debug, Default)]
pub(super) struct Options(Vec<(&'static str, String)>);

impl Options {
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(taken, _)| *taken == name)?;
        Some(self.0.remove(at).1)
    }

    pub(super) fn first(&self) -> Option<&'static str> {
        self.0.first().map(|(name, _)| *name)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The last of a repeated flag counts, except where it names a list.
    fn add(&mut self, name: &'static str, value: String) {
        if name != "registries" {
            self.0.retain(|(known, _)| *known != name);
        }
        join(&mut self.0, name, value);
    }
}

/// What a flag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Provider(Flag),
    /// Of a single command, with a value.
    Option(&'static str),
    Verbosity,
    /// klog's, accepted and without effect.
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
            Self::Help | Self::Version => false,
        }
    }
}

/// Goes through the arguments once.
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
        if let Some(kind) = self.long(name) {
            return self.accept(kind, name, value);
        }
        let mut letters = text.chars();
        if long.is_none()
            && let Some(letter) = letters.next()
            && let Some(kind) = self.short(letter)
        {
            let attached = letters.as_str();
            let attached = attached.strip_prefix('=').unwrap_or(attached);
            let value = (text.len() > 1).then(|| attached.to_owned());
            return self.accept(kind, &letter.to_string(), value);
        }
        // Without its value, which may be a secret that somebody put there.
        let shown = arg.split_once('=').map_or(arg, |(name, _)| name);
        Err(format!("unknown flag {shown}"))
    }

    fn accept(&mut self, kind: Kind, name: &str, inline: Option<String>) -> Result<(), String> {
        let value = match inline {
            Some(value) => Some(value),
            None if kind == Kind::Verbosity && name == "v" && !self.number_follows() => {
                // `-v` alone is how helpers are asked for their version.
                self.found.wants.get_or_insert(Kind::Version);
                return Ok(());
            }
            None if kind.takes_value() => {
                let next = self.rest.pop_front();
                Some(next.ok_or_else(|| format!("flag --{name} needs a value"))?)
            }
            None => None,
        };
        let wrong = |what: &str| Err(format!("flag --{name}: {what}"));
        let on = match (kind.takes_value(), value.as_deref().map(go_bool)) {
            (true, _) | (false, None) => true,
            (false, Some(Some(on))) => on,
            (false, Some(None)) => return wrong("expected true or false"),
        };
        match kind {
            Kind::Provider(flag) if flag.value.is_some() => {
                join(
                    &mut self.found.settings,
                    flag.var,
                    value.unwrap_or_default(),
                );
            }
            Kind::Provider(flag) => {
                self.found.settings.retain(|(var, _)| *var != flag.var);
                self.found.settings.push((flag.var, on.to_string()));
            }
            Kind::Option(name) => self.found.options.add(name, value.unwrap_or_default()),
            Kind::Verbosity => match value.unwrap_or_default().parse() {
                Ok(number) => self.found.verbosity = Some(number),
                Err(_) => return wrong("expected a whole number"),
            },
            Kind::Help | Kind::Version if on => {
                self.found.wants.get_or_insert(kind);
            }
            Kind::Help | Kind::Version | Kind::Ignored { .. } => {}
        }
        Ok(())
    }

    fn number_follows(&self) -> bool {
        let next = self.rest.front();
        next.is_some_and(|next| next.parse::<u32>().is_ok())
    }

    fn long(&self, name: &str) -> Option<Kind> {
        let flags = || self.specs.iter().flat_map(|spec| spec.flags());
        if let Some(flag) = flags().find(|flag| flag.name == name) {
            return Some(Kind::Provider(*flag));
        }
        if let Some(option) = OPTIONS.iter().find(|(option, _)| *option == name) {
            return Some(Kind::Option(option.0));
        }
        let klog = name.replace('-', "_");
        match name {
            "help" => Some(Kind::Help),
            "version" => Some(Kind::Version),
            "v" => Some(Kind::Verbosity),
            _ if KLOG_SWITCHES.contains(&&*klog) => Some(Kind::Ignored { value: false }),
            _ if KLOG_VALUES.contains(&&*klog) => Some(Kind::Ignored { value: true }),
            _ => None,
        }
    }

    fn short(&self, letter: char) -> Option<Kind> {
        let mut flags = self.specs.iter().flat_map(|spec| spec.flags());
        if let Some(flag) = flags.find(|flag| flag.short == Some(letter)) {
            return Some(Kind::Provider(*flag));
        }
        let option = OPTIONS.iter().find(|(_, short)| *short == Some(letter));
        match letter {
            'h' => Some(Kind::Help),
            'v' => Some(Kind::Verbosity),
            _ => option.map(|(name, _)| Kind::Option(name)),
        }
    }
}

fn join(list: &mut Vec<(&'static str, String)>, name: &'static str, value: String) {
    match list.iter_mut().find(|(known, _)| *known == name) {
        Some((_, values)) => {
            values.push(',');
            values.push_str(&value);
        }
        None => list.push((name, value)),
    }
}

/// Go's `strconv.ParseBool`.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Flags of single commands, with their short form.
const OPTIONS: &[(&str, Option<char>)] = &[
    ("output", Some('o')),
    ("name", None),
    ("namespace", Some('n')),
    ("registries", None),
];

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
