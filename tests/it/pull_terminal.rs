//! What `regcred pull` shows on a terminal, by `script`, which makes one.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use regcred_tests::oci_registry::{Access, Fault};
use regcred_tests::program::built;
use regcred_tests::{FakeRegistry, Image, Node, Program, need, until};

#[test]
fn a_terminal_that_cannot_move_its_cursor_has_plain_lines() {
    let image = Image::single(51, 1, 50_000);
    let registry = FakeRegistry::start(Access::Open);
    registry.push("team/app", "v1", &image);
    for term in [Some("dumb"), None] {
        let node = Node::new();
        let Some(mut pull) = on_terminal(&node, &registry, 80) else {
            return;
        };
        if let Some(term) = term {
            pull = pull.env("TERM", term);
        }
        let shown = pull.run().success();
        assert!(shown.contains(": done, "), "{shown}");
        assert!(shown.contains("stored as oci:"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
}

#[test]
fn bars_fit_a_narrow_terminal_and_ctrl_c_leaves_none_of_them() {
    let image = Image::single(52, 1, 4_000_000);
    let layer = image.blobs_of(image.digest())[1].clone();
    let registry = FakeRegistry::start(Access::Open);
    registry.push("team/app", "v1", &image);
    registry.set_fault(&layer, Some(Fault::StallAfter(2_000_000)));
    let node = Node::new();
    let Some(pull) = on_terminal(&node, &registry, COLUMNS) else {
        return;
    };
    let keys = node.root().join("keys");
    let _ = Program::new("/usr/bin/mkfifo").arg(&keys).run().success();
    let running = pull.env("TERM", "xterm").start();
    let mut keyboard = OpenOptions::new().write(true).open(&keys).expect("a fifo");
    until("the middle", || partial(&node.store()) >= 1_500_000);
    keyboard.write_all(b"\x03").expect("Ctrl-C");
    let done = running.finish();
    assert_eq!(done.code(), Some(130), "{}", done.stdout());
    drop(keyboard);

    let all = done.stdout();
    let (before, _) = all.rsplit_once("^C").expect("the terminal shows it");
    let before = screen(before, COLUMNS);
    let (total, bars) = before.split_last().expect("lines");
    assert!(bars.iter().all(|bar| bar.contains('[')), "{before:#?}");
    // A small blob that has just ended may still be shown.
    let of_layer = bars.iter().filter(|bar| bar.ends_with("/3.82 MiB"));
    assert_eq!(of_layer.count(), 1, "{before:#?}");
    assert!(total.ends_with("/s"), "{total}");
    let after = screen(&all, COLUMNS);
    assert_eq!(after.len(), 1, "{after:#?}");
    assert!(after[0].ends_with("interrupted"), "{after:#?}");
}

/// A pull of `team/app:v1` on a terminal of that width, without `TERM`. Its keys come from the FIFO
/// `keys` in the node's directory, if there is one when it starts.
fn on_terminal(node: &Node, registry: &FakeRegistry, columns: usize) -> Option<Program> {
    let script = need("script")?;
    let pull = format!(
        "stty cols {columns} rows 24; exec {} pull --store {} {}/team/app:v1",
        built("regcred").display(),
        node.store().display(),
        registry.server().authority(),
    );
    Some(
        Program::new("/bin/sh")
            .args(["-c", RUN, "sh"])
            .arg(node.root().join("keys"))
            .arg(script)
            .arg(pull)
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", node.root().join("home")),
    )
}

/// What a terminal of that width shows after these bytes, line by line, without empty lines.
fn screen(bytes: &str, columns: usize) -> Vec<String> {
    let mut rows = vec![vec![' '; columns]];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut rest = bytes.chars();
    while let Some(next) = rest.next() {
        match next {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                let mut count = String::new();
                let end = rest.find(|c| {
                    count.extend(Some(*c).filter(char::is_ascii_digit));
                    c.is_ascii_alphabetic()
                });
                let count = count.parse().unwrap_or(1);
                match end {
                    Some('A') => row = row.saturating_sub(count),
                    Some('B') => row += count,
                    Some('C') => column = (column + count).min(columns - 1),
                    Some('D') => column = column.saturating_sub(count),
                    Some('K') => rows[row].fill(' '),
                    other => panic!("{other:?} in {bytes:?}"),
                }
            }
            shown => {
                if column == columns {
                    (row, column) = (row + 1, 0);
                }
                rows.resize(rows.len().max(row + 1), vec![' '; columns]);
                rows[row][column] = shown;
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), vec![' '; columns]);
    }
    let lines = rows.iter().map(|row| row.iter().collect::<String>());
    let lines = lines.map(|line| line.trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// The bytes of unfinished blobs in a store.
fn partial(store: &Path) -> u64 {
    let ingest = store.join("ingest").read_dir().into_iter().flatten();
    let files = ingest.flatten().filter_map(|entry| entry.metadata().ok());
    files.map(|file| file.len()).sum()
}

/// `sh -c RUN sh KEYS SCRIPT PULL`: its keys come from the FIFO, if there is one.
const RUN: &str = "[ -p \"$1\" ] && exec <\"$1\"; exec \"$2\" -qefc \"$3\" /dev/null";
const COLUMNS: usize = 40;
