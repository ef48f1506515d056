//! A fake cloud as the conformance suite, the measurements and the demo see it.

/// A fake cloud with one identity, and what a plugin should make of it.
pub trait Cloud {
    /// The variables that lead a plugin to it.
    fn env(&self) -> Vec<(String, String)>;

    /// An image that the plugin serves, without tag.
    fn image(&self) -> &str;

    /// The file name of a docker credential helper for it.
    fn helper(&self) -> &str {
        "docker-credential-regcred"
    }

    /// The variables of [`Cloud::env`] that may lead to https; the others are of the machine's own link.
    fn public(&self) -> &[&str];

    /// The credential provider that others publish for it, if it can be led here. The variables are those of
    /// [`Cloud::env`], some of which lead to https now.
    fn upstream(&self, _vars: &[(String, String)]) -> Option<Upstream> {
        None
    }

    /// The user name of its logins.
    fn username(&self) -> &str;

    /// Every secret that it has issued so far, keys and passwords.
    fn secrets(&self) -> Vec<String>;

    /// How many registry tokens it was asked for.
    fn calls(&self) -> usize;

    /// From now on it goes wrong so.
    fn trouble(&self, trouble: Trouble);
}

/// A program of others and what leads it to a fake cloud.
pub struct Upstream {
    /// Its file name.
    pub program: &'static str,
    /// Its arguments.
    pub args: Vec<String>,
    /// More variables than [`Cloud::env`].
    pub env: Vec<(String, String)>,
    /// An image that it serves.
    pub image: String,
}

/// How a cloud goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It refuses the identity, or has none.
    Denial,
    /// It answers something that is not of its protocol and holds a secret.
    Garbage,
}
