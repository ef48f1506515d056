//! Just enough of Rust's lexical rules: code without its comments and strings, prose without code.

/// A source text, taken apart. Each part has the text's own lines.
pub(super) struct Rust {
    /// The text with comments, string and character literals replaced by spaces.
    pub(super) code: String,
    /// The text with everything but comments and string literals replaced by spaces.
    pub(super) prose: String,
}

impl Rust {
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut code = blank(bytes);
        let mut prose = code.clone();
        let mut at = 0;
        while at < bytes.len() {
            let (end, is_code) = piece(bytes, at);
            let part = if is_code { &mut code } else { &mut prose };
            part[at..end].copy_from_slice(&bytes[at..end]);
            at = end;
        }
        let text = |bytes| String::from_utf8(bytes).expect("pieces end between characters");
        Self {
            code: text(code),
            prose: text(prose),
        }
    }

    /// The code without the items that only tests compile.
    pub(super) fn production(&self) -> String {
        let mut code = self.code.clone().into_bytes();
        for attribute in ["#[cfg(test)]", "#[cfg(any(test,"] {
            for (start, _) in self.code.match_indices(attribute) {
                let end = item_end(self.code.as_bytes(), start);
                let gap = blank(&code[start..end]);
                code[start..end].copy_from_slice(&gap);
            }
        }
        String::from_utf8(code).expect("items end between characters")
    }
}

/// The end of the piece that starts here, and whether it is code.
fn piece(bytes: &[u8], at: usize) -> (usize, bool) {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return (at + until(rest, b"\n").unwrap_or(rest.len()), false);
    }
    if rest.starts_with(b"/*") {
        return (at + block_comment(rest), false);
    }
    if let Some(length) = string(rest) {
        return (at + length, false);
    }
    if let Some(length) = character(rest) {
        return (at + length, true);
    }
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii();
    let word = rest.iter().take_while(|b| is_word(b)).count();
    (at + word.max(1), true)
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 && at < rest.len() {
        let (step, change) = match &rest[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth += change;
    }
    at
}

/// The length of the string literal at the start: `"…"`, `b"…"`, `c"…"`, `r#"…"#`.
fn string(rest: &[u8]) -> Option<usize> {
    let prefix = rest.iter().take_while(|b| b"bcr".contains(b)).count();
    let raw = rest[..prefix].contains(&b'r');
    let hashes = rest[prefix..].iter().take_while(|b| **b == b'#').count();
    let open = prefix + hashes;
    if prefix > 2 || rest.get(open) != Some(&b'"') || (hashes > 0 && !raw) {
        return None;
    }
    if raw {
        let close = [b"\"".as_slice(), &rest[prefix..open]].concat();
        return until(&rest[open + 1..], &close).map(|n| open + 1 + n + close.len());
    }
    let mut at = open + 1;
    while *rest.get(at)? != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    Some(at + 1)
}

/// The length of the character literal at the start; a lifetime is not one.
fn character(rest: &[u8]) -> Option<usize> {
    let [b'\'', first, after @ ..] = rest else {
        return None;
    };
    if *first == b'\\' {
        return until(after.get(1..)?, b"'").map(|n| n + 4);
    }
    let letter = std::str::from_utf8(&rest[1..rest.len().min(5)]);
    let letter = letter.or_else(|e| std::str::from_utf8(&rest[1..=e.valid_up_to()]));
    let width = letter.ok()?.chars().next()?.len_utf8();
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

/// Where the item with the attributes at `start` ends: at its `;`, `,` or closing brace.
fn item_end(code: &[u8], start: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.iter().enumerate().skip(start) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        match byte {
            b'}' if depth == 0 => return at + 1,
            b';' | b',' if depth == 0 => return at + 1,
            // The end of what encloses the item: a last field or element.
            _ if depth < 0 => return at,
            _ => {}
        }
    }
    code.len()
}

fn until(bytes: &[u8], end: &[u8]) -> Option<usize> {
    bytes.windows(end.len()).position(|window| window == end)
}

fn blank(bytes: &[u8]) -> Vec<u8> {
    let space = |b: &u8| if *b == b'\n' { b'\n' } else { b' ' };
    bytes.iter().map(space).collect()
}

#[test]
fn code_and_prose_are_separate() {
    let text = r##"let a = "x // y"; // why
/* a /* nested */ b */ let b: &'static str = r#"q"#; let c = ['"', '\'', '\u{e9}', 'é'];
"##;
    let rust = Rust::of(text);
    let words = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        words(&rust.code),
        "let a = ; let b: &'static str = ; let c = ['\"', '\\'', '\\u{e9}', 'é'];"
    );
    assert_eq!(
        words(&rust.prose),
        "\"x // y\" // why /* a /* nested */ b */ r#\"q\"#"
    );
}

#[test]
fn test_items_are_not_production() {
    let text = "fn a() {}\n#[cfg(test)]\n#[path = \"x\"]\nmod fake;\nfn b() {}\n\
                #[cfg(test)]\nmod tests {\n fn c() { d() }\n}\nstruct E { #[cfg(test)] f: u8, g: u8 }";
    let production = Rust::of(text).production();
    let words: Vec<_> = production.split_whitespace().collect();
    assert_eq!(words.join(" "), "fn a() {} fn b() {} struct E { g: u8 }");
}
