//! The floor of a plugin's run: a process that reads its input, writes one line and ends.

use std::io::{Read as _, Write as _};

fn main() -> std::io::Result<()> {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    let answer = format!("{{\"read\":{}}}\n", input.len());
    std::io::stdout().write_all(answer.as_bytes())
}
