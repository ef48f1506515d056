//! Which credentials open an image that is there.

use super::*;

#[test]
fn a_pod_with_a_known_credential_may_use_the_image() {
    let full: Vec<(String, String)> = (0..100)
        .map(|n| (format!("s{n}"), format!("u{n}")))
        .collect();
    let full: Vec<_> = full
        .iter()
        .map(|(name, uid)| (name.as_str(), uid.as_str(), "h"))
        .collect();
    for (what, known, pods, granted, learned) in [
        (
            "the same",
            &[("a", "1", "h")][..],
            &[("a", "1", "h")][..],
            true,
            1,
        ),
        (
            "equal content elsewhere",
            &[("a", "1", "h")],
            &[("b", "2", "h")],
            true,
            2,
        ),
        (
            "a rotated Secret",
            &[("a", "1", "h")],
            &[("a", "1", "new")],
            true,
            1,
        ),
        (
            "a Secret that was recreated",
            &[("a", "1", "h")],
            &[("a", "2", "new")],
            false,
            1,
        ),
        ("another", &[("a", "1", "h")], &[("b", "2", "i")], false, 1),
        ("no hash", &[("a", "1", "")], &[("b", "2", "")], false, 1),
        ("no UID", &[("a", "", "h")], &[("a", "", "new")], false, 1),
        ("nothing", &[("a", "1", "h")], &[], false, 1),
        (
            "equal content, no room",
            &full,
            &[("b", "2", "h")],
            true,
            100,
        ),
        (
            "rotated, no room",
            &full,
            &[("s1", "u1", "new")],
            false,
            100,
        ),
    ] {
        let bench = Bench::new();
        bench.pulled(IMAGE, &of(known));
        let Access::OnlyWith(stored) = bench.judge(&VerificationPolicy::AlwaysVerify) else {
            panic!("{what}");
        };
        let found = bench.records.grant(IMAGE, ID, &stored, &pod(pods));
        assert_eq!(found, granted, "{what}");
        let record = bench.records.record(ID).expect("readable").expect("there");
        let secrets = &record.credential_mapping["h.io/team/app"].kubernetes_secrets;
        assert_eq!(secrets.len(), learned, "{what}");
        if what == "a rotated Secret" {
            assert_eq!(secrets[0].credential_hash, "new");
        }
    }
}

#[test]
fn a_service_account_is_known_by_all_three() {
    let account = |uid: &str| ServiceAccountCoordinates {
        namespace: "ns".to_owned(),
        name: "sa".to_owned(),
        uid: uid.to_owned(),
    };
    let bench = Bench::new();
    let known = ImagePullCredentials {
        kubernetes_service_accounts: vec![account("1")],
        ..ImagePullCredentials::default()
    };
    bench.pulled(IMAGE, &known);
    for (uid, granted) in [("1", true), ("2", false)] {
        let pod = PodCredentials {
            service_account: Some(account(uid)),
            ..PodCredentials::default()
        };
        assert_eq!(bench.records.grant(IMAGE, ID, &known, &pod), granted);
    }
}
