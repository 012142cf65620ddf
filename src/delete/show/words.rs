//! What the pictures say, in words.

use super::outline::Edge;
use super::{State, View};
use crate::error::{BlockReason, Blocker};
use crate::name::{ColumnList, KeyValues, TableName};
use crate::schema::Action;

/// More blocking keys than these are not listed in a sentence.
const LISTED: usize = 5;

/// What an edge does: a verb, and how many rows; or a clause of its own.
pub(super) struct Effect {
    pub(super) verb: &'static str,
    pub(super) rest: String,
}

impl Effect {
    const fn clause(rest: String) -> Self {
        Self { verb: "", rest }
    }
}

/// What a key's action is called, and who carries it out where that is worth saying.
pub(super) fn action(edge: &Edge<'_>) -> String {
    let changes = matches!(edge.action, Action::Cascade | Action::SetNull | Action::SetDefault);
    match edge.by_database && changes {
        true => format!("{}, by database", edge.action),
        false => edge.action.to_string(),
    }
}

/// What comes of an edge.
pub(super) fn effects(view: &View<'_>, edge: &Edge<'_>) -> Vec<Effect> {
    let verb = match (edge.action, view.state) {
        (Action::Cascade, State::Planned | State::Previewed) => "delete",
        (Action::Cascade, State::Done) => "deleted",
        (Action::SetNull, _) => "null",
        (Action::SetDefault, _) => "default",
        (Action::SetValue, _) => "value",
        _ => "",
    };
    let own = match (verb, edge.rows, view.state) {
        ("", _, _) => clause(view, edge),
        (_, Some(0), _) => Some(Effect::clause("no rows".to_owned())),
        (verb, Some(rows), _) => Some(Effect {
            verb,
            rest: view.count(rows),
        }),
        // Of an edge that only shows what blocks nothing is counted.
        (_, None, State::Previewed) => None,
        (_, None, State::Done) => Some(Effect::clause("not counted".to_owned())),
        (verb, None, State::Planned) => Some(Effect {
            verb,
            rest: String::new(),
        }),
    };
    let blocked = edge
        .blockers
        .iter()
        .map(|blocker| Effect::clause(blocked(view, blocker)));
    own.into_iter().chain(blocked).collect()
}

fn clause(view: &View<'_>, edge: &Edge<'_>) -> Option<Effect> {
    let text = match (edge.action, edge.rows, view.state) {
        (Action::DoNothing, None, State::Planned) => "leaves dangling".to_owned(),
        (Action::DoNothing, None, _) => return None,
        (Action::DoNothing, Some(0), _) => "no rows".to_owned(),
        (Action::DoNothing, Some(rows), State::Done) => format!("left {} dangling", view.count(rows)),
        (Action::DoNothing, Some(rows), _) => format!("leaves {} dangling", view.count(rows)),
        (_, _, State::Planned) => "may block".to_owned(),
        (_, _, _) if edge.blockers.is_empty() => "blocks nothing".to_owned(),
        (_, _, _) => return None,
    };
    Some(Effect::clause(text))
}

/// `BLOCKED by 2 rows: id 5, 9`.
pub(super) fn blocked(view: &View<'_>, blocker: &Blocker) -> String {
    let why = match blocker.reason {
        BlockReason::Restrict | BlockReason::NoAction | BlockReason::Protect => "",
        BlockReason::Dangles => " that would reference no row",
        BlockReason::Referenced if blocker.rows == 1 => " that references what would change",
        BlockReason::Referenced => " that reference what would change",
    };
    let sample = sample(blocker);
    let colon = if sample.is_empty() { "" } else { ": " };
    format!("BLOCKED by {}{why}{colon}{sample}", rows(view, blocker.rows))
}

/// `id 5, 9`, with `…` if there are more.
pub(super) fn sample(blocker: &Blocker) -> String {
    let Some(first) = blocker.sample.first() else {
        return String::new();
    };
    let values: Vec<_> = blocker.sample.iter().map(KeyValues::value_list).collect();
    let all = u64::try_from(values.len()).is_ok_and(|shown| shown >= blocker.rows);
    let more = if all { "" } else { ", …" };
    format!("{} {}{more}", ColumnList(first.columns()), values.join(", "))
}

fn rows(view: &View<'_>, rows: u64) -> String {
    format!("{} {}", view.count(rows), if rows == 1 { "row" } else { "rows" })
}

/// What stands beside the root.
pub(super) fn root(view: &View<'_>) -> String {
    match view.state {
        State::Previewed => format!("delete {}", view.count(view.roots)),
        State::Done => format!("deleted {}", view.roots),
        State::Planned => match view.plan.given() {
            Some(1) => "delete by 1 key".to_owned(),
            Some(keys) => format!("delete by {keys} keys"),
            None => "delete by a condition".to_owned(),
        },
    }
}

