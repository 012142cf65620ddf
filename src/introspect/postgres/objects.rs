//! What stands beside the tables: types, sequences, triggers.

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::rows::table_name;
use super::json::json;
use super::{namespace_in_scope, schema_of};
use crate::error::Result;
use crate::schema::{LeftOutKind, NamedType, NamedTypeKind, Sequence};

/// Enums, domains, and what else a user makes with CREATE TYPE; a table's own row type is not among them. A check's name is written
/// only if it is not the one the server gives.
pub(super) const TYPES: &str = concat!(
    "SELECT ",
    schema_of!("n"),
    " AS type_schema, t.typname::text AS type_name, t.typtype::text AS kind,
       EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid
               AND d.deptype = 'e') AS is_member,
       (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)
         AS labels,
       CASE WHEN t.typtype = 'd' THEN pg_catalog.concat_ws(' ',
         pg_catalog.format_type(t.typbasetype, t.typtypmod),
         'COLLATE ' || CASE WHEN t.typcollation <> b.typcollation THEN pg_catalog.quote_ident(l.collname) END,
         'DEFAULT ' || t.typdefault,
         CASE WHEN t.typnotnull THEN 'NOT NULL' END,
         (SELECT pg_catalog.string_agg(
            CASE WHEN c.conname = t.typname || '_check' THEN '' ELSE 'CONSTRAINT ' || pg_catalog.quote_ident(c.conname) || ' ' END
            || pg_catalog.pg_get_constraintdef(c.oid, true), ' ' ORDER BY c.conname)
          FROM pg_catalog.pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c')) END AS definition
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class r ON r.oid = t.typrelid
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_catalog.pg_collation l ON l.oid = t.typcollation
WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND r.relkind = 'c' OR t.typtype = 'b' AND t.typcategory <> 'A') AND ",
    namespace_in_scope!("n")
);

/// Sequences that no column owns, with what differs from a plain one of their type and direction.
pub(super) const SEQUENCES: &str = concat!(
    "SELECT sequence_schema, sequence_name, is_member, pg_catalog.concat_ws(' ',
         'AS ' || NULLIF(data_type, 'bigint'),
         'START WITH ' || NULLIF(seqstart, CASE WHEN seqincrement > 0 THEN seqmin ELSE seqmax END),
         'INCREMENT BY ' || NULLIF(seqincrement, 1),
         'MINVALUE ' || NULLIF(seqmin, CASE WHEN seqincrement > 0 THEN 1 ELSE -lim - 1 END),
         'MAXVALUE ' || NULLIF(seqmax, CASE WHEN seqincrement > 0 THEN lim ELSE -1 END),
         'CACHE ' || NULLIF(seqcache, 1),
         CASE WHEN seqcycle THEN 'CYCLE' END) AS definition
FROM (SELECT s.*, ",
    schema_of!("n"),
    " AS sequence_schema, c.relname::text AS sequence_name, pg_catalog.format_type(s.seqtypid, NULL) AS data_type,
         CASE s.seqtypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END AS lim,
         EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                 AND d.deptype = 'e') AS is_member
  FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')) AND ",
    namespace_in_scope!("n"),
    ") AS free"
);

/// A trigger that a partitioned table hands down (`tgparentid`, from PostgreSQL 13) is not one of its own.
pub(super) const TRIGGERS: &str = concat!(
    "SELECT ",
    schema_of!("n"),
    " AS table_schema, t.relname::text AS table_name, g.tgname::text AS trigger_name
FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class t ON t.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE NOT g.tgisinternal AND COALESCE(pg_catalog.to_jsonb(g) ->> 'tgparentid', '0') = '0' AND ",
    namespace_in_scope!("n")
);

pub(super) fn add_types(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let name = table_name(row, "type_schema", "type_name")?;
        let kind: String = row.try_get("", "kind")?;
        if row.try_get("", "is_member")? {
            draft.leave_out(LeftOutKind::ExtensionMember, name, None, None);
            continue;
        }
        let kind = match kind.as_str() {
            "e" => NamedTypeKind::Enum(json(row, "labels")?.unwrap_or_default()),
            "d" => NamedTypeKind::Domain(row.try_get::<Option<String>>("", "definition")?.unwrap_or_default()),
            other => {
                let what = match other {
                    "c" => "a composite type",
                    "r" => "a range type",
                    _ => "a type of its own",
                };
                draft.unknown(format!("{name} is {what}, which the model has no place for"));
                continue;
            }
        };
        draft.schema.types.push(NamedType { name, kind });
    }
    Ok(())
}

pub(super) fn add_sequences(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let name = table_name(row, "sequence_schema", "sequence_name")?;
        if row.try_get("", "is_member")? {
            draft.leave_out(LeftOutKind::ExtensionMember, name, None, None);
        } else {
            let definition = row.try_get("", "definition")?;
            draft.schema.sequences.push(Sequence { name, definition });
        }
    }
    Ok(())
}

pub(super) fn add_triggers(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let table = table_name(row, "table_schema", "table_name")?;
        let name = table_name(row, "table_schema", "trigger_name")?;
        draft.leave_out(LeftOutKind::Trigger, name, Some(table), None);
    }
    Ok(())
}
