//! The error of a document that could not be read.

use std::fmt;

/// What is wrong with a document and where, in the words of the kubelet or of Go's decoder. Never
/// contains text that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// From the outside to the inside, where the sentence does not name them: `secret "a"`.
    places: Vec<String>,
    sentence: String,
    /// What a person may have meant, and how to write it.
    advice: Option<&'static str>,
}

impl DecodeError {
    /// An error with this sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self {
            places: Vec::new(),
            sentence: sentence.into(),
            advice: None,
        }
    }

    /// The same error with advice, which `Display` shows after the sentence. The first advice stays.
    #[must_use]
    pub fn advise(mut self, advice: Option<&'static str>) -> Self {
        self.advice = self.advice.or(advice);
        self
    }

    /// The same error inside `place`.
    #[must_use]
    pub fn inside(mut self, place: impl Into<String>) -> Self {
        self.places.insert(0, place.into());
        self
    }

    /// The sentence alone, as the kubelet words it. `Display` puts the place before it, such as the
    /// entry of a docker configuration.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in &self.places {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.sentence)?;
        match self.advice {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DecodeError {}
