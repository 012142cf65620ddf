//! The elements.

use std::fmt::Write as _;

use super::super::picture::{Edge, Picture, Row, TableBox};
use super::super::route::{Wire, rounded};
use super::super::style::{self, Stroke};
use super::super::text::{clean, escaped, short_type, shortened};
use super::arrange::{Arranged, Boxed, HEAD, NAME_LIMIT};
use super::legend;
use crate::schema::Schema;

const SANS: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif";
const MONO: &str = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

pub(super) fn drawing(schema: &Schema, picture: &Picture<'_>, arranged: &Arranged) -> String {
    let Arranged {
        boxes,
        wires,
        width,
        height,
    } = arranged;
    let mut body = String::new();
    // Those that join another line go below it, so that the line they join stays whole.
    let order = |joins: bool| {
        picture
            .edges
            .iter()
            .zip(wires)
            .filter(move |(_, wire)| wire.joins == joins)
    };
    for (edge, wire) in order(true).chain(order(false)) {
        line(&mut body, edge, wire);
    }
    for (table, place) in picture.boxes.iter().zip(boxes) {
        table_box(&mut body, table, place);
    }
    let (legend, width, height) = legend::legend(picture, *width, *height);
    body.push_str(&legend);

    let (tables, keys) = (schema.tables.len(), picture.edges.len());
    let mut out = String::new();
    let (width, height) = (width.ceil(), height.ceil());
    // Infallible, here and below: a String takes everything.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-labelledby=\"schema-title schema-desc\" font-family=\"{MONO}\" font-size=\"12\">"
    );
    let _ = writeln!(
        out,
        "<title id=\"schema-title\">Schema: {tables} table{}, {keys} foreign key{}</title>",
        s(tables),
        s(keys)
    );
    let names: Vec<_> = picture.boxes.iter().map(|table| table.name.to_string()).collect();
    let mut description = format!("Tables: {}.", names.join(", "));
    for edge in &picture.edges {
        let _ = write!(description, " {}.", style::sentence(edge.key));
    }
    let _ = writeln!(out, "<desc id=\"schema-desc\">{}</desc>", escaped(&description));
    let _ = writeln!(out, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
    out.push_str(&body);
    out.push_str("</svg>\n");
    out
}

const fn s(count: usize) -> &'static str {
    match count {
        1 => "",
        _ => "s",
    }
}

/// The text of a table's head.
pub(super) fn head(table: &TableBox<'_>) -> String {
    let name = shortened(&clean(&table.name.to_string()), NAME_LIMIT);
    match table.in_schema {
        true => name,
        false => format!("{name} (missing)"),
    }
}

/// The word at a line's referencing end. The line begins at the first column, so that more of them are said.
pub(super) fn label(edge: &Edge<'_>) -> String {
    let label = style::label(edge.key);
    match edge.key.relation.columns.len() {
        0 | 1 => label,
        columns => format!("{label}, {columns} columns"),
    }
}

fn table_box(out: &mut String, table: &TableBox<'_>, place: &Boxed) {
    let Boxed {
        x, y, width, height, ..
    } = *place;
    let right = x + width;
    let title = match table.in_schema {
        true => escaped(&table.name.to_string()),
        false => format!(
            "{}: foreign keys reference it, and it is not in this schema",
            escaped(&table.name.to_string())
        ),
    };
    let _ = writeln!(out, "<g class=\"table\">\n<title>{title}</title>");
    let dash = if table.in_schema {
        ""
    } else {
        " stroke-dasharray=\"5 4\""
    };
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"5\" fill=\"#ffffff\" stroke=\"#475569\"{dash}/>"
    );
    let head_height = place.head();
    if table.in_schema {
        // Rounded above, square below.
        let lower = if place.rows.is_empty() { "h0" } else { "v0" };
        let _ = writeln!(
            out,
            "<path d=\"M{x} {bottom}V{start}a5 5 0 0 1 5 -5H{end}a5 5 0 0 1 5 5V{bottom}z{lower}\" fill=\"#dde5ef\" stroke=\"#475569\"/>",
            bottom = y + head_height,
            start = y + 5.0,
            end = right - 5.0,
        );
    }
    let middle = y + head_height.min(HEAD) / 2.0 + 4.5;
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{middle}\" text-anchor=\"middle\" font-size=\"13\" font-weight=\"bold\" fill=\"#0f172a\">{}</text>",
        x + width / 2.0,
        escaped(&head(table))
    );
    for (index, (row, (top, height))) in table.rows.iter().zip(&place.rows).enumerate() {
        let top = y + top;
        if index > 0 {
            let _ = writeln!(out, "<path d=\"M{x} {top}H{right}\" stroke=\"#e2e8f0\"/>");
        }
        row_text(out, row, place, top + height / 2.0 + 4.0);
    }
    out.push_str("</g>\n");
}

