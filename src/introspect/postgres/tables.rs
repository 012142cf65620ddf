//! Tables and their columns; views, partitions and the like.

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::rows::table_name;
use super::json::json;
use super::{namespace_in_scope, schema_of};
use crate::backend::Backend;
use crate::error::Result;
use crate::lex::without_parentheses;
use crate::name::TableName;
use crate::schema::{Column, Generated, Identity, LeftOutKind, Storage, Table};

/// `parents` are pairs of schema and name, in the order in which columns are inherited.
pub(super) const TABLES: &str = concat!(
    "SELECT ",
    schema_of!("n"),
    " AS table_schema, c.relname::text AS table_name, c.relkind::text AS kind, c.relispartition AS is_partition,
       pg_catalog.pg_get_partkeydef(c.oid) AS partition_by,
       EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
               AND d.deptype = 'e') AS is_member,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(",
    schema_of!("pn"),
    ", p.relname) ORDER BY i.inhseqno)::text
        FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
        JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid) AS parents
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ",
    namespace_in_scope!("n")
);

/// `is_serial`: the default is the next value of a sequence that this column owns, and nothing else.
pub(super) const COLUMNS: &str = concat!(
    "SELECT ",
    schema_of!("n"),
    " AS table_schema, c.relname::text AS table_name, a.attname::text AS column_name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS data_type, a.attnotnull AS not_null,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression, a.attgenerated::text AS generated, a.attidentity::text AS identity,
       CASE WHEN a.attcollation <> t.typcollation THEN
         CASE WHEN pg_catalog.pg_collation_is_visible(l.oid) THEN '' ELSE pg_catalog.quote_ident(ln.nspname) || '.' END
         || pg_catalog.quote_ident(l.collname) END AS collation_name,
       EXISTS (SELECT FROM pg_catalog.pg_depend o JOIN pg_catalog.pg_class s ON s.oid = o.objid AND s.relkind = 'S'
               JOIN pg_catalog.pg_depend u ON u.refclassid = 'pg_catalog.pg_class'::regclass AND u.refobjid = s.oid
               WHERE o.classid = 'pg_catalog.pg_class'::regclass AND o.refclassid = 'pg_catalog.pg_class'::regclass
               AND o.refobjid = c.oid AND o.refobjsubid = a.attnum AND o.deptype = 'a'
               AND u.classid = 'pg_catalog.pg_attrdef'::regclass AND u.objid = d.oid)
         AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\\(''.*''::regclass\\)$' AS is_serial
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND ",
    namespace_in_scope!("n"),
    " ORDER BY a.attrelid, a.attnum"
);

pub(super) fn add_tables(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let name = table_name(row, "table_schema", "table_name")?;
        let kind: String = row.try_get("", "kind")?;
        let parents: Vec<(Option<String>, String)> = json(row, "parents")?.unwrap_or_default();
        let mut parents = parents.into_iter().map(|(schema, name)| match schema {
            Some(schema) => TableName::in_schema(schema, name),
            None => TableName::new(name),
        });
        let left_out = match kind.as_str() {
            _ if row.try_get("", "is_member")? => Some(LeftOutKind::ExtensionMember),
            "v" | "m" => Some(LeftOutKind::View),
            _ if row.try_get("", "is_partition")? => Some(LeftOutKind::Partition),
            "f" => Some(LeftOutKind::ForeignTable),
            _ => None,
        };
        match left_out {
            Some(kind) => {
                let parent = parents.next().filter(|_| kind == LeftOutKind::Partition);
                draft.leave_out(kind, name, parent, None);
            }
            None => {
                let mut table = Table::new(name);
                table.options.partition_by = row.try_get("", "partition_by")?;
                table.options.inherits = parents.collect();
                draft.add(table);
            }
        }
    }
    Ok(())
}

pub(super) fn add_columns(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let table = table_name(row, "table_schema", "table_name")?;
        let mut column = Column::new(
            row.try_get::<String>("", "column_name")?.as_str(),
            row.try_get::<String>("", "data_type")?,
        );
        column.nullable = !row.try_get::<bool>("", "not_null")?;
        column.collation = row.try_get("", "collation_name")?;
        let expression: Option<String> = row.try_get("", "expression")?;
        let is_serial: Option<bool> = row.try_get("", "is_serial")?;
        let (generated, identity): (String, String) = (row.try_get("", "generated")?, row.try_get("", "identity")?);
        let storage = match generated.as_str() {
            "" => None,
            "v" => Some(Storage::Virtual),
            "s" => Some(Storage::Stored),
            other => {
                draft.unknown(format!(
                    "the catalog says {other:?} for how {table}.{} is generated",
                    column.name
                ));
                Some(Storage::Stored)
            }
        };
        column.identity = match identity.as_str() {
            "" if is_serial == Some(true) => Some(Identity::Serial),
            "" => None,
            "a" => Some(Identity::Always),
            "d" => Some(Identity::ByDefault),
            other => {
                draft.unknown(format!(
                    "the catalog says {other:?} for the identity of {table}.{}",
                    column.name
                ));
                None
            }
        };
        match (storage, expression) {
            (Some(storage), Some(expression)) => {
                let expression = without_parentheses(Backend::Postgres, &expression).to_owned();
                column.generated = Some(Generated { expression, storage });
            }
            (None, expression) if column.identity.is_none() => column.default = expression,
            (_, _) => {}
        }
        if let Some(table) = draft.table(&table) {
            table.columns.push(column);
        }
    }
    Ok(())
}
