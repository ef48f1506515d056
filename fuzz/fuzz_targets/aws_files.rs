#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| regcred_fuzzing::run("aws_files", input));
