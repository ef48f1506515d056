//! What was done, and how it ended.

use regcred_core::report;
use regcred_node::{FileState, NodeError, Plan, Restarted};
use regcred_run::{ProgramError, exit_code, output};

/// Each change in a line, then the verdict.
pub(super) fn done(
    plan: &Plan,
    restarted: Restarted,
    verdict: Option<String>,
) -> Result<(), ProgramError> {
    for note in &plan.notes {
        output::note(note);
    }
    for change in &plan.changes {
        let verb = match (&change.now, &change.then) {
            (FileState::Absent, _) => "created",
            (_, FileState::Absent) => "removed",
            _ => "changed",
        };
        output::line(&format!("{verb} {}", change.path.display()))?;
    }
    if let Some(verdict) = verdict {
        output::line(&verdict)?;
    }
    let unit = &plan.unit;
    let kubelet = match restarted {
        Restarted::Healthy => format!("{unit} was restarted and is healthy"),
        Restarted::NotRunning => format!("{unit} does not run, and reads this when it starts"),
        Restarted::Later => {
            format!("{unit} was not restarted, and reads this when it starts again")
        }
        Restarted::NotAsked if plan.restart => format!("{unit} reads this when it starts"),
        Restarted::NotAsked => "nothing had to be restarted".to_owned(),
    };
    output::line(&kubelet)
}

/// There was nothing to do.
pub(super) fn nothing(plan: &Plan, why: &str) -> Result<(), ProgramError> {
    for note in &plan.notes {
        output::note(note);
    }
    output::line(&format!("{why}; nothing is changed"))
}

/// The exit code of a failure.
pub(super) fn exit(error: NodeError) -> ProgramError {
    match code(&error) {
        exit_code::UNREACHABLE => ProgramError::new(exit_code::UNREACHABLE, error),
        exit_code::BUG => {
            output::note(&report(&error));
            ProgramError::reported(exit_code::BUG)
        }
        _ => ProgramError::not_configured(error),
    }
}

fn code(error: &NodeError) -> u8 {
    match error {
        NodeError::Service(_) => exit_code::UNREACHABLE,
        NodeError::Unchecked | NodeError::Stuck { .. } => exit_code::BUG,
        NodeError::PutBack { why } => code(why),
        _ => exit_code::NOT_CONFIGURED,
    }
}
