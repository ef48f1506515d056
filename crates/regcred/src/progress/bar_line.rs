//! The lines of the bars, fitted to the width of the terminal: first the bar becomes shorter, then it is
//! left out, then the name is cut at its beginning. The numbers stay.

use indicatif::BinaryBytes;
use regcred_registry::Digest;

use super::short_digest::short;

/// The line of a running download, with a note such as why it is repeated.
pub(super) fn blob(columns: usize, digest: &Digest, done: u64, size: u64, note: &str) -> String {
    let name = format!("  {}", short(digest));
    let count = counted(done, size);
    let around = name.len() + " [] ".len() + count.len();
    let room = columns.saturating_sub(around).min(LONGEST_BAR);
    let bar = if room < SHORTEST_BAR {
        String::new()
    } else {
        format!("[{}] ", bar(room, done, size))
    };
    format!("{name} {bar}{count} {note}").trim_end().to_owned()
}

/// The line of the whole image.
pub(super) fn total(columns: usize, name: &str, done: u64, size: u64, per_second: u64) -> String {
    let count = format!("{} {}/s", counted(done, size), BinaryBytes(per_second));
    let room = columns.saturating_sub(count.len() + 1);
    let length = name.chars().count();
    if length <= room {
        return format!("{name} {count}");
    }
    match room.checked_sub(CUT.len()) {
        Some(kept) if kept >= SHORTEST_NAME => {
            let end: String = name.chars().skip(length - kept).collect();
            format!("{CUT}{end} {count}")
        }
        _ => count,
    }
}

fn counted(done: u64, size: u64) -> String {
    format!("{}/{}", BinaryBytes(done), BinaryBytes(size))
}

fn bar(width: usize, done: u64, size: u64) -> String {
    let filled = u128::from(done.min(size)) * width as u128 / u128::from(size.max(1));
    let filled = usize::try_from(filled).unwrap_or(width);
    let head = if filled < width { ">" } else { "" };
    format!("{:<width$}", format!("{}{head}", "=".repeat(filled)))
}

const CUT: &str = "...";
const SHORTEST_NAME: usize = 8;
const SHORTEST_BAR: usize = 5;
const LONGEST_BAR: usize = 30;

#[cfg(test)]
mod tests {
    use regcred_registry::Descriptor;

    use super::*;

    #[test]
    fn a_bar_shrinks_with_the_terminal_and_the_numbers_stay() {
        let digest = Descriptor::of("a/b", b"{}").digest;
        let line = |columns| blob(columns, &digest, 60 << 20, 195 << 20, "");
        assert_eq!(
            line(80),
            "  44136fa355b3 [=========>                    ] 60.00 MiB/195.00 MiB"
        );
        assert_eq!(line(48), "  44136fa355b3 [===>      ] 60.00 MiB/195.00 MiB");
        assert_eq!(line(36), "  44136fa355b3 60.00 MiB/195.00 MiB");
        assert_eq!(line(5), line(36));
        for columns in 36..200 {
            assert!(line(columns).len() <= columns, "{columns}");
        }
        assert!(blob(80, &digest, 0, 0, "").contains("] 0 B/0 B"));
        assert!(
            blob(80, &digest, 9, 9, "x").contains("[==============================] 9 B/9 B x")
        );
    }

    #[test]
    fn a_long_name_is_cut_at_its_beginning() {
        let name = "registry.example.com/team/application:v1";
        let line = |columns| total(columns, name, 1 << 20, 2 << 20, 512);
        let numbers = "1.00 MiB/2.00 MiB 512 B/s";
        assert_eq!(line(80), format!("{name} {numbers}"));
        assert_eq!(line(50), format!("...m/team/application:v1 {numbers}"));
        assert_eq!(line(30), numbers);
        for columns in 26..200 {
            assert!(line(columns).len() <= columns, "{columns}");
        }
    }
}
