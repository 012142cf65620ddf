//! The benchmark.

mod bed;
mod contender;
mod entity;
mod raw;
mod workload;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use clap::Parser;

use bed::{Bed, Constraints};
use contender::Contender;
use workload::Workload;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    quick: bool,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[arg(long, value_delimiter = ',')]
    workloads: Vec<String>,
    #[arg(long, value_delimiter = ',')]
    contenders: Vec<String>,
    #[arg(long, value_delimiter = ',')]
    constraints: Vec<String>,
    #[arg(long, value_delimiter = ',')]
    databases: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    for url in &arguments.databases {
        measure(url, &arguments).await?;
    }
    Ok(())
}

fn chosen(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|known| known == name)
}

#[expect(clippy::print_stdout, reason = "this is a program")]
async fn measure(url: &str, arguments: &Arguments) -> Result<()> {
    let mut beds = Vec::new();
    for constraints in Constraints::ALL {
        if chosen(&arguments.constraints, constraints.letter()) {
            beds.push(Bed::make(url, constraints).await?);
        }
    }
    for workload in Workload::ALL {
        if !chosen(&arguments.workloads, workload.name()) {
            continue;
        }
        let rows = workload.rows(arguments.quick);
        let mut entries: Vec<(usize, Contender)> = Vec::new();
        for (place, bed) in beds.iter().enumerate() {
            for contender in Contender::ALL {
                if contender.takes_part(bed.backend, bed.constraints, workload)
                    && chosen(&arguments.contenders, contender.name())
                {
                    entries.push((place, contender));
                }
            }
        }
        let mut times: BTreeMap<(usize, Contender), Vec<f64>> = BTreeMap::new();
        for round in 0..=arguments.rounds {
            fastrand::shuffle(&mut entries);
            for (place, contender) in &entries {
                let bed = beds.get(*place).context("a bed")?;
                if *contender == Contender::SeaOrm && round > 1 {
                    continue;
                }
                bed.seed(rows).await?;
                bed.sent();
                let took = contender
                    .run(bed, workload, rows)
                    .await
                    .with_context(|| format!("{contender:?} {:?} {workload:?}", bed.constraints))?;
                bed.verify(rows, !matches!(contender, Contender::Query | Contender::Preview))
                    .await?;
                if round > 0 || *contender == Contender::SeaOrm {
                    times
                        .entry((*place, *contender))
                        .or_default()
                        .push(took.as_secs_f64() * 1000.0);
                }
            }
        }
        println!(
            "{} {} ({} rows)",
            url.split(':').next().unwrap_or_default(),
            workload.name(),
            rows.going()
        );
        let median = |times: &Vec<f64>| {
            let mut sorted = times.clone();
            sorted.sort_by(f64::total_cmp);
            (
                sorted.get(sorted.len() / 2).copied().unwrap_or_default(),
                sorted.first().copied().unwrap_or_default(),
            )
        };
        let base = times
            .get(&(0, Contender::Cascade))
            .or(times.get(&(0, Contender::Query)))
            .map(median);
        for (place, bed) in beds.iter().enumerate() {
            let own: Vec<_> = times.iter().filter(|((known, _), _)| *known == place).collect();
            let expert = own
                .iter()
                .filter(|((_, c), _)| matches!(c, Contender::AtOnce | Contender::ChildFirst | Contender::Query))
                .map(|(_, t)| median(t))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            for ((_, contender), own) in own {
                let (middle, best) = median(own);
                println!(
                    "  {} {:12} {middle:9.2} ms (best {best:9.2})  x cascade {:5.2} (best {:5.2})  x expert {:5.2} (best {:5.2})",
                    bed.constraints.letter(),
                    contender.name(),
                    middle / base.map_or(f64::NAN, |b| b.0),
                    best / base.map_or(f64::NAN, |b| b.1),
                    middle / expert.map_or(f64::NAN, |b| b.0),
                    best / expert.map_or(f64::NAN, |b| b.1),
                );
            }
        }
    }
    for bed in beds {
        bed.discard().await?;
    }
    Ok(())
}
