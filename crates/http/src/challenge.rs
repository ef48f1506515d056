//! `WWW-Authenticate` (RFC 9110 section 11.6.1): several lines, and several challenges in a line.

use http::{HeaderMap, header};

/// One challenge: a scheme and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme in lower case: `bearer`, `basic`, `negotiate`.
    pub scheme: String,
    /// Parameters in their order, names in lower case.
    pub params: Vec<(String, String)>,
}

impl Challenge {
    /// The first parameter with this name (lower case). An empty value is a value.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(n, _)| n == name)?;
        Some(&found.1)
    }
}

/// All challenges of a response in their order. A broken one is left out, never half read; the
/// others stay. Lenient in three points: an unquoted value may hold any characters up to the next
/// comma or space, since IBM's registry sends its realm so; a blank or a semicolon may separate
/// parameters, after which containerd and docker do not read on; and a parameter may hold bytes that
/// are not ASCII, of which those that are not UTF-8 become U+FFFD.
#[must_use]
pub fn parse_challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let lines = headers.get_all(header::WWW_AUTHENTICATE);
    lines
        .iter()
        .flat_map(|line| {
            let line = String::from_utf8_lossy(line.as_bytes());
            Parser { rest: &line }.all()
        })
        .collect()
}

/// What is left of a line.
struct Parser<'a> {
    rest: &'a str,
}

/// The challenge does not have the grammar's form.
struct Broken;

impl<'a> Parser<'a> {
    fn all(mut self) -> Vec<Challenge> {
        let mut found = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches(SEPARATORS);
            if self.rest.is_empty() {
                return found;
            }
            match self.challenge() {
                Ok(challenge) => found.push(challenge),
                Err(Broken) => self.skip_broken(),
            }
        }
    }

    fn challenge(&mut self) -> Result<Challenge, Broken> {
        let scheme = self.token().ok_or(Broken)?.to_ascii_lowercase();
        let mut params = Vec::new();
        if !self.rest.is_empty() && !self.rest.starts_with([' ', '\t', ',']) {
            return Err(Broken);
        }
        self.skip_blanks();
        if self.at_end_of_item() || self.token68() {
            return Ok(Challenge { scheme, params });
        }
        loop {
            params.push(self.param()?);
            let next = self.rest.trim_start_matches([' ', '\t', ',', ';']);
            let continues = next.len() < self.rest.len() && Parser { rest: next }.starts_param();
            if !continues {
                self.skip_blanks();
                let ends = self.at_end_of_item();
                return ends.then_some(Challenge { scheme, params }).ok_or(Broken);
            }
            self.rest = next;
        }
    }

    /// `name = value`, with optional blanks around the sign.
    fn param(&mut self) -> Result<(String, String), Broken> {
        let name = self.name().ok_or(Broken)?.to_ascii_lowercase();
        self.skip_blanks();
        self.rest = self.rest.strip_prefix('=').ok_or(Broken)?;
        self.skip_blanks();
        let value = match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted()?
            }
            None => {
                let value = self.take_until(|c| matches!(c, ',' | ' ' | '\t'));
                if value.is_empty() || value.contains('"') {
                    return Err(Broken);
                }
                value.to_owned()
            }
        };
        Ok((name, value))
    }

    /// The text up to the closing quote; a backslash takes the next character as it is.
    fn quoted(&mut self) -> Result<String, Broken> {
        let mut value = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(value);
                }
                '\\' => value.push(chars.next().ok_or(Broken)?.1),
                c => value.push(c),
            }
        }
        Err(Broken)
    }

    /// Takes a lone credential such as `Negotiate`'s, if there is one.
    fn token68(&mut self) -> bool {
        let is_68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let rest = self.rest.trim_start_matches(is_68);
        if rest.len() == self.rest.len() {
            return false;
        }
        let rest = rest.trim_start_matches('=').trim_start_matches([' ', '\t']);
        let lone = rest.is_empty() || rest.starts_with(',');
        if lone {
            self.rest = rest;
        }
        lone
    }

    /// Whether a parameter starts here rather than the next challenge.
    fn starts_param(&mut self) -> bool {
        self.name().is_some() && {
            self.skip_blanks();
            self.rest.starts_with('=')
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let token = self.take_until(|c| !is_token_char(c));
        (!token.is_empty()).then_some(token)
    }

    /// A parameter's name. One that is not ASCII is one that nothing asks for.
    fn name(&mut self) -> Option<&'a str> {
        let name = self.take_until(|c| c.is_ascii() && !is_token_char(c));
        (!name.is_empty()).then_some(name)
    }

    fn take_until(&mut self, end: impl FnMut(char) -> bool) -> &'a str {
        let at = self.rest.find(end).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(at);
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn at_end_of_item(&self) -> bool {
        self.rest.is_empty() || self.rest.starts_with(',')
    }

    /// Skips a broken challenge: to the next comma outside quotes that is followed by a scheme. An open quote swallows the rest of the line.
    fn skip_broken(&mut self) {
        loop {
            self.take_until(|c| matches!(c, ',' | '"'));
            if let Some(rest) = self.rest.strip_prefix('"') {
                self.rest = rest;
                if self.quoted().is_err() {
                    self.rest = "";
                }
            }
            self.rest = match self.rest.strip_prefix(',') {
                Some(rest) => rest.trim_start_matches(SEPARATORS),
                None if self.rest.is_empty() => return,
                None => continue,
            };
            let mut ahead = Parser { rest: self.rest };
            if !ahead.starts_param() {
                return;
            }
        }
    }
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

const SEPARATORS: [char; 3] = [' ', '\t', ','];

#[cfg(test)]
mod tests;
