//! One spelling for what an engine writes in several: `varchar` and `character varying` are one type of PostgreSQL's.
//!
//! This is what can be told without asking the engine. Expressions can be spelled in more ways than any list holds; where they matter, the
//! engine itself is asked, by making the schema in a place of its own and reading it back.

use super::data_type::TypeKind;
use super::foreign_key::Action;
use super::model::Schema;
use super::table::{Column, Table};
use crate::backend::Backend;
use crate::name::{ColumnName, TableName};

impl Schema {
    /// The same schema in the spelling of the engine's own catalog, and in the stable order.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        let backend = self.backend;
        for table in &mut self.tables {
            normalise_table(backend, table);
        }
        self.sort();
        self
    }
}

impl Schema {
    /// The same schema with the names of tables and columns as the engine will keep them.
    pub(crate) fn with_names_as_kept(mut self) -> Self {
        if self.backend == Backend::Postgres {
            self.tables.iter_mut().for_each(cut_names);
            self.sort();
        }
        self
    }
}

fn normalise_table(backend: Backend, table: &mut Table) {
    let key = table
        .primary_key
        .iter()
        .flat_map(|key| key.columns.clone())
        .collect::<Vec<_>>();
    for column in &mut table.columns {
        // SQLite alone takes NULL in a primary key (SQLite, "CREATE TABLE", section 3.5).
        if backend != Backend::Sqlite && key.contains(&column.name) {
            column.nullable = false;
        }
        normalise_column(backend, column);
    }
    for check in &mut table.checks {
        check.expression = without_parentheses(&check.expression).to_owned();
    }
    for index in &mut table.indexes {
        if let Some(sql) = &mut index.predicate {
            *sql = without_parentheses(sql).to_owned();
        }
    }
    match backend {
        Backend::Postgres => cut_names(table),
        Backend::MySql => one_action(table),
        Backend::Sqlite => {}
    }
}

/// InnoDB does the same for RESTRICT, NO ACTION and nothing (MySQL manual, "FOREIGN KEY Constraints"); MariaDB stores SET DEFAULT as
/// RESTRICT. What was declared is lost.
fn one_action(table: &mut Table) {
    for key in &mut table.foreign_keys {
        for action in [&mut key.on_delete, &mut key.on_update] {
            if matches!(action, Action::Restrict | Action::SetDefault) {
                *action = Action::NoAction;
            }
        }
    }
}

fn normalise_column(backend: Backend, column: &mut Column) {
    column.data_type = data_type(backend, &column.data_type);
    let numeric = matches!(TypeKind::of(backend, &column.data_type), TypeKind::Integer { .. })
        || ["numeric", "decimal", "double", "real", "float"]
            .iter()
            .any(|name| column.data_type.starts_with(name));
    column.default = column
        .default
        .take()
        .and_then(|default| default_value(backend, &default, numeric));
    column.on_update = column.on_update.take().map(|sql| clock(&sql).unwrap_or(sql));
    if let Some(generated) = &mut column.generated {
        generated.expression = without_parentheses(&generated.expression).to_owned();
    }
}

/// PostgreSQL cuts names after 63 bytes, at the end of a character, and says so in a notice only.
fn cut_names(table: &mut Table) {
    let short = |name: &str| {
        let mut end = name.len().min(63);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.get(..end).unwrap_or(name).to_owned()
    };
    let short_table = |name: &TableName| match name.schema() {
        Some(schema) => TableName::in_schema(short(schema), short(name.name())),
        None => TableName::new(short(name.name())),
    };
    let cut = |columns: &mut Vec<ColumnName>| {
        for column in columns {
            *column = ColumnName::new(short(column.as_str()));
        }
    };
    table.name = short_table(&table.name);
    for column in &mut table.columns {
        column.name = ColumnName::new(short(column.name.as_str()));
    }
    if let Some(key) = &mut table.primary_key {
        cut(&mut key.columns);
    }
    for key in &mut table.unique_keys {
        cut(&mut key.columns);
    }
    for index in &mut table.indexes {
        cut(&mut index.include);
        for part in &mut index.parts {
            if let super::table::IndexKey::Column(column) = &mut part.key {
                *column = ColumnName::new(short(column.as_str()));
            }
        }
    }
    for key in &mut table.foreign_keys {
        key.relation.table = short_table(&key.relation.table);
        key.relation.referenced_table = short_table(&key.relation.referenced_table);
        cut(&mut key.relation.columns);
        cut(&mut key.relation.referenced_columns);
        cut(&mut key.on_delete_columns);
    }
}

/// A type in the spelling of the engine's catalog.
pub(crate) fn data_type(backend: Backend, text: &str) -> String {
    match backend {
        Backend::Postgres => postgres_type(text),
        Backend::MySql => mysql_type(text),
        Backend::Sqlite => text.trim().to_lowercase(),
    }
}

