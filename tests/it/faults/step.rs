//! The network steps of a provider: the rows of the matrix.

use regcred_core::ErrorKind;

use super::fault::{FAULTS, Fault};

/// A request of a provider to one server.
pub(super) struct Step {
    /// What the step is, for messages of this test.
    pub(super) name: &'static str,
    /// The variables that lead a plugin to the server at an address.
    pub(super) leads: Box<dyn Fn(&Address) -> Vars + Send + Sync>,
    /// More variables: the identity whose step it is.
    pub(super) vars: Vars,
    /// The identity in the line.
    pub(super) identity: &'static str,
    /// What the line calls the server, before its address.
    pub(super) server: &'static str,
    /// The next step after a refusal.
    pub(super) if_refused: &'static str,
    /// Whether it is a server of the machine's link, which is never asked through a proxy.
    pub(super) is_link: bool,
    /// Whether the server has TLS whatever goes wrong.
    pub(super) is_tls: bool,
    /// Whether it is made with a fresh RSA key, which takes seconds in a debug build.
    pub(super) makes_key: bool,
    /// The cloud's own server, and how many requests it answers before this one.
    pub(super) before: Option<(String, usize)>,
    /// The exit code for each of [`FAULTS`](super::fault::FAULTS), in their order; `-` for a fault
    /// that the step cannot have. Blanks are for the eye.
    pub(super) outcomes: &'static str,
    /// The failure at a server that is silent, or sends a byte a second.
    pub(super) slow: ErrorKind,
    /// The failure at a server that is silent, where that is another one.
    pub(super) silent: Option<ErrorKind>,
    /// The seconds after which the step ends then.
    pub(super) longest: u64,
}

/// Names and values.
type Vars = Vec<(String, String)>;

/// Where a step's server is.
pub(super) struct Address {
    pub(super) scheme: &'static str,
    pub(super) authority: String,
    /// The file with its certificate authority.
    pub(super) ca: Option<String>,
}

impl Address {
    /// The URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.authority)
    }
}

impl Step {
    /// A step whose server one variable names: a URL that ends in this path.
    pub(super) fn of(variable: &'static str, path: &'static str) -> Self {
        let leads = move |address: &Address| {
            let value = if variable.ends_with("_METADATA_HOST") {
                address.authority.clone()
            } else {
                address.url(path)
            };
            vec![(variable.to_owned(), value)]
        };
        Self::led(variable, leads)
    }

    /// A step whose server is named otherwise.
    pub(super) fn led(
        name: &'static str,
        leads: impl Fn(&Address) -> Vec<(String, String)> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            leads: Box::new(leads),
            vars: Vec::new(),
            identity: "",
            server: "",
            if_refused: "",
            is_link: false,
            is_tls: false,
            makes_key: false,
            before: None,
            outcomes: "",
            slow: ErrorKind::Unreachable,
            silent: None,
            longest: 45,
        }
    }

    /// The words of its line: identity, server, and what to do after a refusal.
    pub(super) fn says(
        mut self,
        identity: &'static str,
        server: &'static str,
        if_refused: &'static str,
    ) -> Self {
        (self.identity, self.server, self.if_refused) = (identity, server, if_refused);
        self
    }

    /// The row of exit codes; the failure at a slow server, and the seconds that it may take.
    pub(super) fn ends(mut self, outcomes: &'static str, slow: ErrorKind, longest: u64) -> Self {
        (self.outcomes, self.slow, self.longest) = (outcomes, slow, longest);
        self
    }

    /// Another failure where the server is silent.
    pub(super) fn if_silent(mut self, silent: ErrorKind) -> Self {
        self.silent = Some(silent);
        self
    }

    /// With these variables.
    pub(super) fn with<'a>(mut self, vars: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let vars = vars.into_iter();
        self.vars
            .extend(vars.map(|(n, v)| (n.to_owned(), v.to_owned())));
        self
    }

    /// At a server of the machine's link.
    pub(super) fn on_the_link(mut self) -> Self {
        self.is_link = true;
        self
    }

    /// At a server that always has TLS.
    pub(super) fn over_tls(mut self) -> Self {
        self.is_tls = true;
        self
    }

    /// With a fresh key.
    pub(super) fn with_a_fresh_key(mut self) -> Self {
        self.makes_key = true;
        self
    }

    /// The request after that many, which the cloud's server at that URL answers.
    pub(super) fn after(mut self, requests: usize, url: &str) -> Self {
        let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        self.before = Some((authority.to_owned(), requests));
        self
    }

    /// Whether one program more finds the same server: the requests before the step are counted once.
    pub(super) fn is_first(&self) -> bool {
        let before = self.before.as_ref().map_or(0, |(_, requests)| *requests);
        before == 0 && !self.makes_key
    }

    /// The exit code of one fault.
    pub(super) fn code(&self, fault: Fault) -> Option<i32> {
        let at = FAULTS.iter().position(|one| *one == fault)?;
        self.codes()[at]
    }

    /// The exit code of each fault.
    ///
    /// # Panics
    /// When the row has another length than the columns.
    pub(super) fn codes(&self) -> Vec<Option<i32>> {
        let row = self.outcomes.chars().filter(|c| !c.is_whitespace());
        let code = |c: char| c.to_digit(10).and_then(|digit| i32::try_from(digit).ok());
        row.map(code).collect()
    }
}
