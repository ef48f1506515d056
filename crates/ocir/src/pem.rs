//! PEM blocks as keys and certificates come (RFC 1421 headers and RFC 7468): with text around
//! them, CRLF, blanks, and the `OCI_API_KEY` line that Oracle's command line asks people to append.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

/// One block.
pub(crate) struct Block<'a> {
    /// The type of its data: `RSA PRIVATE KEY`.
    pub(crate) label: &'a str,
    /// Headers before the data: `DEK-Info`.
    headers: Vec<(&'a str, &'a str)>,
    /// The decoded data.
    pub(crate) der: Zeroizing<Vec<u8>>,
}

impl Block<'_> {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(n, _)| *n == name).map(|(_, value)| *value)
    }
}

/// Every block that is whole and whose data is base64, in order.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        rest = after;
        let Some((label, inside)) = after.split_once(DASHES) else {
            break;
        };
        // The data has no dashes: the next ones end the block, or it is broken.
        let end = inside.find(DASHES).unwrap_or(inside.len());
        let (body, after) = inside.split_at(end);
        let is_end = after
            .strip_prefix(END)
            .and_then(|after| after.strip_prefix(label));
        if let Some(after) = is_end.and_then(|after| after.strip_prefix(DASHES)) {
            rest = after;
            blocks.extend(block(label, body));
        }
    }
    blocks
}

fn block<'a>(label: &'a str, body: &'a str) -> Option<Block<'a>> {
    let mut headers = Vec::new();
    let mut data = Zeroizing::new(String::with_capacity(body.len()));
    for line in body.lines() {
        // No base64 has a colon.
        match line.split_once(':') {
            Some((name, value)) => headers.push((name.trim(), value.trim())),
            None => data.extend(line.split_whitespace()),
        }
    }
    let der = STANDARD.decode(data.as_bytes()).ok()?;
    Some(Block {
        label,
        headers,
        der: Zeroizing::new(der),
    })
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_anything_around_them() {
        let text = "subject=x\r\n-----BEGIN A B-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: X,00\r\n\r\naGVs\r\n  bG8=\r\n-----END A B-----\r\nOCI_API_KEY\r\n\
                    -----BEGIN C-----\nAA==\n-----END C-----";
        let found = blocks(text);
        let [first, second] = &found[..] else {
            panic!("{} blocks", found.len());
        };
        assert_eq!((first.label, first.der.as_slice()), ("A B", &b"hello"[..]));
        assert_eq!(first.header("DEK-Info"), Some("X,00"));
        assert_eq!((second.label, second.der.as_slice()), ("C", &[0][..]));
        assert_eq!(second.header("DEK-Info"), None);
    }

    #[test]
    fn broken_blocks_are_left_out() {
        for text in [
            "",
            "-----BEGIN ",
            "-----BEGIN A-----\naGVsbG8=",
            "-----BEGIN A-----\naGVsbG8=\n-----END B-----",
            "-----BEGIN A-----\n%%%\n-----END A-----",
        ] {
            assert!(blocks(text).is_empty(), "{text:?}");
        }
    }
}