fn row_text(out: &mut String, row: &Row<'_>, place: &Boxed, y: f64) {
    let marks = row.marks().join(" ");
    if !marks.is_empty() {
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{y}\" font-size=\"9\" font-weight=\"bold\" fill=\"#64748b\">{marks}</text>",
            place.x + 8.0
        );
    }
    let weight = if row.in_primary_key {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let name = escaped(&shortened(&clean(row.name.as_str()), NAME_LIMIT));
    let title = match row.name.as_str().chars().count() > NAME_LIMIT {
        true => format!("<title>{}</title>", escaped(row.name.as_str())),
        false => String::new(),
    };
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{y}\" fill=\"#0f172a\"{weight}>{title}{name}</text>",
        place.x + place.names
    );
    let short = short_type(row.data_type);
    let title = match short == row.data_type {
        true => String::new(),
        false => format!("<title>{}</title>", escaped(row.data_type)),
    };
    let null = if row.nullable {
        "<tspan fill=\"#94a3b8\" dx=\"6\">null</tspan>"
    } else {
        ""
    };
    if !short.is_empty() || row.nullable {
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\" font-size=\"11\" fill=\"#475569\">{title}{}{null}</text>",
            place.x + place.width - 10.0,
            escaped(&short)
        );
    }
}

fn line(out: &mut String, edge: &Edge<'_>, wire: &Wire) {
    let (colour, stroke) = (style::colour(edge.key.on_delete), Stroke::of(edge.key));
    let _ = writeln!(
        out,
        "<g class=\"key\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\">"
    );
    let _ = writeln!(out, "<title>{}</title>", escaped(&style::sentence(edge.key)));
    let _ = writeln!(out, "<path d=\"{}\"{}/>", rounded(&wire.points), dashes(stroke));
    if let [start, next, ..] = wire.points.as_slice() {
        let direction = (next.0 - start.0).signum();
        let _ = writeln!(out, "<path d=\"{}\"/>", foot(*start, direction, edge.many));
        let (anchor, x) = if direction < 0.0 {
            ("end", start.0 - 13.0)
        } else {
            ("start", start.0 + 13.0)
        };
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\" font-family=\"{SANS}\" font-size=\"9\" fill=\"{}\" stroke=\"none\">{}</text>",
            start.1 - 3.0,
            style::ink(edge.key.on_delete),
            escaped(&label(edge))
        );
    }
    if let [.., before, end] = wire.points.as_slice() {
        if wire.joins {
            let _ = writeln!(
                out,
                "<circle cx=\"{}\" cy=\"{}\" r=\"2.4\" fill=\"{colour}\" stroke=\"none\"/>",
                end.0, end.1
            );
        } else {
            arrow(out, *end, (end.0 - before.0).signum(), colour, edge.optional);
        }
    }
    out.push_str("</g>\n");
}

/// The referenced end: an arrow, behind it a circle if there may be none.
pub(super) fn arrow(out: &mut String, tip: (f64, f64), direction: f64, colour: &str, optional: bool) {
    let (x, y) = tip;
    let back = x - direction * 9.0;
    let _ = writeln!(
        out,
        "<path d=\"M{x} {y}L{back} {}V{}z\" fill=\"{colour}\" stroke=\"none\"/>",
        y - 4.5,
        y + 4.5
    );
    if optional {
        let _ = writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{y}\" r=\"3.6\" fill=\"#ffffff\"/>",
            back - direction * 3.8
        );
    }
}

/// The referencing end: a crow's foot for many rows, a bar for at most one.
pub(super) fn foot(start: (f64, f64), direction: f64, many: bool) -> String {
    let (x, y) = start;
    match many {
        true => format!("M{x} {}L{} {y}L{x} {}", y - 4.5, x + direction * 10.0, y + 4.5),
        false => format!("M{0} {1}V{2}", x + direction * 7.0, y - 4.5, y + 4.5),
    }
}

pub(super) const fn dashes(stroke: Stroke) -> &'static str {
    match stroke {
        Stroke::Solid => "",
        Stroke::Dashed => " stroke-dasharray=\"6 4\"",
        Stroke::Dotted => " stroke-dasharray=\"1.6 3.4\"",
    }
}
