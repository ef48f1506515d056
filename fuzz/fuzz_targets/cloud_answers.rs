#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| regcred_fuzzing::run("cloud_answers", input));
