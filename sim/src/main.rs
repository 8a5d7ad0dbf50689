//! `milena-sim --seed N [--plan NAME] [--trace FILE] [--log FILTER] [--counts]` runs one seed.
//!
//! The real broker, storage and metadata code, with clients, on one thread, over a simulated
//! network, clock, disk and stores. A seed decides everything; the same seed writes the same trace,
//! byte for byte. See README.md.

mod broker_node;
mod clients;
mod disk;
mod embedded;
mod environment;
mod findings;
mod groups;
mod log_starts;
mod monitor;
mod objects;
mod plan;
mod queries;
mod replicas;
mod run;
mod seeded_rng;
mod store;
mod store_link;
mod topics;
mod trace;
mod world;

use std::{path::PathBuf, process::ExitCode, sync::OnceLock};

use clap::Parser;
use findings::Findings;
use milena_testkit::history;
use plan::PlanKind;
use rand::SeedableRng as _;
use trace::Trace;

static FINDINGS: OnceLock<Findings> = OnceLock::new();

/// Runs one seed and says which promises did not hold
#[derive(Parser)]
#[command(name = "milena-sim")]
struct Arguments {
    #[arg(long)]
    seed: u64,
    /// The seed's plan [default: by its last digit]
    #[arg(long)]
    plan: Option<PlanKind>,
    /// Where to write all that happened
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Log events to include in the trace
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
    /// Say how often what is checked has happened
    #[arg(long)]
    counts: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Randomness that the standard library takes from the operating system (the keys of hash maps)
    // comes from the seed too.
    mad_turmoil::rand::set_rng(rand::rngs::StdRng::seed_from_u64(arguments.seed));
    // A thread of its own, whose hash maps have not been given keys yet.
    let seed = arguments.seed;
    let worker =
        std::thread::Builder::new().stack_size(16 << 20).spawn(move || simulate(arguments));
    match worker.expect("a thread").join() {
        Ok(code) => code,
        Err(_) => {
            println!("seed {seed}: panic: the simulation itself");
            ExitCode::from(3)
        }
    }
}

fn simulate(arguments: Arguments) -> ExitCode {
    let Arguments { seed, plan, trace: file, log, counts } = arguments;
    let kind = plan.unwrap_or_else(|| PlanKind::of_seed(seed));
    let trace = Trace::default();
    trace.subscribe(&log);
    std::panic::set_hook(Box::new(|panic| {
        if let Some(findings) = FINDINGS.get() {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let (text, owned) =
                (panic.payload().downcast_ref::<&str>(), panic.payload().downcast_ref::<String>());
            let what = text.copied().or(owned.map(String::as_str)).unwrap_or("no message");
            findings.add("panic", format!("{what} ({place})"));
        }
    }));
    let outcome = run::run(seed, kind, trace.clone(), &FINDINGS);
    let world = &outcome.world;
    let (totals, violations) = history::check(std::slice::from_ref(&*world.history()));
    world.queries.check(&world.findings);
    for object in world.forgotten_objects() {
        world.findings.add("object-forgotten", object);
    }
    // Only a run that came to its end has read everything.
    let complete = world.is(world::Phase::FinalRead) && world.findings.is_empty();
    for violation in
        violations.into_iter().filter(|v| complete || !matches!(v.kind(), "lost" | "vanished"))
    {
        world.findings.add(violation.kind(), &violation);
    }
    let findings = world.findings.all();
    let trace = trace.take();
    if let Some(file) = file
        && let Err(error) = std::fs::write(&file, &trace)
    {
        eprintln!("cannot write {}: {error}", file.display());
        return ExitCode::from(2);
    }
    println!(
        "seed {seed}: {} sent, {} acked, {} present, {} commits, {} store changes, {} lives, {:.1} \
         s simulated, trace {:016x}",
        totals.sent,
        totals.acked,
        totals.present,
        totals.commits,
        world.monitor.checked().changes,
        world
            .brokers
            .iter()
            .map(|b| b.lives.load(std::sync::atomic::Ordering::Relaxed))
            .sum::<u64>(),
        outcome.simulated.as_secs_f64(),
        trace.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b))
            .wrapping_mul(0x0100_0000_01b3)),
    );
    if counts {
        print_counts(world);
    }
    for finding in &findings {
        println!("  VIOLATION {finding}");
    }
    if findings.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("  replay: sim/run --seed {seed} --plan {kind} --trace trace.txt");
    ExitCode::FAILURE
}

/// A plan whose action does not happen, and a check that has nothing to check, show here.
fn print_counts(world: &world::World) {
    let checked = world.monitor.checked();
    let (times, epochs) = world.queries.answers();
    let (generations, old_commits) = world.groups.totals();
    println!(
        "  checked: {} flushes, {} manifests ({} with pages, at most {} segments beside them), {} \
         seals ({} of epochs with chunks), {} changes of leaders, {} log starts moved, {times} \
         answers by time, {epochs} by epoch, {generations} generations of members ({old_commits} \
         commits of former ones refused), {} reassignments, {} topics made again, {} eras",
        checked.flushes,
        checked.manifests,
        checked.paged,
        checked.segments_max,
        checked.seals,
        checked.unflushed_seals,
        checked.leaders,
        world.log_starts.moved(),
        world.replicas.moves(),
        world.topics.made_again(),
        world.topics.eras(),
    );
}
