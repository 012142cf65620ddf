//! The benchmark: deletes by this library beside what else one could use, on the same rows in the same run.
//!
//! `cargo xtask bench` runs it with servers of its own. Contenders are shuffled in each round, tables are filled anew before each, and what is left
//! is counted afterwards.

mod bed;
mod contender;
mod entity;
mod growth;
mod page;
mod raw;
mod results;
mod workload;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use sea_orm_cascade::Backend;

use bed::{Bed, Constraints};
use contender::Contender;
use results::{Entry, Results};
use workload::Workload;

#[derive(Parser)]
#[command(about = "Measures deletes on the databases that are named")]
struct Arguments {
    /// A tenth of the rows, and no growth
    #[arg(long)]
    quick: bool,
    /// How often each contender runs, after a round that is not counted
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// W1, W2, W3, W4, W8; all, unless said otherwise
    #[arg(long, value_delimiter = ',')]
    workloads: Vec<String>,
    #[arg(long, value_delimiter = ',')]
    contenders: Vec<String>,
    /// c, n, r, z; all, unless said otherwise
    #[arg(long, value_delimiter = ',')]
    constraints: Vec<String>,
    /// Servers, each by the URL of a database beside which others are made; `sqlite:scratch` is a file
    #[arg(long, value_delimiter = ',', env = "BENCH_DATABASES_URL", hide_env_values = true)]
    databases: Vec<String>,
    /// Do not let one user's posts grow to a million
    #[arg(long)]
    no_growth: bool,
    /// The page to write; its chart goes beside it
    #[arg(long)]
    out: Option<PathBuf>,
    /// Results of other programs, in this one's form, to put on the page
    #[arg(long)]
    merge: Vec<PathBuf>,
    /// Where to write the results as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    #[arg(long, hide = true)]
    child: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(url) = &arguments.child {
        let letter = arguments.constraints.first().context("which constraints")?;
        return growth::child(url, Constraints::of(letter).context("c, n, r or z")?).await;
    }
    let mut results = Results::default();
    machine(&mut results);
    for url in &arguments.databases {
        measure(url, &arguments, &mut results).await?;
    }
    for path in &arguments.merge {
        let other: Results = serde_json::from_str(&std::fs::read_to_string(path)?)?;
        results.versions.extend(other.versions);
        results.entries.extend(other.entries);
        results.growth.extend(other.growth);
    }
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&results)?)?;
    }
    if let Some(path) = &arguments.out {
        std::fs::write(path, page::markdown(&results, arguments.quick))?;
        std::fs::write(path.with_extension("svg"), page::chart(&results))?;
    }
    Ok(())
}

fn machine(results: &mut Results) {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let system = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut add = |name: &str, value: String| results.versions.insert(name.to_owned(), value);
    add(
        "machine",
        format!("{processors} processors, {} {}", std::env::consts::OS, system.trim()),
    );
    add("SeaORM", "2.0.4".to_owned());
}

fn chosen(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|known| known == name)
}

const fn engine(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres => "PostgreSQL",
        Backend::MySql => "MariaDB",
        Backend::Sqlite => "SQLite",
    }
}

async fn measure(url: &str, arguments: &Arguments, results: &mut Results) -> Result<()> {
    let mut beds = Vec::new();
    for constraints in Constraints::ALL {
        if chosen(&arguments.constraints, constraints.letter()) {
            beds.push(Bed::make(url, constraints).await?);
        }
    }
    let engine = engine(beds.first().context("no constraints are chosen")?.backend);
    if let Some(bed) = beds.first() {
        results.versions.insert(engine.to_owned(), bed.version().await?);
    }
    for workload in Workload::ALL {
        if chosen(&arguments.workloads, workload.name()) {
            let entries = compare(&beds, workload, arguments).await?;
            results.entries.extend(entries);
            tell(results, engine, workload.name());
        }
    }
    if !arguments.quick && !arguments.no_growth {
        for bed in &beds {
            if matches!(bed.constraints, Constraints::Cascade | Constraints::Absent) {
                for posts in [10_000, 100_000, 1_000_000] {
                    results.growth.push(growth::measure(bed, engine, posts).await?);
                }
            }
        }
    }
    for bed in beds {
        bed.discard().await?;
    }
    Ok(())
}

/// All contenders of one workload on one engine, in shuffled rounds.
async fn compare(beds: &[Bed], workload: Workload, arguments: &Arguments) -> Result<Vec<Entry>> {
    let rows = workload.rows(arguments.quick);
    let mut runs: Vec<(&Bed, Contender, Entry)> = Vec::new();
    for bed in beds {
        for contender in Contender::ALL {
            if contender.takes_part(bed.backend, bed.constraints, workload)
                && chosen(&arguments.contenders, contender.name())
            {
                let entry = Entry {
                    engine: engine(bed.backend).to_owned(),
                    workload: workload.name().to_owned(),
                    constraints: bed.constraints.letter().to_owned(),
                    contender: contender.name().to_owned(),
                    milliseconds: Vec::new(),
                    statements: None,
                };
                runs.push((bed, contender, entry));
            }
        }
    }
    for round in 0..=arguments.rounds {
        fastrand::shuffle(&mut runs);
        for (bed, contender, entry) in &mut runs {
            // It is so much slower that one time says enough.
            if *contender == Contender::SeaOrm && round != 1 {
                continue;
            }
            bed.seed(rows).await?;
            bed.sent();
            let took = contender.run(bed, workload, rows).await;
            let took = took.with_context(|| format!("{contender:?} with {:?} in {workload:?}", bed.constraints))?;
            let sent = bed.sent();
            let looked = matches!(contender, Contender::Query | Contender::Preview);
            bed.verify(rows, !looked).await?;
            if round > 0 {
                entry.milliseconds.push(took.as_secs_f64() * 1000.0);
                entry.statements = contender.by_hand(workload, rows).or(Some(sent));
            }
        }
    }
    let mut entries: Vec<Entry> = runs.into_iter().map(|(_, _, entry)| entry).collect();
    entries.sort_by(|a, b| (&a.constraints, &a.contender).cmp(&(&b.constraints, &b.contender)));
    Ok(entries)
}

#[expect(clippy::print_stderr, reason = "a program speaks to the person who runs it")]
fn tell(results: &Results, engine: &str, workload: &str) {
    let raw = results.find(engine, workload, "c", "cascade");
    eprintln!("{engine} {workload}");
    for entry in results.of(engine, workload) {
        let against = |other: Option<&Entry>| other.map_or(f64::NAN, |other| entry.ratio(other));
        eprintln!(
            "  {} {:12} {:10.2} ms  {:6.2} × raw in c  {:6.2} × expert",
            entry.constraints,
            entry.contender,
            entry.median(),
            against(raw),
            against(results.expert(entry)),
        );
    }
}
