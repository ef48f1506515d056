//! The suite that every plugin passes.

#[test]
fn it_is_a_credential_plugin() {
    let cloud = regcred_tests::clouds::start("gcr");
    regcred_tests::conformance::run(env!("CARGO_BIN_EXE_gcr-credential-provider"), &*cloud);
}
