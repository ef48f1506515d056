//! New credentials in a record (kubernetes `pulledRecordMergeNewCreds`).

use std::collections::BTreeMap;

use regcred_api::pull_record::{ImagePullCredentials, ImagePullSecret, ImagePulledRecord};

/// Adds credentials under a name. Access for the whole node replaces everything and is final. There is one Secret for each namespace, name and UID, with the
/// newest hash. If nothing is new, the order stays.
pub(super) fn merge(record: &mut ImagePulledRecord, name: &str, new: &ImagePullCredentials) {
    if *new == ImagePullCredentials::default() {
        return;
    }
    let Some(known) = record.credential_mapping.get_mut(name) else {
        let mapping = &mut record.credential_mapping;
        mapping.insert(name.to_owned(), new.clone());
        return;
    };
    if known.node_pods_accessible {
        return;
    }
    if new.node_pods_accessible {
        *known = ImagePullCredentials::of_the_node();
        return;
    }
    // One pull has one credential: never both kinds.
    if !new.kubernetes_secrets.is_empty() {
        merge_secrets(&mut known.kubernetes_secrets, &new.kubernetes_secrets);
        return;
    }
    let accounts = &mut known.kubernetes_service_accounts;
    let before = accounts.len();
    for account in &new.kubernetes_service_accounts {
        if !accounts.contains(account) {
            accounts.push(account.clone());
        }
    }
    if accounts.len() > before {
        accounts.sort();
    }
}

/// Whether both are one Secret. A file without a manifest has no UID, and its name proves nothing.
pub(super) fn is_same_secret(one: &ImagePullSecret, other: &ImagePullSecret) -> bool {
    !one.uid.is_empty() && coordinates(one) == coordinates(other)
}

fn merge_secrets(known: &mut Vec<ImagePullSecret>, new: &[ImagePullSecret]) {
    let mut all: BTreeMap<_, _> = known.iter().map(|one| (coordinates(one), one)).collect();
    let mut changed = false;
    for secret in new {
        changed |= all.insert(coordinates(secret), secret) != Some(secret);
    }
    if changed {
        *known = all.into_values().cloned().collect();
    }
}

fn coordinates(secret: &ImagePullSecret) -> (&str, &str, &str) {
    (&secret.namespace, &secret.name, &secret.uid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regcred_core::ServiceAccountCoordinates;

    use super::*;

    fn secret(name: &str, hash: &str) -> ImagePullCredentials {
        ImagePullCredentials {
            kubernetes_secrets: vec![ImagePullSecret {
                namespace: "ns".into(),
                name: name.into(),
                uid: "u".into(),
                credential_hash: hash.into(),
            }],
            ..ImagePullCredentials::default()
        }
    }

    fn account(name: &str) -> ImagePullCredentials {
        ImagePullCredentials {
            kubernetes_service_accounts: vec![ServiceAccountCoordinates {
                namespace: "ns".into(),
                name: name.into(),
                uid: "u".into(),
            }],
            ..ImagePullCredentials::default()
        }
    }

    /// Names with hashes, then accounts, and whether the node may.
    fn shown(record: &ImagePulledRecord) -> (String, bool) {
        let known = &record.credential_mapping["i"];
        let secrets = known.kubernetes_secrets.iter();
        let secrets = secrets.map(|s| format!("{}={}", s.name, s.credential_hash));
        let accounts = known.kubernetes_service_accounts.iter();
        let all: Vec<_> = secrets.chain(accounts.map(|a| a.name.clone())).collect();
        (all.join(" "), known.node_pods_accessible)
    }

    #[test]
    fn credentials_are_merged_by_their_coordinates() {
        let mut record = ImagePulledRecord::default();
        let node = ImagePullCredentials::of_the_node();
        for (new, changed, found, of_the_node) in [
            (secret("b", "1"), true, "b=1", false),
            (ImagePullCredentials::default(), false, "b=1", false),
            (secret("b", "1"), false, "b=1", false),
            (secret("a", "1"), true, "a=1 b=1", false),
            (secret("b", "2"), true, "a=1 b=2", false),
            (account("z"), true, "a=1 b=2 z", false),
            (account("z"), false, "a=1 b=2 z", false),
            (account("y"), true, "a=1 b=2 y z", false),
            (node.clone(), true, "", true),
            (node, false, "", true),
            (secret("c", "1"), false, "", true),
        ] {
            let before = record.clone();
            merge(&mut record, "i", &new);
            assert_eq!(record != before, changed, "{new:?}");
            assert_eq!(shown(&record), (found.to_owned(), of_the_node), "{new:?}");
        }
        merge(&mut record, "other", &secret("c", "1"));
        assert_eq!(record.credential_mapping.len(), 2, "names do not share");
    }

    proptest! {
        #[test]
        fn the_order_of_pulls_does_not_matter(order in Just(vec![0, 1, 2, 3]).prop_shuffle()) {
            let all = [secret("a", "1"), secret("b", "1"), account("x"), account("y")];
            let mut record = ImagePulledRecord::default();
            for at in order {
                merge(&mut record, "i", &all[at]);
            }
            prop_assert_eq!(shown(&record), ("a=1 b=1 x y".to_owned(), false));
        }
    }
}
