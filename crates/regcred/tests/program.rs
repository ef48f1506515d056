//! The program as a process: what it is called, and what it says to a wrong command.

use regcred_tests::Program;

#[test]
fn it_says_its_version() {
    let said = Program::new(env!("CARGO_BIN_EXE_regcred"))
        .arg("--version")
        .run();
    let expected = concat!("regcred ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(said.success(), expected);
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    let done = Program::new(env!("CARGO_BIN_EXE_regcred"))
        .arg("psuh")
        .run();
    assert_eq!(done.code(), Some(2));
    assert!(done.stderr.contains("psuh"), "{}", done.stderr);
    assert_eq!(done.stdout(), "");
}
