//! The suite that every plugin passes.

#[test]
fn it_is_a_credential_plugin() {
    let cloud = regcred_tests::clouds::start("generic");
    regcred_tests::conformance::run(env!("CARGO_BIN_EXE_generic-credential-provider"), &*cloud);
}
