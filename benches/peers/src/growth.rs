//! More and more rows under one user, each deleted by a process of its own, whose peak memory is read.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use sea_orm_cascade::Store;
use sea_orm_cascade::delete::{self, Check, DeleteOptions, Roots};

use crate::bed::{Bed, Constraints, Rows, relations};
use crate::entity::entities;
use crate::results::Growth;

/// Measures one size.
pub(crate) async fn measure(bed: &Bed, engine: &str, posts: usize) -> Result<Growth> {
    let rows = Rows {
        roots: 1,
        staying: 0,
        posts,
        comments: 0,
    };
    bed.seed(rows).await?;
    let cascades = bed.constraints == Constraints::Cascade;
    let child = Command::new(std::env::current_exe()?)
        .args(["--child", bed.url(), "--constraints", if cascades { "c" } else { "z" }])
        .output()?;
    if !child.status.success() {
        bail!("{}", String::from_utf8_lossy(&child.stderr));
    }
    bed.verify(rows, true).await?;
    let text = String::from_utf8(child.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [milliseconds, idle, peak] = numbers.as_slice() else {
        bail!("the child said {text}");
    };
    Ok(Growth {
        engine: engine.to_owned(),
        constraints: bed.constraints.letter().to_owned(),
        posts,
        milliseconds: *milliseconds,
        idle_kib: format!("{idle}").parse()?,
        peak_kib: format!("{peak}").parse()?,
    })
}

/// What the process of its own does.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub(crate) async fn child(url: &str, constraints: Constraints) -> Result<()> {
    let store = Store::connect(url, entities()).await?;
    let relations = relations(&store, constraints).await?;
    let options = DeleteOptions::new().check(Check::Nothing);
    let plan = delete::plan(&relations, &Roots::written("users", ["1"]), &options)?;
    let idle = peak()?;
    let started = Instant::now();
    let report = plan.execute(&store).await?;
    let took = started.elapsed();
    ensure!(report.deleted("users") == 1, "{report}");
    println!("{} {idle} {}", took.as_secs_f64() * 1000.0, peak()?);
    Ok(())
}

/// This process's peak resident memory in KiB, as Linux has it.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("peak memory is only known on Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no VmHWM")?.parse()?)
}
