use regcred_core::{Env, report};
use regcred_http_testing::Ca;
use rustls_pki_types::pem::PemObject as _;

use super::*;

fn certificate() -> String {
    rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
        .expect("key")
        .cert
        .pem()
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

/// The subjects of the roots in a bundle, in order, and how many there are.
fn trusted(bundle: &[u8]) -> (usize, Vec<Vec<u8>>) {
    let mut roots = Roots::default();
    let is_usable = roots.add_pem(bundle.to_vec());
    let store = roots.store(|_| true);
    assert_eq!(is_usable, !store.is_empty());
    let keys = store.roots.iter();
    let keys = keys.map(|root| root.subject_public_key_info.to_vec());
    (store.len(), keys.collect())
}

/// The same by rustls's own reader.
fn trusted_by_rustls(bundle: &[u8]) -> (usize, Vec<Vec<u8>>) {
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(bundle).filter_map(Result::ok);
    let added = store.add_parsable_certificates(certificates).0;
    let keys = store.roots.iter();
    let keys = keys.map(|root| root.subject_public_key_info.to_vec());
    (added, keys.collect())
}

#[test]
fn an_unreadable_certificate_is_left_out_and_the_rest_stays() {
    let good = certificate();
    let only = trusted_by_rustls(good.as_bytes());
    assert_eq!(only.0, 1);
    for broken in [
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "---- a comment -----BEGIN",
    ] {
        let bundle = format!("# first\r\n{broken}\n{good}\n-----BEGIN CERTIFICATE-----\nAA");
        assert_eq!(trusted(bundle.as_bytes()), only, "{broken}");
        assert_eq!(trusted(broken.as_bytes()).0, 0);
    }
    assert_eq!(trusted(b"").0, 0);
}

#[test]
fn a_sound_bundle_keeps_every_certificate() {
    let (first, second) = (certificate(), certificate());
    for bundle in [
        format!("{first}{second}"),
        format!("{first}{second}").replace('\n', "\r\n"),
        format!("subject=x\n{first}\n\nsubject=y\n{}", second.trim_end()),
    ] {
        let all = trusted_by_rustls(bundle.as_bytes());
        assert_eq!(all.0, 2);
        assert_eq!(trusted(bundle.as_bytes()), all);
    }
}

#[test]
fn the_systems_bundle_is_read_as_rustls_reads_it() {
    let found = BUNDLES.iter().find_map(|path| fs::read(path).ok());
    let Some(bundle) = found else { return };
    assert_eq!(trusted(&bundle), trusted_by_rustls(&bundle));
}

#[test]
fn a_named_bundle_must_be_readable_whole_and_hold_a_certificate() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("ca.pem");
    let mut options = ClientOptions::new(&Env::map([("SSL_CERT_FILE", path.to_str().unwrap())]));
    let load = |options: &ClientOptions| RootSource::new(options).load();
    let fails = |options: &ClientOptions| report(&load(options).expect_err("unusable"));
    assert!(fails(&options).contains("ca.pem of SSL_CERT_FILE: No such file"));
    fs::write(&path, "no certificate").expect("file");
    assert!(fails(&options).contains("no usable PEM certificate"));
    let mut long = certificate().into_bytes();
    fs::write(&path, &long).expect("file");
    assert_eq!(load(&options).expect("one").roots.len(), 1);
    long.resize(usize::try_from(LARGEST).unwrap() + 1, b'\n');
    fs::write(&path, &long).expect("file");
    assert!(fails(&options).contains("it is larger than 16 MiB"));
    options.ca_bundle = Some(CaBundle {
        path: "/nowhere/own.pem".into(),
        named_by: "AWS_CA_BUNDLE",
    });
    let error = fails(&options);
    assert!(
        error.contains("/nowhere/own.pem of AWS_CA_BUNDLE"),
        "{error}"
    );
}

#[test]
fn the_names_of_a_certificate_are_those_that_webpki_compares() {
    let found = BUNDLES.iter().find_map(|path| fs::read(path).ok());
    let mut roots = Roots::default();
    let own = certificate();
    for pem in [own.replace('\n', "\r\n"), own.replace('\n', ""), own] {
        assert!(roots.add_pem(pem.into_bytes()));
    }
    roots.add_pem(found.unwrap_or_default());
    for root in &roots.roots {
        let der = roots.der(root).expect("base64");
        let mut store = RootCertStore::empty();
        if store.add(der.clone()).is_err() {
            continue;
        }
        let anchor = &store.roots[0];
        let named = names(&der).expect("names");
        assert_eq!(named.subject, anchor.subject.as_ref());
        assert_eq!(root.subject.as_deref(), Some(named.subject));
        assert!(roots.holds(&der));
        assert_eq!(named.issuer, named.subject, "a root signs itself");
    }
}

#[test]
fn what_is_not_a_certificate_has_no_names() {
    let pem = certificate();
    let der = der(&pem);
    assert!(names(&der).is_some());
    // Every beginning of it: no length leads past its end.
    for end in 0..der.len() {
        assert!(names(&der[..end]).is_none(), "{end}");
    }
    for other in [
        &[0x30, 0x83, 0, 0, 1, 0][..],
        &[0x30, 0x80],
        &[0x30, 0x81],
        &[0x30, 0x82, 1],
    ] {
        assert!(names(other).is_none());
    }
}

#[test]
fn a_chain_is_compared_with_the_roots_that_it_names_and_else_with_all() {
    let (ours, other) = (Ca::new(), Ca::new());
    let mut roots = Roots::default();
    assert!(roots.add_pem(ours.pem.clone().into_bytes()));
    assert!(roots.add_pem(certificate().into_bytes()));
    let leaf = |ca: &Ca| der(&ca.sign("127.0.0.1").0);
    assert_eq!(roots.for_chain(&[&leaf(&ours)]).len(), 1);
    let text = CertificateDer::from(vec![0x30, 0]);
    assert_eq!(roots.for_chain(&[&text, &leaf(&ours)]).len(), 1);
    assert_eq!(roots.for_chain(&[&text, &leaf(&other)]).len(), 2);
}
