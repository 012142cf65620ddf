//! The tables and keys of a plan as SVG, for a page that gives its classes their colours.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::View;
use super::outline::{Edge, Outline};
use super::words;
use crate::name::{ColumnList, TableName};
use crate::render::{Diagram, Line, Node, cells, clean, diagram, escaped, shortened};
use crate::schema::Action;

/// The width of a character of a table's name, of the lines below it, and of a key's words.
const NAME_CELL: f64 = 8.2;
const LINE_CELL: f64 = 7.0;
const LABEL_CELL: f64 = 5.8;
/// The height of a table's name, and of a line.
const NAME: f64 = 30.0;
const LINE: f64 = 18.0;
/// Longer texts are shortened; the whole is in the title.
const LIMIT: usize = 44;

/// A table.
struct Table<'a> {
    name: &'a TableName,
    class: &'static str,
    /// What happens to its rows, and whether that blocks.
    lines: Vec<(String, bool)>,
}

pub(super) fn picture(view: &View<'_>) -> String {
    let outline = Outline::of(view);
    let names = outline.tables(view.plan.root());
    let places: BTreeMap<&TableName, usize> = names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let tables: Vec<_> = names.iter().map(|name| table(view, name)).collect();
    let edges: Vec<(&Edge<'_>, Line)> = outline
        .shown()
        .filter_map(|edge| {
            let line = Line {
                referenced: *places.get(&edge.relation.referenced_table)?,
                referencing: *places.get(&edge.relation.table)?,
                look: looks(edge),
                label: cells(&label(edge)) * LABEL_CELL + 30.0,
            };
            Some((edge, line))
        })
        .collect();
    let nodes: Vec<_> = tables.iter().map(size).collect();
    let (edges, lines): (Vec<_>, Vec<_>) = edges.into_iter().unzip();
    drawing(view, &tables, &edges, &diagram(&nodes, &lines))
}

fn table<'a>(view: &View<'_>, name: &'a TableName) -> Table<'a> {
    let mut lines: Vec<_> = words::of_table(view, name)
        .into_iter()
        .map(|line| (line, false))
        .collect();
    let untouched = lines.is_empty();
    for blocker in view.blockers.iter().filter(|blocker| blocker.relation.table == *name) {
        let said = words::blocked(view, blocker);
        let (what, sample) = said.split_once(": ").unwrap_or((&said, ""));
        lines.push((what.to_owned(), true));
        if !sample.is_empty() {
            lines.push((sample.to_owned(), true));
        }
    }
    let blocks = lines.iter().any(|(_, blocks)| *blocks);
    let class = match (blocks, untouched) {
        (true, _) => "table blocked",
        (false, false) => "table",
        (false, true) => "table untouched",
    };
    Table { name, class, lines }
}

fn size(table: &Table<'_>) -> Node {
    let name = cells(&shortened(&clean(&table.name.to_string()), LIMIT)) * NAME_CELL;
    let lines = table
        .lines
        .iter()
        .map(|(line, _)| cells(&shortened(&clean(line), LIMIT)) * LINE_CELL);
    let count = table.lines.len();
    Node {
        width: (lines.fold(name, f64::max) + 28.0).max(90.0).ceil(),
        height: NAME + count as f64 * LINE + if count > 0 { 8.0 } else { 0.0 },
    }
}

/// Edges that look alike may run together.
fn looks(edge: &Edge<'_>) -> usize {
    usize::from(!edge.blockers.is_empty()) * 2 + usize::from(edge.action == Action::Cascade)
}

fn label(edge: &Edge<'_>) -> String {
    let columns = shortened(&clean(&ColumnList(&edge.relation.columns).to_string()), 24);
    format!("{columns}: {}", words::action(edge))
}

fn drawing(view: &View<'_>, tables: &[Table<'_>], edges: &[&Edge<'_>], placed: &Diagram) -> String {
    let (width, height) = (placed.width.ceil(), placed.height.ceil());
    let mut out = String::new();
    // Infallible, here and below: a String takes everything.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"picture-title\">\n<title id=\"picture-title\">The tables that a delete from {} reaches, and the keys between \
         them; the same is in the tables below</title>",
        escaped(&view.plan.root().to_string())
    );
    for (edge, drawn) in edges.iter().zip(&placed.lines) {
        let class = match (edge.blockers.is_empty(), edge.action) {
            (false, _) => "key blocked",
            (true, Action::Cascade) => "key goes",
            (true, _) => "key",
        };
        let _ = writeln!(
            out,
            "<g class=\"{class}\">\n<title>{}</title>",
            escaped(&sentence(view, edge))
        );
        let (x, y) = drawn.start;
        let away = drawn.direction;
        let _ = writeln!(out, "<path class=\"line\" d=\"{}\"/>", drawn.path);
        let _ = writeln!(
            out,
            "<path class=\"tip\" d=\"M{x} {y}L{back} {}V{}z\"/>",
            y - 4.5,
            y + 4.5,
            back = x + away * 9.0
        );
        let anchor = if away < 0.0 { "end" } else { "start" };
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>\n</g>",
            x + away * 13.0,
            y - 4.0,
            escaped(&label(edge))
        );
    }
    for (place, (table, area)) in tables.iter().zip(&placed.boxes).enumerate() {
        let root = if place == 0 { " root" } else { "" };
        let name = table.name.to_string();
        let _ = writeln!(
            out,
            "<g class=\"{}{root}\">\n<title>{}</title>\n<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/>",
            table.class,
            escaped(&name),
            area.x,
            area.y,
            area.width,
            area.height
        );
        let middle = area.x + area.width / 2.0;
        let own = NAME + table.lines.len() as f64 * LINE + if table.lines.is_empty() { 0.0 } else { 8.0 };
        let top = area.y + (area.height - own) / 2.0;
        let _ = writeln!(
            out,
            "<text class=\"name\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            top + NAME / 2.0 + 5.0,
            escaped(&shortened(&clean(&name), LIMIT))
        );
        for (number, (line, blocks)) in table.lines.iter().enumerate() {
            let class = if *blocks { "blocks" } else { "count" };
            let _ = writeln!(
                out,
                "<text class=\"{class}\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                top + NAME + number as f64 * LINE + 11.0,
                escaped(&shortened(&clean(line), LIMIT))
            );
        }
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// All of a key, for who points at its line.
fn sentence(view: &View<'_>, edge: &Edge<'_>) -> String {
    let effects: Vec<_> = words::effects(view, edge)
        .into_iter()
        .map(|effect| format!("{} {}", effect.verb, effect.rest).trim().to_owned())
        .collect();
    format!(
        "{} references {}, {} on delete: {}",
        edge.relation,
        edge.relation.referenced_table,
        words::action(edge),
        effects.join("; ")
    )
}