/// The name, what stands in parentheses, and what follows: `numeric(10, 2)[]`.
fn dissect(text: &str) -> (&str, Option<&str>, &str) {
    let text = text.trim();
    match (text.split_once('('), text.rfind(')')) {
        (Some((name, _)), Some(end)) => {
            let inner = text.get(name.len() + 1..end);
            (name.trim_end(), inner, text.get(end + 1..).unwrap_or_default())
        }
        _ => match text.strip_suffix("[]") {
            Some(element) => (element, None, "[]"),
            None => (text, None, ""),
        },
    }
}

/// As `format_type` writes it (PostgreSQL manual, "Data Types", table 8.1).
fn postgres_type(text: &str) -> String {
    // A quoted name is a type of somebody's own.
    if text.contains('"') {
        return text.trim().to_owned();
    }
    let lower = text.to_lowercase();
    let (name, inner, rest) = dissect(&lower);
    let inner = inner.map(|inner| inner.replace(' ', ""));
    let zone = rest.trim();
    let (name, inner, rest) = match (name, inner) {
        ("varchar" | "char varying", inner) => ("character varying", inner, rest),
        ("char" | "character", None) => ("character", Some("1".to_owned()), rest),
        ("char", inner) => ("character", inner, rest),
        ("bool", inner) => ("boolean", inner, rest),
        ("int2", inner) => ("smallint", inner, rest),
        ("int" | "int4", inner) => ("integer", inner, rest),
        ("int8", inner) => ("bigint", inner, rest),
        ("float4", inner) => ("real", inner, rest),
        ("float8" | "float", inner) => ("double precision", inner, rest),
        ("decimal" | "dec" | "numeric", inner) => {
            let inner = inner.map(|inner| {
                if inner.contains(',') {
                    inner
                } else {
                    format!("{inner},0")
                }
            });
            ("numeric", inner, rest)
        }
        ("bit", None) => ("bit", Some("1".to_owned()), rest),
        ("varbit", inner) => ("bit varying", inner, rest),
        ("timestamptz", inner) => ("timestamp", inner, " with time zone"),
        ("timetz", inner) => ("time", inner, " with time zone"),
        (name @ ("timestamp" | "time"), inner) if zone.is_empty() || zone == "[]" => {
            let rest = if zone.is_empty() {
                " without time zone"
            } else {
                " without time zone[]"
            };
            (name, inner, rest)
        }
        (name, inner) => (name, inner, rest),
    };
    match inner {
        Some(inner) => format!("{name}({inner}){rest}"),
        None => format!("{name}{rest}"),
    }
}

/// As MySQL 8 writes it in COLUMN_TYPE; MariaDB adds display widths, which change nothing.
fn mysql_type(text: &str) -> String {
    let (name, inner, rest) = dissect(text);
    let name = name.to_lowercase();
    let rest = rest.to_lowercase();
    let (base, attributes) = name
        .split_once(' ')
        .map_or((name.as_str(), ""), |(base, rest)| (base, rest));
    if matches!(base, "enum" | "set") {
        return format!("{base}({}){rest}", tight(inner.unwrap_or_default()));
    }
    let inner = inner.map(|inner| inner.replace(' ', ""));
    let zerofill = rest.contains("zerofill");
    let (base, inner) = match (base, inner) {
        ("bool" | "boolean", _) => ("tinyint", Some("1".to_owned())),
        ("tinyint", Some(width)) if width == "1" => ("tinyint", Some(width)),
        ("tinyint" | "smallint" | "mediumint" | "bigint", _) if !zerofill => (base, None),
        ("int" | "integer", inner) => ("int", inner.filter(|_| zerofill)),
        ("year", _) => ("year", None),
        ("char" | "bit" | "binary", None) => (base, Some("1".to_owned())),
        ("decimal" | "numeric" | "dec" | "fixed", None) => ("decimal", Some("10,0".to_owned())),
        ("decimal" | "numeric" | "dec" | "fixed", Some(inner)) => (
            "decimal",
            Some(if inner.contains(',') {
                inner
            } else {
                format!("{inner},0")
            }),
        ),
        ("double" | "real", inner) => ("double", inner),
        (base, inner) => (base, inner),
    };
    let attributes = if base == "double" { "" } else { attributes };
    let inner = inner.map(|inner| format!("({inner})")).unwrap_or_default();
    let tail = [attributes, rest.trim()].into_iter().filter(|word| !word.is_empty());
    tail.fold(format!("{base}{inner}"), |sql, word| format!("{sql} {word}"))
}

/// Without the spaces that stand outside quotes.
fn tight(list: &str) -> String {
    let mut quoted = false;
    list.chars()
        .filter(|c| {
            quoted ^= *c == '\'';
            quoted || *c != ' '
        })
        .collect()
}

