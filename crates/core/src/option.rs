//! One row for each option of a program: its variable, its flags, its help, what it means to the
//! cache and to other programs.

/// A row. `docs/reference/environment.md`, `--help`, the command line and cache keys are made from
/// it. [`options!`](crate::options) makes a table of rows and the constants for their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvVar {
    /// The variable's name.
    pub name: &'static str,
    /// One sentence: what it does and in which form the value is.
    pub doc: &'static str,
    /// The behaviour when it is not set; may be empty.
    pub default: &'static str,
    /// True when the value is a secret and must never be shown.
    pub secret: bool,
    /// True when a library reads it and not our code.
    pub foreign: bool,
    /// What the option means to programs that do not know the provider.
    pub role: Option<Role>,
    /// Why the option is left out of cache keys. Every other option is part of them.
    pub not_in_key: Option<&'static str>,
    /// Its flag, and a second name for it.
    pub flags: [Option<Flag>; 2],
}

/// A special meaning of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A list of further hosts that the provider serves.
    Hosts,
    /// The file that names every registry that the provider serves; without it the provider serves none.
    ConfigFile,
    /// When true, a request without a usable pod token is refused.
    RequirePod,
    /// A file with a token, which is rewritten often and stays the same identity.
    TokenFile,
    /// When set, the shared cache is off.
    CacheOff,
    /// The directory of the shared cache.
    CacheDir,
    /// When true, a docker credential helper accepts `store` and `erase` and does nothing.
    IgnoreStorage,
    /// Read by `configure-docker` alone.
    ConfigureDocker,
}

/// A command line flag of a provider. A flag overrides its variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Long name without dashes, as upstream spells it: `authFlow`.
    pub name: &'static str,
    /// One-letter form.
    pub short: Option<char>,
    /// The variable it sets. Values of a repeated flag are joined by commas.
    pub var: &'static str,
    /// Placeholder of the value in the help; `None` makes it a switch, which sets `true` (and
    /// takes `=true` or `=false`, as Go's flags do).
    pub value: Option<&'static str>,
    /// One sentence for the help.
    pub doc: &'static str,
    /// Whether an empty value counts as an absent flag, as in upstream's program, whose flag it is.
    pub may_be_empty: bool,
}

impl EnvVar {
    /// A row read by our own code, whose value may be shown and is part of cache keys.
    #[must_use]
    pub const fn new(name: &'static str, doc: &'static str, default: &'static str) -> Self {
        Self {
            name,
            doc,
            default,
            secret: false,
            foreign: false,
            role: None,
            not_in_key: None,
            flags: [None, None],
        }
    }

    /// The same row, marked as a secret.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The same row, marked as read by a library.
    #[must_use]
    pub const fn foreign(mut self) -> Self {
        self.foreign = true;
        self
    }

    /// The same row with a special meaning.
    #[must_use]
    pub const fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// The same row, left out of cache keys because of the reason given.
    #[must_use]
    pub const fn not_in_key(mut self, why: &'static str) -> Self {
        self.not_in_key = Some(why);
        self
    }

    /// The same row with a flag that takes a value, shown as the placeholder.
    #[must_use]
    pub const fn flag(self, name: &'static str, value: &'static str, doc: &'static str) -> Self {
        self.with(name, Some(value), doc)
    }

    /// The same row with a flag that takes no value.
    #[must_use]
    pub const fn switch(self, name: &'static str, doc: &'static str) -> Self {
        self.with(name, None, doc)
    }

    /// The same row with a one-letter form of its flag.
    #[must_use]
    pub const fn short(mut self, letter: char) -> Self {
        if let Some(flag) = &mut self.flags[0] {
            flag.short = Some(letter);
        }
        self
    }

    /// The same row, whose flag is upstream's and may have an empty value.
    #[must_use]
    pub const fn may_be_empty(mut self) -> Self {
        if let Some(flag) = &mut self.flags[0] {
            flag.may_be_empty = true;
        }
        self
    }

    const fn with(
        mut self,
        name: &'static str,
        value: Option<&'static str>,
        doc: &'static str,
    ) -> Self {
        let flag = Some(Flag {
            name,
            short: None,
            var: self.name,
            value,
            doc,
            may_be_empty: false,
        });
        let at = self.flags[0].is_some() as usize;
        self.flags[at] = flag;
        self
    }
}

/// Makes a table of options, and for each row a constant with the variable's name; `_` where no
/// code asks for it by name.
///
/// ```
/// use regcred_core::{EnvVar, Role, options};
///
/// options! {
///     /// Every variable of the provider.
///     pub(crate) VARS:
///     ALSO_SERVE = EnvVar::new("REGCRED_X_ALSO_SERVE", "Further hosts.", "")
///         .role(Role::Hosts)
///         .flag("also-serve", "HOST", "A further host.");
///     _ = EnvVar::new("HOME", "Home directory.", "").foreign();
/// }
/// assert_eq!(ALSO_SERVE, "REGCRED_X_ALSO_SERVE");
/// assert_eq!(VARS.len(), 2);
/// ```
#[macro_export]
macro_rules! options {
    ($(#[$doc:meta])* $vis:vis $table:ident: $($name:tt = $row:expr;)*) => {
        $(pub(crate) const $name: &str = $row.name;)*
        $(#[$doc])*
        $vis const $table: &[$crate::EnvVar] = &[$($row),*];
    };
}
