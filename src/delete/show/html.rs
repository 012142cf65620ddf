//! An HTML page that needs nothing from elsewhere.

use std::fmt::Write as _;

use super::outline::Outline;
use super::{State, View, picture, words};
use crate::error::BlockReason;
use crate::name::TableName;
use crate::render::escaped;

const STYLE: &str = include_str!("page.css");

/// The columns of the tables' table, with what they count.
type Column = (&'static str, fn(&super::TableReport) -> u64);
const COLUMNS: [Column; 5] = [
    ("delete", |report| report.deleted),
    ("set null", |report| report.set_null),
    ("set default", |report| report.set_default),
    ("set value", |report| report.set_value),
    ("dangling", |report| report.dangling),
];

pub(super) fn html(view: &View<'_>) -> String {
    let root = escaped(&view.plan.root().to_string());
    let heading = match view.state {
        State::Planned => format!("Plan of a delete from {root}"),
        State::Previewed => format!("What a delete from {root} would do"),
        State::Done => format!("What a delete from {root} has done"),
    };
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{heading}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{heading}</h1>\n"
    );
    // Infallible, here and below: a String takes everything.
    let _ = writeln!(out, "<p class=\"facts\">{}</p>", escaped(&facts(view)));
    if let Some(closing) = words::closing(view) {
        let class = if view.blockers.is_empty() {
            "outcome"
        } else {
            "outcome blocked"
        };
        let _ = writeln!(out, "<p class=\"{class}\" role=\"status\">{}</p>", escaped(&closing));
    }
    // Who uses only a keyboard must be able to scroll it.
    let _ = writeln!(
        out,
        "<div class=\"picture\" role=\"region\" aria-label=\"Picture\" tabindex=\"0\">\n{}</div>",
        picture::picture(view)
    );
    blockers(&mut out, view);
    warnings(&mut out, view);
    if view.state != State::Planned {
        tables(&mut out, view);
    }
    keys(&mut out, view);
    statements(&mut out, view);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn facts(view: &View<'_>) -> String {
    let plan = view.plan;
    format!(
        "{}; {}; enforced by: {}; schema {}",
        plan.backend(),
        match view.state {
            State::Planned => words::root(view),
            State::Previewed | State::Done => format!("{} of {}", words::plural(view.roots, "row"), plan.root()),
        },
        plan.options.enforce,
        plan.fingerprint()
    )
}

fn blockers(out: &mut String, view: &View<'_>) {
    if view.blockers.is_empty() {
        return;
    }
    out.push_str("<section class=\"blockers\">\n<h2>What blocks</h2>\n<ul>\n");
    for blocker in view.blockers {
        let relation = &blocker.relation;
        let why = match blocker.reason {
            BlockReason::Restrict => format!("would still reference {}", relation.referenced_table),
            BlockReason::NoAction => format!("would still reference {}", relation.referenced_table),
            BlockReason::Protect => format!("reference {} and are protected", relation.referenced_table),
            BlockReason::Dangles => format!("would reference no row of {}", relation.referenced_table),
            BlockReason::Referenced => {
                format!("reference rows of {} whose key would change", relation.referenced_table)
            }
        };
        let sample = words::sample(blocker);
        let colon = if sample.is_empty() { "" } else { ": " };
        let rows = view.count(blocker.rows);
        let _ = writeln!(
            out,
            "<li><strong>{rows} {} of {}</strong> {} through <code>{}</code>{colon}<code>{}</code></li>",
            if blocker.rows == 1 { "row" } else { "rows" },
            escaped(&relation.table.to_string()),
            escaped(&why),
            escaped(&relation.to_string()),
            escaped(&sample)
        );
    }
    out.push_str("</ul>\n</section>\n");
}

fn warnings(out: &mut String, view: &View<'_>) {
    if view.plan.warnings().is_empty() {
        return;
    }
    out.push_str("<section class=\"warnings\">\n<h2>Warnings</h2>\n<ul>\n");
    for warning in view.plan.warnings() {
        let _ = writeln!(out, "<li>{}</li>", escaped(warning));
    }
    out.push_str("</ul>\n</section>\n");
}

/// What happens to each table's rows, in the order of execution. Columns without a count are left out.
fn tables(out: &mut String, view: &View<'_>) {
    let columns: Vec<_> = COLUMNS
        .into_iter()
        .filter(|(word, count)| *word == "delete" || view.tables.iter().any(|report| count(report) > 0))
        .collect();
    out.push_str("<section>\n<h2>Tables</h2>\n<table>\n<caption>In the order of execution</caption>\n<thead><tr><th scope=\"col\">table</th>");
    for (word, _) in &columns {
        let _ = write!(out, "<th scope=\"col\" class=\"number\">{word}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    let is_empty = |report: &super::TableReport| report.is_empty() && !view.not_counted.contains(&report.table);
    for report in view.tables.iter().filter(|report| !is_empty(report)) {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escaped(&report.table.to_string()));
        for (_, count) in &columns {
            let text = match view.not_counted.contains(&report.table) {
                true => "not counted".to_owned(),
                false => at_least(view, &report.table, count(report)),
            };
            let _ = write!(out, "<td class=\"number\">{text}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
    let untouched = view.tables.iter().filter(|report| is_empty(report)).count();
    if untouched > 0 {
        let _ = writeln!(
            out,
            "<p>{} without such rows.</p>",
            words::plural(count(untouched), "table")
        );
    }
    out.push_str("</section>\n");
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A table's count is a lower bound if one of its keys' is.
fn at_least(view: &View<'_>, table: &TableName, rows: u64) -> String {
    let report = view.tables.iter().find(|report| report.table == *table);
    let capped = report.is_some_and(|report| report.by.iter().any(|by| view.is_capped(by.rows)));
    match capped && rows > 0 {
        true => format!("at least {rows}"),
        false => view.count(rows),
    }
}

fn keys(out: &mut String, view: &View<'_>) {
    let outline = Outline::of(view);
    if outline.lines.is_empty() {
        return;
    }
    out.push_str(
        "<section>\n<h2>Keys</h2>\n<table>\n<thead><tr><th scope=\"col\">key</th><th scope=\"col\">references</th>\
         <th scope=\"col\">on delete</th><th scope=\"col\">effect</th></tr></thead>\n<tbody>\n",
    );
    for edge in outline.shown() {
        let effects: Vec<_> = words::effects(view, edge)
            .into_iter()
            .map(|effect| format!("{} {}", effect.verb, effect.rest).trim().to_owned())
            .collect();
        let class = if edge.blockers.is_empty() {
            ""
        } else {
            " class=\"blocked\""
        };
        let _ = writeln!(
            out,
            "<tr{class}><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&edge.relation.to_string()),
            escaped(&edge.relation.referenced_table.to_string()),
            escaped(&words::action(edge)),
            escaped(&effects.join("; "))
        );
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

fn statements(out: &mut String, view: &View<'_>) {
    let statements = view.plan.statements();
    let _ = writeln!(
        out,
        "<details>\n<summary>{}</summary>\n<ol>",
        match statements.len() {
            1 => "The statement".to_owned(),
            many => format!("The {many} statements, in order"),
        }
    );
    for statement in &statements {
        let lines: Vec<_> = statement.lines().map(escaped).collect();
        let _ = writeln!(out, "<li><pre><code>{}</code></pre></li>", lines.join("\n"));
    }
    out.push_str("</ol>\n</details>\n");
}
