//! Graphviz.

use std::fmt::Write as _;

use super::picture::{Picture, Place, Row, TableBox, picture};
use super::style::{self, Stroke};
use super::text::{escaped, short_type};
use crate::schema::Schema;

/// The schema in Graphviz's language, for `dot -Tsvg` or `dot -Tpdf`.
///
/// Tables are nodes with one port a column; each foreign key is an edge from the referencing to the referenced column.
#[must_use]
pub fn dot(schema: &Schema) -> String {
    let picture = picture(schema);
    let mut out = String::from(
        "digraph schema {\n  rankdir=RL;\n  graph [fontname=\"Helvetica\", nodesep=0.4, ranksep=1.2];\n  \
         node [shape=plain, fontname=\"Helvetica\", fontsize=11];\n  \
         edge [fontname=\"Helvetica\", fontsize=9, dir=both];\n",
    );
    for (index, table) in picture.boxes.iter().enumerate() {
        node(&mut out, index, table);
    }
    for edge in &picture.edges {
        let style = match Stroke::of(edge.key) {
            Stroke::Solid => "solid",
            Stroke::Dashed => "dashed",
            Stroke::Dotted => "dotted",
        };
        // Infallible, here and below: a String takes everything.
        let _ = writeln!(
            out,
            "  {} -> {} [color=\"{}\", fontcolor=\"{}\", style={style}, arrowtail={}, arrowhead={}, label=<{}>, tooltip=\"{}\"];",
            port(&picture, edge.from),
            port(&picture, edge.to),
            style::colour(edge.key.on_delete),
            style::ink(edge.key.on_delete),
            if edge.many { "crow" } else { "tee" },
            if edge.optional { "normalodot" } else { "normal" },
            escaped(&style::label(edge.key)),
            quoted(&style::sentence(edge.key)),
        );
    }
    out.push_str("}\n");
    out
}

fn node(out: &mut String, index: usize, table: &TableBox<'_>) {
    let (head, note) = match table.in_schema {
        true => ("#e2e8f0", ""),
        false => ("#ffffff", " <i>(not in this schema)</i>"),
    };
    let _ = writeln!(
        out,
        "  {} [tooltip=\"{}\", label=<<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"4\" color=\"#64748b\">",
        id(index, table),
        quoted(&table.name.to_string()),
    );
    let name = text(&table.name.to_string());
    let _ = writeln!(
        out,
        "    <tr><td port=\"head\" bgcolor=\"{head}\"><b>{name}</b>{note}</td></tr>"
    );
    for (position, row) in table.rows.iter().enumerate() {
        let _ = writeln!(
            out,
            "    <tr><td port=\"c{position}\" align=\"left\">{}</td></tr>",
            line(row)
        );
    }
    out.push_str("  </table>>];\n");
}

fn line(row: &Row<'_>) -> String {
    let mut line = text(row.name.as_str());
    let marks = row.marks();
    if !marks.is_empty() {
        line = format!("<b>{}</b> {line}", marks.join(" "));
    }
    if !row.data_type.is_empty() {
        let _ = write!(
            line,
            " <font color=\"#475569\">{}</font>",
            text(&short_type(row.data_type))
        );
    }
    if row.nullable {
        line.push_str(" <font color=\"#475569\">null</font>");
    }
    line
}

/// Escaped, and not empty: Graphviz wants text between `<b>` and `</b>`.
fn text(text: &str) -> String {
    match text.is_empty() {
        true => " ".to_owned(),
        false => escaped(text),
    }
}

/// A plain name is its own identifier; an odd one might not be told from another once it is quoted.
fn id(index: usize, table: &TableBox<'_>) -> String {
    let mut parts = table.name.schema().into_iter().chain([table.name.name()]);
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    match parts.all(plain) {
        true => format!("\"{}\"", table.name),
        false => format!("\"table {index}\""),
    }
}

fn port(picture: &Picture<'_>, place: Place) -> String {
    let id = picture.boxes.get(place.table).map(|table| id(place.table, table));
    let id = id.unwrap_or_default();
    match place.row {
        Some(row) => format!("{id}:c{row}"),
        None => format!("{id}:head"),
    }
}

/// For an attribute that Graphviz unescapes twice: its own backslashes, and HTML's entities.
fn quoted(text: &str) -> String {
    escaped(text).replace('\\', "\\\\")
}
