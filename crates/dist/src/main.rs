//! `regcred-dist TARGET PROGRAMS PAGES CA_BUNDLE OUT` and `regcred-dist sbom DOCUMENT LINKED`, which `make dist`
//! runs in the checkout.

use std::io::{self, Write as _};
use std::process::ExitCode;

use regcred_core::{Env, report};
use regcred_dist::{Release, linked_only, pack};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(io::stderr(), "regcred-dist: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if let [command, document, linked] = &words[..]
        && command == "sbom"
    {
        let listed = linked_only(document.as_ref(), linked.as_ref());
        let listed = listed.map_err(|error| report(&error))?;
        return writeln!(io::stdout(), "{listed}").map_err(|error| error.to_string());
    }
    let [target, programs, pages, ca_bundle, out] = &words[..] else {
        return Err("usage: regcred-dist TARGET PROGRAMS PAGES CA_BUNDLE OUT".to_owned());
    };
    let env = Env::process();
    let date = env.get("SOURCE_DATE_EPOCH").map(str::parse);
    let Some(Ok(date)) = date else {
        return Err("set SOURCE_DATE_EPOCH to the seconds since 1970 of the release".to_owned());
    };
    let release = Release {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        target: target.clone(),
        date,
        source: ".".into(),
        programs: programs.into(),
        pages: pages.into(),
        ca_bundle: ca_bundle.into(),
        out: out.into(),
    };
    for file in pack(&release).map_err(|error| report(&error))? {
        let shown = file.display().to_string();
        writeln!(io::stdout(), "{shown}").map_err(|error| error.to_string())?;
    }
    Ok(())
}
