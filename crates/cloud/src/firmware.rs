//! What the firmware shows of the machine.

use std::path::Path;

use regcred_files::read_text;

/// Whether a file of the firmware, such as `/sys/class/dmi/id/chassis_asset_tag`, holds this text.
#[must_use]
pub fn firmware_holds(file: &Path, text: &str) -> bool {
    read_text(file, LONGEST).is_ok_and(|found| found.trim() == text)
}

/// In bytes; the kernel's files are shorter.
const LONGEST: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_counts_without_the_blanks_around_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("tag");
        assert!(!firmware_holds(&file, "Cloud.com"), "a missing file");
        for (content, expected) in [("Cloud.com\n", true), ("Cloud.com2", false), ("", false)] {
            std::fs::write(&file, content).expect("a file");
            assert_eq!(firmware_holds(&file, "Cloud.com"), expected, "{content}");
        }
        let long = "Cloud.com".to_owned() + &" ".repeat(5000);
        std::fs::write(&file, long).expect("a file");
        assert!(!firmware_holds(&file, "Cloud.com"), "longer than any");
    }
}
