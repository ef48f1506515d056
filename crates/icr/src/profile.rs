//! A trusted profile: who a token is for.

use regcred_core::{Env, ProviderError};

use crate::{ERRORS, vars};

/// A trusted profile, by one or several of its names. They must mean the same profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// `Profile-<uuid>`.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) crn: Option<String>,
    /// The account in which `name` is looked up, when another identity assumes the profile.
    pub(crate) account: Option<String>,
}

impl Profile {
    /// The profile that the environment names, if it names one.
    ///
    /// # Errors
    /// When it names one by id and by CRN. IBM's SDKs refuse that pair too.
    pub(crate) fn read(env: &Env) -> Result<Option<Self>, ProviderError> {
        let get = |name| env.get(name).map(|v| v.trim().to_owned());
        let mut profile = env
            .get(vars::CR_PROFILE)
            .map_or_else(Self::default, Self::named);
        profile.id = get(vars::PROFILE_ID)
            .or_else(|| get(vars::PROFILE_ID_ALIAS))
            .or(profile.id);
        profile.name = get(vars::PROFILE_NAME).or(profile.name);
        profile.crn = get(vars::PROFILE_CRN).or(profile.crn);
        profile.account = get(vars::ACCOUNT_ID);
        let named = profile.id.is_some() || profile.name.is_some() || profile.crn.is_some();
        if profile.id.is_some() && profile.crn.is_some() {
            return Err(ERRORS.misconfigured(format!(
                "the trusted profile is named by id and by CRN: set only one of {} and {} ({} is \
                 either)",
                vars::PROFILE_ID,
                vars::PROFILE_CRN,
                vars::CR_PROFILE
            )));
        }
        Ok(named.then_some(profile))
    }

    /// A profile by the one text in a variable or an annotation: id, CRN or name.
    pub(crate) fn named(text: &str) -> Self {
        let text = text.trim();
        let mut profile = Self::default();
        let name = if text.starts_with("Profile-") {
            &mut profile.id
        } else if text.starts_with("crn:") {
            &mut profile.crn
        } else {
            &mut profile.name
        };
        *name = Some(text.to_owned());
        profile
    }

    /// The form fields that name it at IAM's token endpoint.
    pub(crate) fn form(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("profile_id", &self.id),
            ("profile_name", &self.name),
            ("profile_crn", &self.crn),
        ];
        fields
            .into_iter()
            .filter_map(|(field, value)| Some((field, value.as_deref()?)))
            .collect()
    }

    /// All its names, for cache keys.
    pub(crate) fn stable_name(&self) -> String {
        let names = [&self.id, &self.name, &self.crn, &self.account];
        names
            .map(|name| name.as_deref().unwrap_or_default())
            .join(" ")
    }

    /// The name for messages.
    pub(crate) fn label(&self) -> &str {
        [&self.id, &self.crn, &self.name]
            .into_iter()
            .find_map(Option::as_deref)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_is_an_id_a_crn_or_a_name() {
        assert_eq!(
            Profile::named("Profile-1").form(),
            [("profile_id", "Profile-1")]
        );
        assert_eq!(
            Profile::named("crn:v1:x").form(),
            [("profile_crn", "crn:v1:x")]
        );
        assert_eq!(
            Profile::named(" puller\n").form(),
            [("profile_name", "puller")]
        );
    }

    #[test]
    fn exact_variables_win_over_the_short_one() {
        let env = Env::map([
            (vars::CR_PROFILE, "Profile-short"),
            (vars::PROFILE_ID, "Profile-exact"),
            (vars::PROFILE_NAME, "n"),
        ]);
        let profile = Profile::read(&env)
            .expect("one name of a kind")
            .expect("named");
        assert_eq!(
            profile.form(),
            [("profile_id", "Profile-exact"), ("profile_name", "n")]
        );
        assert_eq!(Profile::read(&Env::default()).expect("none"), None);
    }

    #[test]
    fn an_id_and_a_crn_together_are_refused() {
        for vars in [
            [
                (vars::PROFILE_ID, "Profile-1"),
                (vars::PROFILE_CRN, "crn:v1:x"),
            ],
            [
                (vars::PROFILE_ID_ALIAS, "Profile-1"),
                (vars::PROFILE_CRN, "crn:v1:x"),
            ],
            [
                (vars::CR_PROFILE, "crn:v1:x"),
                (vars::PROFILE_ID, "Profile-1"),
            ],
            [
                (vars::CR_PROFILE, "Profile-1"),
                (vars::PROFILE_CRN, "crn:v1:x"),
            ],
        ] {
            let error = Profile::read(&Env::map(vars)).expect_err("a pair");
            let text = error.to_string();
            assert!(
                text.contains(vars::PROFILE_ID) && text.contains(vars::PROFILE_CRN),
                "{text}"
            );
        }
    }
}
