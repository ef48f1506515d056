//! A tar file (POSIX ustar, with pax records where a name or a size needs them).

use std::io::{self, Write};

/// Writes files one after another.
pub(super) struct Tar<W>(W);

impl<W: Write> Tar<W> {
    pub(super) fn new(out: W) -> Self {
        Self(out)
    }

    /// Adds a file that is in memory.
    pub(super) fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.begin(name, content.len() as u64)?;
        self.0.write_all(content)?;
        self.end(content.len() as u64)
    }

    /// Begins a file of that size, whose bytes go to [`Tar::out`], and then [`Tar::end`].
    pub(super) fn begin(&mut self, name: &str, size: u64) -> io::Result<()> {
        let mut records = String::new();
        if name.len() > LONGEST_NAME {
            records.push_str(&record("path", name));
        }
        if size > LARGEST_SIZE {
            records.push_str(&record("size", &size.to_string()));
        }
        if !records.is_empty() {
            let length = records.len() as u64;
            self.0.write_all(&header("pax", length, b'x'))?;
            self.0.write_all(records.as_bytes())?;
            self.end(length)?;
        }
        let short = name.get(..name.len().min(LONGEST_NAME)).unwrap_or("file");
        self.0
            .write_all(&header(short, size.min(LARGEST_SIZE), b'0'))
    }

    pub(super) fn out(&mut self) -> &mut W {
        &mut self.0
    }

    /// Fills the last block of a file of that size.
    pub(super) fn end(&mut self, size: u64) -> io::Result<()> {
        let rest = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        match rest {
            0 => Ok(()),
            rest => self.0.write_all(&[0; BLOCK][rest..]),
        }
    }

    /// Ends the tar file.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.write_all(&[0; 2 * BLOCK])?;
        self.0.flush()
    }
}

/// A pax record begins with its own length.
fn record(name: &str, value: &str) -> String {
    let rest = format!(" {name}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

fn header(name: &str, size: u64, kind: u8) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &str| {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(257, "ustar\x0000");
    header[156] = kind;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

const BLOCK: usize = 512;
const LONGEST_NAME: usize = 100;
/// Eleven octal digits.
const LARGEST_SIZE: u64 = 0o77_777_777_777;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        assert_eq!(record("path", "a"), "10 path=a\n");
        let long = record("path", &"a".repeat(90));
        assert_eq!(long.len(), 99);
        assert!(long.starts_with("99 path="));
        let longer = record("path", &"a".repeat(91));
        assert!(
            longer.starts_with("101 path=") && longer.len() == 101,
            "{longer}"
        );
    }

    #[test]
    fn files_fill_whole_blocks() {
        let mut out = Vec::new();
        let mut tar = Tar::new(&mut out);
        tar.add("a", b"x").expect("memory");
        tar.add("b", &[1; BLOCK]).expect("memory");
        tar.finish().expect("memory");
        assert_eq!(out.len(), 6 * BLOCK);
        assert_eq!(&out[257..263], b"ustar\0");
    }

    #[test]
    fn a_long_name_and_a_large_size_have_records() {
        let mut out = Vec::new();
        let mut tar = Tar::new(&mut out);
        tar.begin(&"n".repeat(150), LARGEST_SIZE + 1)
            .expect("memory");
        assert_eq!(out.len(), 3 * BLOCK);
        assert_eq!(out[156], b'x');
        let records = String::from_utf8_lossy(&out[BLOCK..2 * BLOCK]);
        assert!(
            records.contains("path=nnn") && records.contains("size=8589934592\n"),
            "{records}"
        );
    }
}
