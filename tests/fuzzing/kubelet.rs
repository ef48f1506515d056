//! The kubelet's documents.

use regcred_api::pull_record::{ImagePullIntent, ImagePulledRecord};
use regcred_api::{
    ApiVersion, CredentialProviderRequest, CredentialProviderResponse, decode_config,
};
use regcred_node::{Entries, NewEntry, add_entries};

use crate::message::shown;

pub(crate) fn request(input: &[u8]) {
    let request = match CredentialProviderRequest::from_slice(input) {
        Ok(request) => request,
        Err(error) => return drop(shown(&error)),
    };
    let printed = request.to_vec();
    let again = CredentialProviderRequest::from_slice(&printed).expect("what was printed is read");
    assert_eq!(again.image, request.image);
    assert_eq!(again.to_vec(), printed);
}

pub(crate) fn response(input: &[u8]) {
    for version in ApiVersion::ALL {
        let answer = match CredentialProviderResponse::decode(input, *version, None) {
            Ok(answer) => answer,
            Err(error) => {
                shown(&error);
                continue;
            }
        };
        let again = CredentialProviderResponse::decode(&answer.to_vec(), *version, None);
        let again = again.expect("what was printed is read");
        assert_eq!(again.cache_duration, answer.cache_duration);
        assert_eq!(again.cache_key_type, answer.cache_key_type);
        assert_eq!(again.auth, answer.auth);
        if let Some((_, login)) = answer.auth.first() {
            let token = Some(&login.password);
            let echoed = CredentialProviderResponse::decode(input, *version, token);
            assert!(echoed.is_err(), "the pod's token came back as a password");
        }
    }
}

pub(crate) fn provider_config(input: &[u8]) {
    let config = match decode_config(input) {
        Ok(config) => config,
        Err(error) => return drop(shown(&error)),
    };
    if let Err(error) = Entries::of(input) {
        shown(&error);
    }
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let entry = NewEntry {
        name: "added".to_owned(),
        json: JSON_ENTRY.to_owned().into(),
        yaml: YAML_ENTRY.to_owned().into(),
    };
    match add_entries(text, &config, &[entry]) {
        Err(error) => drop(shown(&error)),
        Ok(added) => {
            let same = text.bytes().zip(added.bytes());
            let same = same.take_while(|(old, new)| old == new).count();
            let rest = &text.as_bytes()[same..];
            assert!(added.as_bytes().ends_with(rest), "the rest changed");
            let after = decode_config(added.as_bytes()).expect("what was added to is read");
            let mut kept = config.providers.iter().zip(&after.providers);
            assert!(kept.all(|(old, new)| old.is_same(new)), "an entry changed");
            assert_eq!(after.providers.len(), config.providers.len() + 1);
        }
    }
}

pub(crate) fn pull_record(input: &[u8]) {
    match ImagePulledRecord::from_slice(input) {
        Err(error) => drop(shown(&error)),
        Ok((record, _)) => {
            let printed = record.to_vec();
            let (again, _) = ImagePulledRecord::from_slice(&printed).expect("read again");
            assert_eq!(again.image_ref, record.image_ref);
            assert_eq!(again.credential_mapping, record.credential_mapping);
            assert_eq!(again.to_vec(), printed);
        }
    }
    match ImagePullIntent::from_slice(input) {
        Err(error) => drop(shown(&error)),
        Ok((intent, _)) => {
            let (again, _) = ImagePullIntent::from_slice(&intent.to_vec()).expect("read again");
            assert_eq!(again, intent);
        }
    }
}

const JSON_ENTRY: &str = r#"{"name":"added","matchImages":["added.example"],"defaultCacheDuration":"1m","apiVersion":"credentialprovider.kubelet.k8s.io/v1"}"#;
const YAML_ENTRY: &str = "- name: added\n  matchImages:\n  - added.example\n  defaultCacheDuration: 1m\n  apiVersion: credentialprovider.kubelet.k8s.io/v1\n";
