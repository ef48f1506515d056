//! The scopes of a plugin's earlier answers, so that images of one registry can share a run.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use regcred_core::CacheScope;

use super::cache::{GLOBAL, registry};

/// The scope of the last answer, by registry.
#[derive(Default)]
pub(super) struct Scopes(Mutex<HashMap<String, CacheScope>>);

impl Scopes {
    /// The name under which runs for an image are shared: the image's own until an answer had a wider
    /// scope.
    pub(super) fn base<'a>(&self, image: &'a str) -> &'a str {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(registry(image)) {
            Some(CacheScope::Global) => GLOBAL,
            Some(CacheScope::Registry) => registry(image),
            Some(CacheScope::Image) | None => image,
        }
    }

    /// Remembers the scope of the last answer for an image.
    pub(super) fn learn(&self, image: &str, scope: CacheScope) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REGISTRIES {
            known.clear();
        }
        known.insert(registry(image).to_owned(), scope);
    }
}

/// More than any node pulls from. To forget one costs one run.
const MAX_REGISTRIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_counts() {
        let scopes = Scopes::default();
        for (scope, base) in [
            (None, "h.io/a"),
            (Some(CacheScope::Registry), "h.io"),
            (Some(CacheScope::Global), "<global>"),
            (Some(CacheScope::Image), "h.io/a"),
        ] {
            if let Some(scope) = scope {
                scopes.learn("h.io/b", scope);
            }
            assert_eq!(scopes.base("h.io/a"), base);
            assert_eq!(scopes.base("i.io/a"), "i.io/a");
        }
    }
}
