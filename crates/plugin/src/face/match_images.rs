//! `match-images`: the patterns for `matchImages` of a kubelet's configuration, one per line.

use regcred_run::{ProgramError, Streams};

use crate::context::Context;

pub(crate) fn run(context: &Context<'_>, streams: &mut Streams<'_>) -> Result<(), ProgramError> {
    let mut lines = context.patterns()?.join("\n");
    lines.push('\n');
    streams.text(&lines)
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