/// What happens to a table's rows, all keys together.
pub(super) fn of_table(view: &View<'_>, table: &TableName) -> Vec<String> {
    let Some(report) = view.tables.iter().find(|report| report.table == *table) else {
        return Vec::new();
    };
    if view.state == State::Planned {
        return Vec::new();
    }
    let capped = report.by.iter().any(|by| view.is_capped(by.rows)) || view.is_capped(report.deleted);
    let at_least = if capped { "at least " } else { "" };
    let words = match view.state {
        State::Done => ["deleted", "set null", "set default", "set value", "dangling"],
        State::Planned | State::Previewed => ["delete", "set null", "set default", "set value", "dangling"],
    };
    let counts = report
        .counts()
        .into_iter()
        .zip(words)
        .filter(|((_, rows), _)| *rows > 0);
    let mut lines: Vec<_> = counts
        .map(|((_, rows), word)| format!("{word} {at_least}{rows}"))
        .collect();
    if view.not_counted.contains(table) {
        lines.push("not counted".to_owned());
    }
    lines
}

/// What it comes to: one sentence, or what to do about what blocks.
pub(super) fn closing(view: &View<'_>) -> Option<String> {
    match (view.state, view.blockers) {
        (State::Planned, _) => None,
        (_, []) => Some(total(view)),
        (_, blockers) => Some(format!(
            "blocked: nothing would be deleted. {}",
            way_out(view, blockers)
        )),
    }
}

fn total(view: &View<'_>) -> String {
    let sum = |rows: fn(&super::TableReport) -> u64| {
        let counts = view.tables.iter().map(rows).filter(|rows| *rows > 0);
        counts.fold((0, 0), |(sum, tables), rows| (sum + rows, tables + 1))
    };
    let (deleted, tables) = sum(|report| report.deleted);
    let (changed, _) = sum(|report| report.set_null + report.set_default + report.set_value);
    let (dangling, _) = sum(|report| report.dangling);
    if view.roots == 0 && deleted + changed + dangling == 0 {
        let no_row = format!("{} has no such row", view.plan.root());
        return match view.state {
            State::Done => format!("nothing was deleted: {no_row}"),
            State::Planned | State::Previewed => format!("nothing would be deleted: {no_row}"),
        };
    }
    let capped = view
        .tables
        .iter()
        .flat_map(|report| &report.by)
        .any(|by| view.is_capped(by.rows))
        || view.is_capped(view.roots);
    let mut text = match view.state {
        State::Done => "deleted ".to_owned(),
        State::Planned | State::Previewed => "would delete ".to_owned(),
    };
    text.push_str(if capped { "at least " } else { "" });
    text.push_str(&plural(deleted, "row"));
    if tables > 1 {
        text.push_str(&format!(" of {tables} tables"));
    }
    if changed > 0 {
        text.push_str(&format!(", {} {changed}", past(view, "change", "changed")));
    }
    if dangling > 0 {
        text.push_str(&format!(", {} {dangling} dangling", past(view, "leave", "left")));
    }
    if !view.not_counted.is_empty() {
        let names: Vec<_> = view.not_counted.iter().map(ToString::to_string).collect();
        text.push_str(&format!("; not counted: {}", names.join(", ")));
    }
    text
}

fn past(view: &View<'_>, present: &'static str, past: &'static str) -> &'static str {
    match view.state {
        State::Done => past,
        State::Planned | State::Previewed => present,
    }
}

pub(super) fn plural(count: u64, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

/// What a person can do about it.
fn way_out(view: &View<'_>, blockers: &[Blocker]) -> String {
    if blockers.len() > LISTED {
        return "Delete or re-own the rows that block first, or declare other actions for their keys.".to_owned();
    }
    let mut tables: Vec<(&TableName, Option<u64>)> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    for blocker in blockers {
        let table = &blocker.relation.table;
        match tables.iter_mut().find(|(known, _)| *known == table) {
            // The same rows may block through several keys.
            Some((_, rows)) => *rows = None,
            None => tables.push((table, Some(blocker.rows).filter(|rows| !view.is_capped(*rows)))),
        }
        let key = blocker.relation.to_string();
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let tables: Vec<_> = tables.into_iter().map(|(table, rows)| rows_of(table, rows)).collect();
    let other = if keys.len() == 1 {
        "another action"
    } else {
        "other actions"
    };
    format!(
        "Delete or re-own {} first, or declare {other} for {}.",
        listed(&tables),
        listed(&keys)
    )
}

/// `the 2 invoices`.
fn rows_of(table: &TableName, rows: Option<u64>) -> String {
    match rows {
        Some(1) => format!("the row of {table}"),
        Some(rows) if table.schema().is_none() && table.name().ends_with('s') => format!("the {rows} {table}"),
        Some(rows) => format!("the {rows} rows of {table}"),
        None => format!("the rows of {table}"),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
