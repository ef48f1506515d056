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

    /// As text; bytes that are not UTF-8 become U+FFFD, a gap is named with its length. A word at the gap
    /// is left out whole: the rest of a secret would not be recognised.
    pub(crate) fn into_text(self) -> String {
        let mut bytes = self.head;
        let mut tail = Vec::from(self.tail);
        if self.left_out > 0 {
            let length = bytes.len() + tail.len();
            let is_end = |byte: &u8| byte.is_ascii_whitespace();
            bytes.truncate(bytes.iter().rposition(is_end).map_or(0, |at| at + 1));
            tail.drain(..tail.iter().position(is_end).unwrap_or(tail.len()));
            let left_out = self.left_out + (length - bytes.len() - tail.len()) as u64;
            bytes.extend_from_slice(format!("... [{left_out} bytes left out] ...").as_bytes());
        }
        bytes.append(&mut tail);
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
        let mut excerpt = Excerpt::new(14);
        for chunk in [b"ab cd\nef".as_slice(), b"g", b"hijk lm\nno"] {
            excerpt.push(chunk);
        }
        let text = "ab cd\n... [7 bytes left out] ... lm\nno";
        assert_eq!(excerpt.into_text(), text);
        let mut one_word = Excerpt::new(6);
        one_word.push(&[b'x'; 20]);
        assert_eq!(one_word.into_text(), "... [20 bytes left out] ...");
    }
}
