//! `make demo` as a test: it checks itself and fails if anything is not as it says.

use regcred_tests::Program;

#[test]
fn the_demo_holds_what_it_claims() {
    let demo = Program::ours("demo").run();
    let said = demo.success();
    assert!(said.contains("SIMULATED"), "{said}");
    assert!(said.contains("8. A wrong credential is refused"), "{said}");
}

#[test]
fn it_does_not_empty_a_directory_that_is_not_its_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let precious = directory.path().join("precious");
    std::fs::write(&precious, "x").expect("a file");
    let demo = Program::ours("demo").arg(directory.path()).run();
    assert_eq!(demo.code(), Some(1));
    assert!(precious.exists());
}
