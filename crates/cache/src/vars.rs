//! The variables of this crate.

use regcred_core::EnvVar;

/// Every variable that decides where the cache is.
pub const VARS: &[EnvVar] = &[
    EnvVar::new(
        CACHE_VAR,
        "`off`, or the absolute path of the directory that holds cached credentials; it must \
         belong to the user and hold nothing else.",
        "`/run/regcred` for root, else `$XDG_RUNTIME_DIR/regcred`, else `$XDG_CACHE_HOME/regcred` \
         or `~/.cache/regcred`",
    ),
    EnvVar::new(
        RUNTIME_DIR,
        "The user's runtime directory, which the cache prefers because it is in memory.",
        "",
    ),
    EnvVar::new(
        CACHE_HOME,
        "The user's cache directory, used without a runtime directory.",
        "`~/.cache`",
    ),
];

/// The variable that turns the cache off or moves it.
pub const CACHE_VAR: &str = "REGCRED_CACHE";
pub(crate) const RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
pub(crate) const CACHE_HOME: &str = "XDG_CACHE_HOME";
