//! `make bench`: our programs as whole processes, in turn with an empty process and with whatever
//! peers this machine has. Peers are found on `PATH` or named by a variable; none is downloaded.
//!
//! `bench [ROUNDS]`. Figures drift with the machine: quote the ratios of one run. With
//! `REGCRED_BENCH_PAGE=FILE` the tables are written there too. A release program that is larger, or executes more
//! instructions, than `bounds.rs` allows ends it with exit code 1; so does work that grows faster than what there is to
//! do, and a call of a cloud that the cache should have saved.
#![expect(clippy::print_stdout, reason = "the figures are the result")]
#![expect(
    clippy::print_stderr,
    reason = "a wrong argument and a broken bound are reported there"
)]

mod bounds;
mod contest;
mod crowd;
mod growth;
mod page;
mod plugins;
mod pulls;
mod pushes;
mod score;
mod shaped_link;
mod table;

use std::process::ExitCode;

use regcred_core::Env;
use regcred_tests::clouds::CLOUDS;

use pulls::{Place, Transfer};
use table::Tables;

fn main() -> ExitCode {
    let env = Env::process();
    let rounds: usize = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 41,
        Some(Ok(rounds @ 1..)) => rounds,
        Some(_) => {
            eprintln!("usage: bench [ROUNDS], a number from 1");
            return ExitCode::from(2);
        }
    };
    println!(
        "Whole processes, {rounds} rounds in turn after one that is not counted, cleared \
         environment.\nPeers: REGCRED_BENCH_<PROVIDER>_PEER, REGCRED_BENCH_<PROVIDER>_HELPER_PEER, \
         REGCRED_BENCH_SKOPEO,\nREGCRED_BENCH_CRANE, or their usual names on PATH."
    );
    let mut tables = Tables::default();
    let mut broken = Vec::new();
    for (name, start) in CLOUDS {
        broken.extend(plugins::plugin(name, &*start(), rounds, &env, &mut tables));
    }
    // A pull takes a hundred times as long as a plugin.
    let pulls = rounds.div_ceil(6);
    let largest = env.get("REGCRED_BENCH_LARGEST");
    let largest: usize = largest.and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    broken.extend(crowd::crowd(largest.min(200), pulls, &env, &mut tables));
    let big = env
        .get("REGCRED_BENCH_LAYER_MIB")
        .and_then(|mib| mib.parse().ok());
    let big: usize = big.unwrap_or(64);
    for (layers, size, bytes) in [
        (8, format!("{big} MiB"), big << 20),
        (200, "64 KiB".to_owned(), 64 << 10),
    ] {
        let layers_of = format!("{layers} layers of {size}");
        let mut transfer = Transfer {
            title: format!("Pull of {layers_of} from docker-registry"),
            layers,
            bytes,
            rounds: pulls,
            env: &env,
        };
        pulls::pull(&transfer, Place::DockerRegistry, &mut tables);
        transfer.title = format!("Push of {layers_of} to docker-registry");
        pushes::push(&transfer, &mut tables);
    }
    let far = 2 * big;
    let far = Transfer {
        title: format!(
            "Pull of 1 layer of {far} MiB from docker-registry, each connection with 100 Mbit/s and 20 ms"
        ),
        layers: 1,
        bytes: far << 20,
        // A run takes ten seconds.
        rounds: pulls.min(3),
        env: &env,
    };
    pulls::pull(&far, Place::FarAway, &mut tables);
    for (from, scheme) in [(Place::Memory, "http"), (Place::MemoryOverTls, "https")] {
        let small = Transfer {
            title: format!("Pull of 200 layers of 64 KiB from a server in memory, {scheme}"),
            layers: 200,
            bytes: 64 << 10,
            rounds: pulls,
            env: &env,
        };
        pulls::pull(&small, from, &mut tables);
    }
    broken.extend(growth::all(largest, rounds, &mut tables));
    if let Some(page) = env.path("REGCRED_BENCH_PAGE")
        && let Err(error) = std::fs::write(&page, tables.page(rounds))
    {
        broken.push(format!("cannot write {}: {error}", page.display()));
    }
    for line in &broken {
        eprintln!("{line}");
    }
    ExitCode::from(u8::from(!broken.is_empty()))
}
