//! Tables and their columns.

use std::collections::BTreeMap;

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::rows::table_name;
use super::{Server, schema_of};
use crate::backend::Backend;
use crate::error::Result;
use crate::lex::without_parentheses;
use crate::name::TableName;
use crate::schema::{Column, Generated, Identity, LeftOutKind, Storage, Table};

pub(super) const TABLES: &str = concat!(
    "SELECT ",
    schema_of!("t.table_schema"),
    " AS table_schema, t.table_name AS table_name, t.table_schema AS database_name, t.table_type AS kind, t.engine AS engine,
       t.table_collation AS collation_name
FROM information_schema.tables t WHERE t.table_schema {scope}"
);

/// MySQL 8 has some of these as binary strings.
pub(super) const COLUMNS: &str = concat!(
    "SELECT ",
    schema_of!("c.table_schema"),
    " AS table_schema, c.table_name AS table_name, c.column_name AS column_name, CAST(c.column_type AS CHAR) AS column_type,
       CAST(c.column_default AS CHAR) AS column_default, c.is_nullable AS is_nullable, CAST(c.extra AS CHAR) AS extra,
       CAST(c.generation_expression AS CHAR) AS expression,
       c.collation_name AS collation_name
FROM information_schema.columns c
WHERE c.table_schema {scope} ORDER BY c.table_schema, c.table_name, c.ordinal_position"
);

/// A sequence (MariaDB), and the database it is in.
pub(super) struct SequenceName {
    pub(super) name: TableName,
    pub(super) database: String,
}

/// What the list of tables tells beside the tables.
#[derive(Default)]
pub(super) struct Apart {
    /// The sequences, whose attributes are in themselves.
    pub(super) sequences: Vec<SequenceName>,
    /// The tables' collations, which their columns have unless they say otherwise.
    pub(super) collations: BTreeMap<TableName, String>,
}

pub(super) fn add_tables(draft: &mut Draft, rows: &[QueryResult]) -> Result<Apart> {
    let mut apart = Apart::default();
    for row in rows {
        let name = table_name(row, "table_schema", "table_name")?;
        match row.try_get::<String>("", "kind")?.as_str() {
            "VIEW" | "SYSTEM VIEW" => draft.leave_out(LeftOutKind::View, name, None, None),
            "SEQUENCE" => apart.sequences.push(SequenceName {
                name,
                database: row.try_get("", "database_name")?,
            }),
            // Not in the database but in a session.
            "TEMPORARY" | "TEMPORARY SEQUENCE" => {}
            kind => {
                if kind != "BASE TABLE" {
                    draft.unknown(format!(
                        "the catalog says that {name} is a {kind}; it is read as a plain table"
                    ));
                }
                if let Some(collation) = row.try_get("", "collation_name")? {
                    apart.collations.insert(name.clone(), collation);
                }
                let mut table = Table::new(name);
                let engine: Option<String> = row.try_get("", "engine")?;
                table.options.engine = engine.filter(|engine| !engine.eq_ignore_ascii_case("InnoDB"));
                draft.add(table);
            }
        }
    }
    Ok(apart)
}

pub(super) fn add_columns(
    draft: &mut Draft,
    server: &Server,
    collations: &BTreeMap<TableName, String>,
    rows: &[QueryResult],
) -> Result<()> {
    for row in rows {
        let table = table_name(row, "table_schema", "table_name")?;
        let Some(place) = draft.table(&table) else {
            continue;
        };
        let name: String = row.try_get("", "column_name")?;
        let mut column = Column::new(name.as_str(), row.try_get::<String>("", "column_type")?);
        column.nullable = row.try_get::<String>("", "is_nullable")? == "YES";
        column.collation = row.try_get("", "collation_name")?;
        if column.collation.as_ref() == collations.get(&table) {
            column.collation = None;
        }
        let extra: String = row.try_get::<Option<String>>("", "extra")?.unwrap_or_default();
        let (attributes, on_update) = attributes(&extra);
        column.on_update = on_update.map(str::to_owned);
        let expression: Option<String> = row.try_get("", "expression")?;
        let mut strange = Vec::new();
        let mut is_expression = false;
        for attribute in attributes {
            match attribute.as_str() {
                "AUTO_INCREMENT" => column.identity = Some(Identity::AutoIncrement),
                "DEFAULT_GENERATED" => is_expression = true,
                "VIRTUAL GENERATED" | "STORED GENERATED" | "PERSISTENT GENERATED" => {
                    let expression = server.expression(expression.as_deref().unwrap_or_default());
                    column.generated = Some(Generated {
                        expression,
                        storage: match attribute.starts_with('V') {
                            true => Storage::Virtual,
                            false => Storage::Stored,
                        },
                    });
                }
                _ => strange.push(attribute),
            }
        }
        if column.generated.is_none() {
            let default: Option<String> = row.try_get("", "column_default")?;
            column.default = default.and_then(|text| server.default(&column.data_type, &text, is_expression));
        }
        place.columns.push(column);
        for attribute in strange {
            draft.unknown(format!(
                "{table}.{name} is {attribute}, which the model has no place for"
            ));
        }
    }
    Ok(())
}

