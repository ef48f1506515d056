//! `regcred explain`: which credentials an image gets, and why.

mod tree;

use console::Term;
use regcred_core::{Env, ImageRef};
use regcred_engine::{Explanation, Provision, Tone, TrialEvent, Tries};
use regcred_run::{ProgramError, block_on_until_signal, exit_code, output};
use serde::Serialize;

use crate::check::{self, Finding, Severity};
use crate::cli::ExplainArgs;
use crate::credential_options::PROVIDER_BIN_DIR;
use crate::engine_options::{self, SetUp};

/// The explanation and what a check finds about its sources.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    findings: &'a [Finding],
}

pub(crate) fn run(args: &ExplainArgs, env: &Env) -> Result<(), ProgramError> {
    let image = ImageRef::parse(&args.image).map_err(ProgramError::usage)?;
    let is_watched = args.tries && output::stderr_is_terminal();
    let described = engine_options::described(
        &args.credentials,
        env,
        false,
        move |mut builder, pod, options| {
            if is_watched {
                builder = builder.on_answer(note_answer);
            }
            let node = builder.inspect();
            let findings = check::of_image(&node, &pod, options, &image)?;
            match engine_options::built(builder, pod, options, false) {
                Ok(set_up) => Ok(Ok((set_up, findings))),
                // The kubelet logs its first error alone. Without a directory of plugins it is ours.
                Err(error) => match check::refusal(&node, findings) {
                    Some(report) if options.path(PROVIDER_BIN_DIR).is_some() => Ok(Err(report)),
                    _ => Err(error),
                },
            }
        },
    )?;
    let (set_up, findings) = match described {
        Ok(described) => described,
        Err(report) => {
            if args.json {
                output::json_line(&report)?;
            } else {
                output::line(&report.text())?;
            }
            return Err(ProgramError::reported(exit_code::NOT_CONFIGURED));
        }
    };
    let SetUp {
        engine,
        pod,
        pull_secrets,
    } = set_up;
    // An explanation shows also why a pull secret cannot be used, and then asks nothing.
    let tries = if args.tries && pull_secrets.is_ok() {
        Tries::all()
    } else {
        Tries::default()
    };
    let on_trial = |event| {
        if is_watched {
            note_trial(&event);
        }
    };
    let explanation = block_on_until_signal(async {
        let found = engine
            .explain_with(&args.image, &pod, tries, &on_trial)
            .await;
        found.map_err(ProgramError::usage)
    })?;
    if args.json {
        output::json_line(&Report {
            explanation: &explanation,
            findings: &findings,
        })?;
    } else {
        show(&explanation, &findings, env)?;
    }
    pull_secrets?;
    // The explanation reports the failure; only the exit code remains.
    match explanation.failure() {
        Some(kind) => Err(ProgramError::reported(exit_code::of(kind))),
        None => Ok(()),
    }
}

/// A tree on a terminal, plain lines elsewhere.
fn show(explanation: &Explanation, findings: &[Finding], env: &Env) -> Result<(), ProgramError> {
    let findings = findings.iter().map(|finding| {
        let tone = match finding.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Doubtful,
            Severity::Note => Tone::Plain,
        };
        (tone, finding.to_string())
    });
    let table = explanation.table(&findings.collect::<Vec<_>>());
    let draws = env.get("TERM").is_some_and(|term| term != "dumb");
    if !draws || !output::stdout_is_terminal() {
        return output::line(&table.into_text());
    }
    let columns = match Term::stdout().size() {
        (_, 0) => 80,
        (_, columns) => columns.into(),
    };
    let tree = tree::draw(&table.into_lines(), columns, env.get("NO_COLOR").is_none());
    output::drawn(&tree)
}

fn note_answer(plugin: &str, provision: &Provision) {
    let result = match provision {
        Provision::Answered { answer, took, .. } => {
            let keys = match answer.auth.len() {
                1 => "1 key".to_owned(),
                n => format!("{n} keys"),
            };
            format!("{keys} in {:.2} s", took.as_secs_f64())
        }
        Provision::Failed { error, took } => {
            format!("failed after {:.2} s: {error}", took.as_secs_f64())
        }
        _ => return,
    };
    output::note(&format!("plugin {plugin}: {result}"));
}

fn note_trial(event: &TrialEvent) {
    output::note(&match event {
        TrialEvent::Begins(credential) => format!("asking the registry: {credential} ..."),
        TrialEvent::Ends(Ok(())) => "it works".to_owned(),
        TrialEvent::Ends(Err(why)) => format!("it fails: {why}"),
    });
}
