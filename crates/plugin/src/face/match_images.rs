//! `match-images`: what belongs under `matchImages` of a kubelet's configuration, one line each.

use crate::face::{Context, Streams, token};
use crate::failure::Failure;

pub(crate) fn run(context: &Context<'_>, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let mut lines = token::patterns(context)?.join("\n");
    lines.push('\n');
    streams.answer(lines.as_bytes())
}

#[cfg(test)]
mod tests {
    use crate::run::testing::Started;

    #[test]
    fn one_pattern_a_line() {
        let answer = Started::new(
            "fake-credential-provider",
            "match-images --also-serve mirror.io",
        )
        .run();
        assert_eq!(answer.stdout, "fake.io\nmirror.io\n");
    }
}
