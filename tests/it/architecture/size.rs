//! A file is one idea.

use std::fs;

use super::workspace::{shown, sources};

#[test]
fn a_hand_written_file_can_be_read_at_one_sitting() {
    let mut long = Vec::new();
    for file in sources() {
        let lines = fs::read_to_string(&file).expect("source").lines().count();
        if lines > LONGEST {
            long.push(format!("{} has {lines} lines", shown(&file)));
        }
    }
    assert!(long.is_empty(), "split these: {long:#?}");
}

const LONGEST: usize = 500;
