//! Mermaid's `erDiagram`.
//!
//! Its grammar is strict about words: a type is one word of letters, digits, `_`, `-`, parentheses and brackets; a column's name cannot
//! be `PK`, `FK` or `UK`; a quoted name has no quote, percent sign, backslash or line break. What a word cannot say stands in the
//! comment behind it. (Mermaid, "Entity Relationship Diagrams", and its `erDiagram.jison`.)

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::picture::{Edge, Row, picture};
use super::style;
use super::text::{clean, short_type};
use crate::schema::{Enforcement, Schema};

/// The schema as a Mermaid `erDiagram`, as GitHub, GitLab and many editors draw it inside Markdown.
///
/// Tables are entities with their columns; each foreign key is a relation that bears its columns and its action on delete, drawn solid if
/// the database enforces it and dashed if the application does.
#[must_use]
pub fn mermaid(schema: &Schema) -> String {
    let picture = picture(schema);
    let mut taken = BTreeSet::new();
    let names: Vec<_> = picture
        .boxes
        .iter()
        .map(|table| {
            // Two odd names may be one once they are cleaned.
            let mut name = quotable(&table.name.to_string());
            while !taken.insert(name.clone()) {
                name.push('\'');
            }
            name
        })
        .collect();
    let mut out = "erDiagram\n".to_owned();
    for (table, name) in picture.boxes.iter().zip(&names) {
        if table.rows.is_empty() {
            // Infallible: a String takes everything.
            let _ = writeln!(out, "  \"{name}\"");
            continue;
        }
        let _ = writeln!(out, "  \"{name}\" {{");
        for row in &table.rows {
            let _ = writeln!(out, "    {}", attribute(row));
        }
        out.push_str("  }\n");
    }
    for edge in &picture.edges {
        if let (Some(from), Some(to)) = (names.get(edge.from.table), names.get(edge.to.table)) {
            let label = quotable(&label(edge));
            let _ = writeln!(out, "  \"{to}\" {} \"{from}\" : \"{label}\"", line(edge));
        }
    }
    out
}

const fn line(edge: &Edge<'_>) -> &'static str {
    let solid = matches!(edge.key.enforced_by, Enforcement::Database);
    match (edge.optional, solid, edge.many) {
        (false, true, true) => "||--o{",
        (false, true, false) => "||--o|",
        (false, false, true) => "||..o{",
        (false, false, false) => "||..o|",
        (true, true, true) => "|o--o{",
        (true, true, false) => "|o--o|",
        (true, false, true) => "|o..o{",
        (true, false, false) => "|o..o|",
    }
}

fn label(edge: &Edge<'_>) -> String {
    let columns: Vec<_> = edge.key.relation.columns.iter().map(ToString::to_string).collect();
    let by = match edge.key.enforced_by {
        Enforcement::Database => "",
        Enforcement::Application => ", by the application",
        Enforcement::Loose => ", by the application, later",
    };
    format!("{}: {}{by}", columns.join(", "), style::label(edge.key))
}

/// Type, name, keys and comment.
fn attribute(row: &Row<'_>) -> String {
    let data_type = match row.data_type {
        "" => "any".to_owned(),
        other => short_type(other),
    };
    let type_word = word(&data_type, &['(', ')', '[', ']']);
    let name_word = word(row.name.as_str(), &[]);
    let mut comments = Vec::new();
    if name_word != row.name.as_str() {
        comments.push(quotable(row.name.as_str()));
    }
    if type_word != data_type {
        comments.push(quotable(&data_type));
    }
    if row.nullable {
        comments.push("null".to_owned());
    }
    let mut attribute = format!("{type_word} {name_word}");
    let marks = row.marks();
    if !marks.is_empty() {
        let _ = write!(attribute, " {}", marks.join(", "));
    }
    if !comments.is_empty() {
        let _ = write!(attribute, " \"{}\"", comments.join(", "));
    }
    attribute
}

/// One word of the grammar.
fn word(text: &str, also: &[char]) -> String {
    let word: String = text
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || c == '_' || also.contains(&c) => c,
            '\u{c0}'..='\u{fffd}' if c.is_alphanumeric() => c,
            _ => '_',
        })
        .collect();
    let begins_well = word.starts_with(|c: char| c == '_' || c.is_alphabetic());
    let start: String = word
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    let is_mark = ["pk", "fk", "uk"].contains(&start.to_ascii_lowercase().as_str());
    match begins_well && !is_mark {
        true => word,
        false => format!("_{word}"),
    }
}

/// What can stand between quotes, with markup made harmless.
pub(crate) fn quotable(text: &str) -> String {
    let quotable: String = clean(text)
        .chars()
        .map(|c| match c {
            '"' => '\'',
            '%' | '\\' | '`' => '/',
            // A pair of tildes is a generic type, even in a comment.
            '~' => '-',
            '<' => '‹',
            '>' => '›',
            // A hash begins one of Mermaid's entities, and a semicolon may end a statement.
            '#' => '♯',
            ';' => ',',
            c => c,
        })
        .collect();
    match quotable.trim().is_empty() {
        true => format!("_{quotable}"),
        false => quotable,
    }
}
