//! The fault matrix: whatever goes wrong at a network step of a provider, the plugin ends with the exit
//! code of the table, in its time, with one line that names the identity, then the server (and the proxy),
//! then what it answered, then what to do; it changes no file and follows no redirect.
//!
//! The rows are in `rows.rs`, the columns in `fault.rs`.

mod clock;
mod fault;
mod fields;
mod inside;
mod machine;
mod repeated;
mod rows;
mod slow;
mod stage;
mod step;

use std::path::Path;

use regcred_tests::icr::API_KEY;
use regcred_tests::{Finished, Program, plugin_request};
use tempfile::TempDir;

use fault::{FAULTS, Fault};
use rows::{Rows, Target};
use stage::Stage;
use step::Step;

#[test]
fn amazons_steps() {
    check(&rows::ecr(), 100);
}

#[test]
fn googles_steps() {
    check(&rows::gcr(), 90);
}

#[test]
fn microsofts_steps() {
    check(&rows::acr(), 80);
}

#[test]
fn oracles_steps() {
    check(&rows::ocir(), 90);
}

#[test]
fn ibms_steps() {
    check(&rows::icr(), 60);
}

#[test]
fn steps_to_other_registries() {
    check(&rows::generic(), 20);
}

/// Every cell of a provider's rows: there are at least `least`.
#[expect(clippy::print_stderr, reason = "the number of cells is a result")]
fn check(rows: &Rows, least: usize) {
    repeated::check(rows);
    let target = &rows.target;
    let (mut cells, mut failed) = (0, 0);
    for step in &rows.steps {
        let codes = step.codes();
        assert_eq!(codes.len(), FAULTS.len(), "the row of {}", step.name);
        let written = FAULTS.iter().zip(codes);
        let written: Vec<_> = written
            .filter_map(|(fault, code)| Some((*fault, code?)))
            .collect();
        cells += written.len();
        let at_once = if step.makes_key { 6 } else { written.len() };
        for some in written.chunks(at_once) {
            failed += failures(some.iter(), |(fault, code)| {
                Cell::set(target, step, *fault).check(*code);
            });
        }
    }
    eprintln!("{}: {cells} cells", target.provider);
    assert_eq!(failed, 0, "of {cells} cells of {}", target.provider);
    assert!(cells >= least, "{cells} cells of {}", target.provider);
}

/// How many of these checks fail, all at the same time.
fn failures<T: Send>(cells: impl Iterator<Item = T>, check: impl Fn(T) + Sync) -> usize {
    let check = &check;
    std::thread::scope(|scope| {
        let running: Vec<_> = cells.map(|cell| scope.spawn(move || check(cell))).collect();
        let ended = running.into_iter().map(|cell| cell.join());
        ended.filter(Result::is_err).count()
    })
}

/// One fault at one step.
struct Cell<'a> {
    target: &'a Target,
    step: &'a Step,
    fault: Fault,
    stage: Stage,
    home: TempDir,
}

impl<'a> Cell<'a> {
    fn set(target: &'a Target, step: &'a Step, fault: Fault) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(home.path().join(".docker")).expect("a directory");
        std::fs::write(home.path().join(DOCKER_CONFIG), DOCKER_CONFIG_TEXT).expect("a file");
        Self {
            target,
            step,
            fault,
            stage: Stage::of(fault, step),
            home,
        }
    }

    fn plugin(&self) -> Program {
        let cache = self.home.path().join("cache");
        Program::ours(&format!("{}-credential-provider", self.target.provider))
            .env("HOME", self.home.path())
            .envs(self.target.env.clone())
            .envs(self.step.vars.clone())
            .envs(self.stage.env(self.fault, self.step))
            .env("REGCRED_CACHE", cache)
    }

    fn check(&self, code: i32) {
        let context = self.context();
        let image = &*self.target.image;
        let kubelet = self.plugin().stdin(plugin_request(image)).run();
        assert_eq!(kubelet.code(), Some(code), "{context}: {}", ended(&kubelet));
        self.check_line(kubelet.fails(code));
        if self.fault.is_for_every_face() && self.step.is_first() {
            let token = self.plugin().args(["token", image]).run();
            let verdict = token.fails(code).lines().last().unwrap_or_default();
            let reason = verdict.strip_prefix(&format!("{image}: "));
            self.check_line(reason.unwrap_or_else(|| panic!("{context}: no image in {verdict}")));
            let helper = self.plugin().args(["docker", "get"]).stdin(image).run();
            assert_eq!(helper.code(), Some(1), "{context}: {}", ended(&helper));
            self.check_line(helper.stdout().trim_end());
        }
        assert_eq!(self.stage.led_elsewhere(), 0, "{context}: it followed");
        assert_untouched(self.home.path(), &context);
    }

    /// Identity, server, answer, next step.
    #[track_caller]
    fn check_line(&self, line: &str) {
        let context = self.context();
        assert!(!line.contains(API_KEY), "{context}: a secret in {line}");
        assert!(line.len() < 1500, "{context}: a line of {}", line.len());
        let answers = self.fault.answers();
        let expected = match self.fault {
            Fault::ProxyClosed => "correct the variable, or list the server in NO_PROXY",
            fault if fault.is_refusal() => self.step.if_refused,
            _ => "",
        };
        in_order(
            self.step,
            &self.stage.address(),
            &answers,
            expected,
            line,
            &context,
        );
    }

    fn context(&self) -> String {
        let provider = self.target.provider;
        format!("{provider}, {} and {:?}", self.step.name, self.fault)
    }
}

/// Identity, server, its address, its answer, next step.
#[track_caller]
fn in_order(step: &Step, address: &str, answers: &[String], next: &str, line: &str, context: &str) {
    let mut rest = line;
    let mut pass = |what: &str, words: &[String]| {
        let found = words
            .iter()
            .filter_map(|one| Some((rest.find(one)?, one.len())));
        let Some((at, length)) = found.min() else {
            panic!("{context}: {what} {words:?} is not at its place in: {line}");
        };
        rest = &rest[at + length..];
    };
    pass("the identity", &[step.identity.to_owned()]);
    pass("the server", &[step.server.to_owned()]);
    pass("the address", &[address.to_owned()]);
    pass("the answer", answers);
    let Some((_, next_step)) = rest.split_once("; ") else {
        panic!("{context}: no next step after the answer in: {line}");
    };
    assert!(
        next_step.contains(next),
        "{context}: {next:?} is not the next step in: {line}"
    );
    assert!(
        !next_step.contains("answered "),
        "{context}: the answer comes last in: {line}"
    );
}

/// The cache has no entry and no unfinished file, and docker's configuration is as it was.
#[track_caller]
fn assert_untouched(home: &Path, context: &str) {
    let config = std::fs::read_to_string(home.join(DOCKER_CONFIG)).expect("a file");
    assert_eq!(config, DOCKER_CONFIG_TEXT, "{context}");
    let cache = home.join("cache").read_dir().into_iter().flatten();
    for entry in cache.map(|entry| entry.expect("an entry").path()) {
        let is_lock = entry.extension().is_some_and(|end| end == "lock");
        assert!(is_lock, "{context}: {} was left", entry.display());
    }
}

/// How a program ended, for messages.
fn ended(done: &Finished) -> String {
    let (code, signal) = (done.code(), done.signal());
    format!(
        "code {code:?}, signal {signal:?}: {}{}",
        done.stdout(),
        done.stderr
    )
}

const DOCKER_CONFIG: &str = ".docker/config.json";
const DOCKER_CONFIG_TEXT: &str = "{\n\t\"auths\": {}\n}";
