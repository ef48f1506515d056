//! The same JSON with other white space, as Go's `json.Marshal` and `json.Indent` lay it out.

/// Without white space, and with `<`, `>`, `&` and the two line separators escaped, as Go writes what a
/// type's own `MarshalJSON` returned. The text must be JSON.
#[must_use]
pub fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for (c, in_string) in Scan::new(json) {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c if in_string || !c.is_ascii_whitespace() => out.push(c),
            _ => {}
        }
    }
    out
}

/// One member or item on each line, indented by `unit` for each level. The text must be JSON.
#[must_use]
pub fn indent(json: &str, unit: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    // Whether the last character opened an object or a list: an empty one stays on its line.
    let mut is_open = false;
    for (c, in_string) in Scan::new(json) {
        if !in_string && c.is_ascii_whitespace() {
            continue;
        }
        let closes = !in_string && matches!(c, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if is_open != closes {
            line(&mut out, depth, unit);
        }
        is_open = !in_string && matches!(c, '{' | '[');
        depth += usize::from(is_open);
        out.push(c);
        match c {
            ',' if !in_string => line(&mut out, depth, unit),
            ':' if !in_string => out.push(' '),
            _ => {}
        }
    }
    out
}

fn line(out: &mut String, depth: usize, unit: &str) {
    out.push('\n');
    out.push_str(&unit.repeat(depth));
}

/// The characters of a JSON text, each with whether it belongs to a string.
struct Scan<'a> {
    chars: std::str::Chars<'a>,
    in_string: bool,
    is_escaped: bool,
}

impl<'a> Scan<'a> {
    fn new(json: &'a str) -> Self {
        Self {
            chars: json.chars(),
            in_string: false,
            is_escaped: false,
        }
    }
}

impl Iterator for Scan<'_> {
    type Item = (char, bool);

    fn next(&mut self) -> Option<(char, bool)> {
        let c = self.chars.next()?;
        let was_inside = self.in_string;
        if self.is_escaped {
            self.is_escaped = false;
        } else if c == '\\' {
            self.is_escaped = was_inside;
        } else if c == '"' {
            self.in_string = !was_inside;
        }
        Some((c, was_inside || c == '"'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{ \"a\" :[ ],\"b\":{\n},\"c\" : [1, {\"d\\\"{\": \"x, <y>:&\u{2028}\"} ] }";

    #[test]
    fn white_space_is_as_in_go() {
        assert_eq!(
            compact(TEXT),
            r#"{"a":[],"b":{},"c":[1,{"d\"{":"x, \u003cy\u003e:\u0026\u2028"}]}"#
        );
        let expected = "{\n\t\"a\": [],\n\t\"b\": {},\n\t\"c\": [\n\t\t1,\n\t\t{\n\t\t\t\"d\\\"{\": \
                        \"x, <y>:&\u{2028}\"\n\t\t}\n\t]\n}";
        assert_eq!(indent(TEXT, "\t"), expected);
        assert_eq!(indent("{}", "  "), "{}");
        assert_eq!(indent("\"a\"", "  "), "\"a\"");
    }

    #[test]
    fn both_are_the_same_json() {
        for text in [TEXT, "[[],[[1]],{}]", "null", "-1.5e3"] {
            let again = indent(&compact(text), "   ");
            assert_eq!(compact(&again), compact(text));
        }
    }
}
