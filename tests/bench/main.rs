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
use regcred_tests::acr::AcrCloud;
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
        let cloud = if *name == "acr" {
            Box::new(AcrCloud::of_a_machine())
        } else {
            start()
        };
        broken.extend(plugins::plugin(name, &*cloud, rounds, &env, &mut tables));
    }
    // A pull takes a hundred times as long as a plugin.
    let pulls = rounds.div_ceil(2);
    let largest = env.get("REGCRED_BENCH_LARGEST");
    let largest: usize = largest.and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    broken.extend(crowd::crowd(largest.min(200), pulls, &env, &mut tables));
    let big = env
        .get("REGCRED_BENCH_LAYER_MIB")
        .and_then(|mib| mib.parse().ok());
    let big: usize = big.unwrap_or(64);
    let transfer = |title: String, layers, bytes| Transfer {
        title,
        layers,
        bytes,
        rounds: pulls,
        env: &env,
    };
    let images = [
        (8, format!("{big} MiB"), big << 20),
        (200, "64 KiB".to_owned(), 64 << 10),
    ];
    for (layers, size, bytes) in &images {
        let layers_of = format!("{layers} layers of {size}");
        // The time of a real registry varies by a tenth.
        let real = |title| Transfer {
            rounds,
            ..transfer(title, *layers, *bytes)
        };
        let pull = real(format!("Pull of {layers_of} from docker-registry"));
        pulls::pull(&pull, Place::DockerRegistry, &mut tables);
        let push = real(format!("Push of {layers_of} to docker-registry"));
        pushes::push(&push, &mut tables);
    }
    let far = 16 * big;
    let title = format!(
        "Pull of 1 layer of {far} MiB from docker-registry, each connection with 100 Mbit/s and 20 ms, one round"
    );
    // A peer takes 90 seconds.
    let far = Transfer {
        rounds: 0,
        ..transfer(title, 1, far << 20)
    };
    pulls::pull(&far, Place::FarAway, &mut tables);
    for (layers, size, bytes) in &images {
        for (from, scheme) in [(Place::Memory, "http"), (Place::MemoryOverTls, "https")] {
            let title =
                format!("Pull of {layers} layers of {size} from a server in memory, {scheme}");
            pulls::pull(&transfer(title, *layers, *bytes), from, &mut tables);
        }
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
