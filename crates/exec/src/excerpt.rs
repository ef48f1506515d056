//! The beginning and the end of a stream of unknown length: a program's first and
//! last messages, whatever it wrote between them.

use std::collections::VecDeque;

pub(crate) struct Excerpt {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Excerpt {
    /// Keeps at most about `limit` bytes: the first half and the last half of them.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            half: limit / 2,
            head: Vec::new(),
            tail: VecDeque::new(),
            left_out: 0,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = self.half - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(self.half);
        self.tail.drain(..over);
        self.left_out += over as u64;
    }

    /// As text; bytes that are not UTF-8 become U+FFFD, a gap is named with its length.
    pub(crate) fn into_text(self) -> String {
        let mut bytes = self.head;
        if self.left_out > 0 {
            bytes.extend_from_slice(
                format!(" ... [{} bytes left out] ... ", self.left_out).as_bytes(),
            );
        }
        bytes.extend(self.tail);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_kept_whole() {
        let mut excerpt = Excerpt::new(10);
        excerpt.push(b"abcdef");
        excerpt.push(b"ghij");
        assert_eq!(excerpt.into_text(), "abcdefghij");
    }

    #[test]
    fn long_text_keeps_its_ends() {
        let mut excerpt = Excerpt::new(6);
        for chunk in [b"abcd".as_slice(), b"e", b"fghijklm"] {
            excerpt.push(chunk);
        }
        assert_eq!(excerpt.into_text(), "abc ... [7 bytes left out] ... klm");
    }
}
