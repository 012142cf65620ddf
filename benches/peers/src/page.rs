//! The page of results, and its chart.

use std::fmt::Write as _;

use crate::results::{Entry, Results};

const ENGINES: [&str; 3] = ["PostgreSQL", "MariaDB", "SQLite"];

const WORKLOADS: [(&str, &str); 5] = [
    ("W1", "one user with 10,000 posts"),
    ("W2", "1,000 users with 100 posts each, in one call"),
    ("W3", "200 users with 50 posts of 10 comments each, in one call"),
    ("W4", "users with 3 posts each, one after the other"),
    (
        "W8",
        "how many rows of each table would go: 1,000 users with 100 posts of one comment each",
    ),
];

/// What a contender is called in the tables.
fn title(contender: &str) -> &str {
    match contender {
        "cascade" => "raw: `DELETE FROM users`, the database cascades",
        "at-once" => "expert: one statement with CTEs",
        "child-first" => "expert: child-first in a transaction",
        "query" => "expert: one query",
        "plan" => "**ours**: plan and execute, exact counts",
        "declined" => "**ours**: counts declined",
        "repository" => "**ours**: `repository.delete`",
        "preview" => "**ours**: plan and preview",
        "sea-orm" => "SeaORM `cascade_delete`",
        other => other,
    }
}

pub(crate) fn markdown(results: &Results, quick: bool) -> String {
    let mut page = String::from(
        "# Benchmarks\n\nWritten by `cargo xtask bench`; every number is from one run. What is compared ran interleaved, in a shuffled order, each time on \
         tables that had just been filled anew, and what was left was counted afterwards. Only ratios mean something on another machine: each is the \
         median of the ratios round by round.\n\n**c** constraints with `ON DELETE CASCADE`, **n** `NO ACTION`, **r** `RESTRICT`, **z** no constraints; in n, r and z \
         the keys cascade by an overlay, and this library carries it out.\n\n",
    );
    if quick {
        page.push_str("This was a quick run: a tenth of the rows that the headings name.\n\n");
    }
    for (name, value) in &results.versions {
        let _ = writeln!(page, "- {name}: {value}");
    }
    page.push_str("\n![Times relative to the database's own cascade](benchmarks.svg)\n");
    for (workload, what) in WORKLOADS {
        if !results.entries.iter().any(|entry| entry.workload == workload) {
            continue;
        }
        let _ = writeln!(page, "\n## {workload}: {what}");
        for engine in ENGINES {
            table(&mut page, results, engine, workload);
        }
    }
    growth(&mut page, results);
    page
}

fn table(page: &mut String, results: &Results, engine: &str, workload: &str) {
    let mut entries: Vec<&Entry> = results.of(engine, workload);
    if entries.is_empty() {
        return;
    }
    entries.sort_by(|a, b| {
        a.constraints
            .cmp(&b.constraints)
            .then(a.median().total_cmp(&b.median()))
    });
    let raw = results.find(engine, workload, "c", "cascade");
    let _ = writeln!(
        page,
        "\n| {engine} | | ms | × raw in c | × expert in the same | statements |\n|---|---|---:|---:|---:|---:|"
    );
    for entry in entries {
        let against = |other: Option<&Entry>| other.map_or(String::new(), |other| format!("{:.2}", entry.ratio(other)));
        let sent = entry.statements.map_or(String::new(), |count| count.to_string());
        let _ = writeln!(
            page,
            "| {} | {} | {:.1} | {} | {} | {sent} |",
            entry.constraints,
            title(&entry.contender),
            entry.median(),
            against(raw),
            against(results.expert(entry)),
        );
    }
}

fn growth(page: &mut String, results: &Results) {
    if results.growth.is_empty() {
        return;
    }
    page.push_str(
        "\n## Growth: one user with more and more posts\n\nEach delete in a process of its own. Peak memory is that process's.\n\n| | | posts | ms | \
         µs a post | peak memory, more than idle |\n|---|---|---:|---:|---:|---:|\n",
    );
    for row in &results.growth {
        let posts = u32::try_from(row.posts).map_or(f64::NAN, f64::from);
        let more = u32::try_from(row.peak_kib.saturating_sub(row.idle_kib)).map_or(f64::NAN, f64::from) / 1024.0;
        let _ = writeln!(
            page,
            "| {} | {} | {} | {:.0} | {:.2} | {more:.1} MiB |",
            row.engine,
            row.constraints,
            row.posts,
            row.milliseconds,
            row.milliseconds * 1000.0 / posts
        );
    }
}

const BAR: f64 = 12.0;
const LEFT: f64 = 250.0;
const SCALE: f64 = 140.0;

/// Bars: W1 to W3, relative to the database's own cascade; readable on light and on dark.
pub(crate) fn chart(results: &Results) -> String {
    let mut bars = String::new();
    let mut y = 20.0;
    for engine in ENGINES {
        for (workload, _) in WORKLOADS.iter().take(3) {
            let Some(raw) = results.find(engine, workload, "c", "cascade") else {
                continue;
            };
            let _ = writeln!(
                bars,
                r#"<text class="h" x="8" y="{}">{engine}, {workload}</text>"#,
                y + 10.0
            );
            y += BAR + 6.0;
            for (constraints, contender) in [
                ("c", "cascade"),
                ("c", "plan"),
                ("c", "declined"),
                ("n", "plan"),
                ("r", "plan"),
                ("z", "plan"),
                ("c", "sea-orm"),
            ] {
                let Some(entry) = results.find(engine, workload, constraints, contender) else {
                    continue;
                };
                let ratio = entry.ratio(raw);
                let width = f64::min(ratio, 4.0) * SCALE;
                let class = if contender == "cascade" || contender == "sea-orm" {
                    "o"
                } else {
                    "u"
                };
                let name = match contender {
                    "cascade" => "the database's cascade".to_owned(),
                    "sea-orm" => "SeaORM cascade_delete".to_owned(),
                    "declined" => "ours, counts declined".to_owned(),
                    _ => format!("ours, {constraints}"),
                };
                let _ = writeln!(
                    bars,
                    r#"<text x="{}" y="{}" text-anchor="end">{name}</text><rect class="{class}" x="{LEFT}" y="{y}" width="{width:.1}" height="{BAR}"/><text x="{:.1}" y="{}">{ratio:.2}</text>"#,
                    LEFT - 8.0,
                    y + 10.0,
                    LEFT + width + 6.0,
                    y + 10.0,
                );
                y += BAR + 4.0;
            }
            y += 10.0;
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"{y}\" viewBox=\"0 0 900 {y}\" role=\"img\" aria-label=\"Times relative to the \
         database's own cascade\">\n<style>text{{font:11px sans-serif;fill:#333}}.h{{font-weight:bold}}.o{{fill:#999}}.u{{fill:#2a7de1}}@media \
         (prefers-color-scheme:dark){{text{{fill:#ddd}}.u{{fill:#6aa9f4}}}}</style>\n{bars}</svg>\n"
    )
}