/// The attributes in EXTRA, in capitals, and what follows `on update`.
fn attributes(extra: &str) -> (Vec<String>, Option<&str>) {
    let lower = extra.to_ascii_lowercase();
    let (before, on_update) = match lower.find("on update ") {
        Some(at) => (extra.get(..at), extra.get(at + "on update ".len()..)),
        None => (Some(extra), None),
    };
    // MariaDB puts others after it, behind a comma.
    let (on_update, after) = match on_update.and_then(|text| text.split_once(',')) {
        Some((on_update, after)) => (Some(on_update.trim()), after),
        None => (on_update.map(str::trim), ""),
    };
    let mut attributes = Vec::new();
    for part in before.unwrap_or_default().split(',').chain(after.split(',')) {
        let mut rest = part.trim().to_ascii_uppercase();
        // MySQL writes several with blanks between them.
        for known in [
            "DEFAULT_GENERATED",
            "VIRTUAL GENERATED",
            "STORED GENERATED",
            "INVISIBLE",
        ] {
            if rest.contains(known) {
                attributes.push(known.to_owned());
                rest = rest.replace(known, "").trim().to_owned();
            }
        }
        if !rest.is_empty() {
            attributes.push(rest);
        }
    }
    (attributes, on_update)
}

impl Server {
    /// An expression as it is written in SQL.
    pub(super) fn expression(&self, text: &str) -> String {
        let text = match self.is_mariadb {
            true => text.to_owned(),
            false => unescaped(text),
        };
        without_parentheses(Backend::MySql, &text).to_owned()
    }

    /// A default as it is written after DEFAULT; none if it is NULL.
    fn default(&self, data_type: &str, text: &str, is_expression: bool) -> Option<String> {
        if self.is_mariadb {
            return (text != "NULL").then(|| text.to_owned());
        }
        let is_now = text.to_ascii_uppercase().starts_with("CURRENT_TIMESTAMP");
        let kind = data_type.split(['(', ' ']).next().unwrap_or_default();
        Some(match kind {
            "timestamp" | "datetime" if is_now => text.to_owned(),
            _ if is_expression => format!("({})", self.expression(text)),
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "float" | "double" | "bit"
            | "year" => text.to_owned(),
            _ => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        })
    }
}

/// Undoes the escapes with which MySQL tells an expression, as if it were to stand in a string.
fn unescaped(text: &str) -> String {
    let mut characters = text.chars();
    let mut plain = String::new();
    while let Some(c) = characters.next() {
        match (c, c == '\\') {
            (_, true) => plain.extend(characters.next().map(|escaped| match escaped {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                other => other,
            })),
            (c, false) => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::Server;

    /// What MySQL 8 says in COLUMN_DEFAULT, and what was written after DEFAULT (MySQL manual, "Data Type Default Values").
    #[test]
    fn defaults_of_mysql() {
        let server = Server {
            is_mariadb: false,
            has: Vec::new(),
        };
        for (data_type, text, is_expression, written) in [
            ("varchar(10)", "it's \\ so", false, "'it''s \\\\ so'"),
            ("varchar(10)", "NULL", false, "'NULL'"),
            ("int unsigned", "-5", false, "-5"),
            ("bit(3)", "b'101'", false, "b'101'"),
            ("enum('a','b')", "a", false, "'a'"),
            ("date", "2024-01-01", false, "'2024-01-01'"),
            ("datetime(3)", "CURRENT_TIMESTAMP(3)", true, "CURRENT_TIMESTAMP(3)"),
            ("varchar(36)", "uuid()", true, "(uuid())"),
            (
                "json",
                "json_object(_utf8mb4\\'a\\',1)",
                true,
                "(json_object(_utf8mb4'a',1))",
            ),
            ("text", "_utf8mb4\\'it\\\\\\'s\\'", true, "(_utf8mb4'it\\'s')"),
        ] {
            assert_eq!(server.default(data_type, text, is_expression).as_deref(), Some(written));
        }
    }

    #[test]
    fn attributes_of_both() {
        for (extra, words, on_update) in [
            ("", &[] as &[&str], None),
            ("auto_increment", &["AUTO_INCREMENT"], None),
            (
                "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(3)",
                &["DEFAULT_GENERATED"],
                Some("CURRENT_TIMESTAMP(3)"),
            ),
            (
                "on update current_timestamp(), INVISIBLE",
                &["INVISIBLE"],
                Some("current_timestamp()"),
            ),
            ("STORED GENERATED INVISIBLE", &["STORED GENERATED", "INVISIBLE"], None),
            (
                "VIRTUAL GENERATED, INVISIBLE",
                &["VIRTUAL GENERATED", "INVISIBLE"],
                None,
            ),
            ("WITHOUT SYSTEM VERSIONING", &["WITHOUT SYSTEM VERSIONING"], None),
        ] {
            let (found, update) = super::attributes(extra);
            assert_eq!(
                (found.as_slice(), update),
                (
                    words.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice(),
                    on_update
                )
            );
        }
    }
}
