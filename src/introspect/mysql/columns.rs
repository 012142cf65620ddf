//! Tables and their columns.

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::lex::without_parentheses;
use super::super::rows::table_name;
use super::{Server, schema_of};
use crate::backend::Backend;
use crate::error::Result;
use crate::name::TableName;
use crate::schema::{Column, Generated, Identity, LeftOutKind, Storage, Table};

pub(super) const TABLES: &str = concat!(
    "SELECT ",
    schema_of!("t.table_schema"),
    " AS table_schema, t.table_name AS table_name, t.table_schema AS database_name, t.table_type AS kind, t.engine AS engine
FROM information_schema.tables t WHERE t.table_schema {scope}"
);

/// A column's collation is told where it is not its table's. MySQL 8 has some of these as binary strings.
pub(super) const COLUMNS: &str = concat!(
    "SELECT ",
    schema_of!("c.table_schema"),
    " AS table_schema, c.table_name AS table_name, c.column_name AS column_name, CAST(c.column_type AS CHAR) AS column_type,
       CAST(c.column_default AS CHAR) AS column_default, c.is_nullable AS is_nullable, CAST(c.extra AS CHAR) AS extra,
       CAST(c.generation_expression AS CHAR) AS expression,
       CASE WHEN c.collation_name <> t.table_collation THEN c.collation_name END AS collation_name
FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema {scope} ORDER BY c.table_schema, c.table_name, c.ordinal_position"
);

/// A sequence (MariaDB), and the database it is in.
pub(super) struct SequenceName {
    pub(super) name: TableName,
    pub(super) database: String,
}

/// Adds the tables; gives the sequences, whose attributes are in themselves.
pub(super) fn add_tables(draft: &mut Draft, rows: &[QueryResult]) -> Result<Vec<SequenceName>> {
    let mut sequences = Vec::new();
    for row in rows {
        let name = table_name(row, "table_schema", "table_name")?;
        match row.try_get::<String>("", "kind")?.as_str() {
            "VIEW" | "SYSTEM VIEW" => draft.leave_out(LeftOutKind::View, name, None, None),
            "SEQUENCE" => sequences.push(SequenceName {
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
                let mut table = Table::new(name);
                let engine: Option<String> = row.try_get("", "engine")?;
                table.options.engine = engine.filter(|engine| !engine.eq_ignore_ascii_case("InnoDB"));
                draft.add(table);
            }
        }
    }
    Ok(sequences)
}

pub(super) fn add_columns(draft: &mut Draft, server: &Server, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let table = table_name(row, "table_schema", "table_name")?;
        let Some(place) = draft.table(&table) else {
            continue;
        };
        let name: String = row.try_get("", "column_name")?;
        let mut column = Column::new(name.as_str(), row.try_get::<String>("", "column_type")?);
        column.nullable = row.try_get::<String>("", "is_nullable")? == "YES";
        column.collation = row.try_get("", "collation_name")?;
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
            false => text.replace("\\'", "'"),
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
