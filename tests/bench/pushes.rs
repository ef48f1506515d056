//! A push from an OCI layout to a real registry over loopback, ours beside skopeo's and crane's. The
//! registry is empty before each run, and keeps its content in memory: not the disk is measured. Ours puts a list
//! with the image as well.

use regcred_tests::program::built;
use regcred_tests::registry::Access;
use regcred_tests::{Image, Program, Registry};

use crate::contest::{Contestant, compete};
use crate::plugins::peer;
use crate::pulls::{Transfer, in_memory, text};
use crate::table::Tables;

pub(crate) fn push(transfer: &Transfer<'_>, tables: &mut Tables) {
    let env = transfer.env;
    let Some(registry) = Registry::start_in(in_memory(), &Access::Open) else {
        return;
    };
    let scratch = in_memory();
    let place = |name: &str| scratch.path().join(name);
    let layout = place("layout");
    Image::single(65, transfer.layers, transfer.bytes).write_layout(&layout, "v1");
    let name = format!("{}/bench/app:v1", registry.authority());
    let source = format!("oci:{}:v1", text(&layout));
    let target = format!("docker://{name}");

    let home = place("home");
    let list = Program::ours("regcred")
        .args(["manifest", "create", &name, &source])
        .env("HOME", &home);
    let _ = list.run().success();
    let mut field = vec![
        Contestant::new("ours", built("regcred"))
            .args(["manifest", "push", &name])
            .env("HOME", &text(&home)),
    ];
    if let Some(skopeo) = peer(env, "REGCRED_BENCH_SKOPEO", "skopeo") {
        // It remembers at home what a registry has.
        let home = place("skopeo");
        let skopeo = Contestant::new("peer: skopeo", skopeo)
            .args(["--insecure-policy", "copy", "--quiet"])
            .args(["--dest-tls-verify=false", &source, &target])
            .env("HOME", &text(&home))
            .env("XDG_DATA_HOME", &text(&home))
            .env("TMPDIR", &text(scratch.path()));
        field.push(skopeo.scratch(home));
    }
    if let Some(crane) = peer(env, "REGCRED_BENCH_CRANE", "crane") {
        let crane = Contestant::new("peer: crane", crane);
        field.push(crane.args(["push", "--insecure", &text(&layout), &name]));
    }
    let field = field.into_iter();
    let field = field.map(|one| one.scratch(registry.store()));
    let (scores, notes) = compete(field.collect(), transfer.rounds);
    tables.show(&transfer.title, &scores, &notes);
}