/// A default; nothing if it is NULL, which is what a column without one has.
fn default_value(backend: Backend, text: &str, numeric: bool) -> Option<String> {
    let mut text = without_parentheses(text.trim());
    if backend == Backend::Postgres
        && let Some((value, cast)) = text.rsplit_once("::")
        && is_constant(value)
        && cast.chars().all(|c| c.is_alphanumeric() || " _[](),.\"".contains(c))
    {
        text = without_parentheses(value);
    }
    if text.eq_ignore_ascii_case("null") {
        return None;
    }
    if let Some(inner) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''))
        && numeric
        && backend != Backend::Sqlite
        && inner.parse::<f64>().is_ok()
    {
        text = inner;
    }
    let lower = text.to_ascii_lowercase();
    Some(match (backend, lower.as_str()) {
        (Backend::MySql, "true") => "1".to_owned(),
        (Backend::MySql, "false") => "0".to_owned(),
        (Backend::Postgres | Backend::Sqlite, "true" | "false") => lower,
        _ => clock(text).unwrap_or_else(|| text.to_owned()),
    })
}

/// A string, a number, NULL: what a cast may be taken off without changing the value.
fn is_constant(text: &str) -> bool {
    let text = without_parentheses(text);
    let string = text.starts_with('\'')
        && text.ends_with('\'')
        && !text
            .get(1..text.len() - 1)
            .unwrap_or_default()
            .replace("''", "")
            .contains('\'');
    string || text.parse::<f64>().is_ok() || text.eq_ignore_ascii_case("null")
}

/// The names of the current time, in the standard's spelling. MariaDB writes them as functions.
fn clock(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (name, inner, rest) = dissect(&lower);
    let known = matches!(
        name,
        "current_timestamp" | "current_date" | "current_time" | "localtimestamp"
    ) && rest.is_empty();
    known.then(|| match inner {
        Some(inner) if !inner.is_empty() => format!("{}({inner})", name.to_uppercase()),
        Some(_) | None => name.to_uppercase(),
    })
}

/// Without the parentheses that enclose all of it.
fn without_parentheses(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        let mut depth = 0i32;
        let mut quoted = None;
        let encloses = inner.chars().all(|c| {
            match (quoted, c) {
                (Some(quote), c) if c == quote => quoted = None,
                (None, '\'' | '"' | '`') => quoted = Some(c),
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                _ => {}
            }
            depth >= 0
        });
        if !encloses {
            break;
        }
        text = inner.trim();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for (backend, written, catalog) in [
            (Backend::Postgres, "varchar(80)", "character varying(80)"),
            (Backend::Postgres, "DECIMAL(10, 2)", "numeric(10,2)"),
            (Backend::Postgres, "timestamp", "timestamp without time zone"),
            (
                Backend::Postgres,
                "timestamp(3) with time zone",
                "timestamp(3) with time zone",
            ),
            (Backend::Postgres, "int[]", "integer[]"),
            (Backend::Postgres, "\"Mood\"", "\"Mood\""),
            (Backend::MySql, "bool", "tinyint(1)"),
            (Backend::MySql, "bigint(20) UNSIGNED", "bigint unsigned"),
            (Backend::MySql, "bigint UNSIGNED", "bigint unsigned"),
            (Backend::MySql, "ENUM('a', 'B, c')", "enum('a','B, c')"),
            (Backend::MySql, "decimal", "decimal(10,0)"),
            (Backend::MySql, "int(11)", "int"),
            (Backend::Sqlite, "VARCHAR(3)", "varchar(3)"),
        ] {
            assert_eq!(data_type(backend, written), catalog);
            assert_eq!(data_type(backend, catalog), catalog, "a second time changes nothing");
        }
    }

    #[test]
    fn parentheses() {
        for (written, bare) in [
            ("((a > 0))", "a > 0"),
            ("(a) > (b)", "(a) > (b)"),
            ("(\"a)b\" > 0)", "\"a)b\" > 0"),
            ("(`a(` + 1) + (2)", "(`a(` + 1) + (2)"),
        ] {
            assert_eq!(without_parentheses(written), bare);
        }
    }

    #[test]
    fn defaults() {
        for (backend, written, numeric, catalog) in [
            (Backend::Postgres, "'x'::character varying", false, Some("'x'")),
            (Backend::Postgres, "'-1'::integer", true, Some("-1")),
            (Backend::Postgres, "NULL::text", false, None),
            (Backend::Postgres, "TRUE", false, Some("true")),
            (Backend::Postgres, "lower('x'::text)", false, Some("lower('x'::text)")),
            (
                Backend::Postgres,
                "('a' || 'b')::text",
                false,
                Some("('a' || 'b')::text"),
            ),
            (Backend::MySql, "current_timestamp()", false, Some("CURRENT_TIMESTAMP")),
            (
                Backend::MySql,
                "current_timestamp(6)",
                false,
                Some("CURRENT_TIMESTAMP(6)"),
            ),
            (Backend::MySql, "'0'", true, Some("0")),
            (Backend::Sqlite, "'0'", true, Some("'0'")),
            (Backend::Sqlite, "(1) + (2)", true, Some("(1) + (2)")),
        ] {
            assert_eq!(
                default_value(backend, written, numeric).as_deref(),
                catalog,
                "{written}"
            );
        }
    }
}
