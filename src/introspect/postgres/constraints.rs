//! Keys and checks.

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::keys::{self, Read, unknown_actions};
use super::super::rows::table_name;
use super::json::columns;
use super::{namespace_in_scope, schema_of};
use crate::backend::Backend;
use crate::error::Result;
use crate::lex::without_parentheses;
use crate::name::ConstraintName;
use crate::schema::{Action, Check, Deferrable, Match, PrimaryKey, UniqueKey};

/// `beyond` is what the model has no word for. A NOT NULL has a constraint of its own from PostgreSQL 18 (`n`); the column tells it.
pub(super) const CONSTRAINTS: &str = concat!(
    "SELECT ",
    schema_of!("n"),
    " AS table_schema, t.relname::text AS table_name, c.conname::text AS constraint_name, c.contype::text AS kind,
       (SELECT pg_catalog.json_agg(a.attname ORDER BY k.position)::text
        FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k (attnum, position)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS columns,
       pg_catalog.pg_get_expr(c.conbin, c.conrelid) AS expression, NOT c.convalidated AS not_validated,
       COALESCE((pg_catalog.to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
       pg_catalog.concat_ws(', ',
         CASE WHEN c.condeferrable THEN 'DEFERRABLE' END,
         CASE WHEN x.indnatts > x.indnkeyatts THEN 'INCLUDE' END,
         CASE WHEN c.connoinherit AND c.contype = 'c' THEN 'NO INHERIT' END,
         CASE WHEN pg_catalog.to_jsonb(c) ->> 'conperiod' = 'true' THEN 'WITHOUT OVERLAPS' END,
         CASE WHEN pg_catalog.to_jsonb(c) ->> 'conenforced' = 'false' THEN 'NOT ENFORCED' END) AS beyond
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_class t ON t.oid = c.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.conindid
WHERE c.contype NOT IN ('f', 'n', 't') AND NOT t.relispartition AND ",
    namespace_in_scope!("n")
);

/// Constraint names repeat between tables, so keys are told apart by their oid. The copies a partitioned table hands down to its
/// partitions (`conparentid`) are not keys of their own. All schemas if `$1` is NULL.
pub(super) const FOREIGN_KEYS: &str = concat!(
    "SELECT c.oid::text AS identity, c.conname::text AS constraint_name, ",
    schema_of!("n"),
    " AS table_schema, t.relname::text AS table_name, a.attname::text AS column_name, ",
    schema_of!("rn"),
    " AS referenced_schema, r.relname::text AS referenced_name, ra.attname::text AS referenced_column,
       c.confdeltype::text AS on_delete, c.confupdtype::text AS on_update, c.confmatchtype::text AS match_type,
       c.condeferrable AS is_deferrable, c.condeferred AS is_deferred, NOT c.convalidated AS not_validated,
       COALESCE(pg_catalog.to_jsonb(c) ->> 'conenforced' = 'false', false) AS not_enforced,
       COALESCE(pg_catalog.to_jsonb(c) ->> 'conperiod' = 'true', false) AS is_period,
       (SELECT pg_catalog.json_agg(da.attname ORDER BY d.position)::text
        FROM pg_catalog.jsonb_array_elements_text(NULLIF(pg_catalog.to_jsonb(c) -> 'confdelsetcols', 'null'::jsonb))
          WITH ORDINALITY AS d (attnum, position)
        JOIN pg_catalog.pg_attribute da ON da.attrelid = c.conrelid AND da.attnum = d.attnum::int2) AS on_delete_columns
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = c.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (attnum, refattnum, position)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
JOIN pg_catalog.pg_attribute ra ON ra.attrelid = c.confrelid AND ra.attnum = k.refattnum
WHERE c.contype = 'f' AND c.conparentid = 0 AND ($1::text IS NULL OR ",
    namespace_in_scope!("n"),
    ") ORDER BY n.nspname, t.relname, c.oid, k.position"
);

pub(super) fn add(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let name = table_name(row, "table_schema", "table_name")?;
        let constraint: String = row.try_get("", "constraint_name")?;
        let kind: String = row.try_get("", "kind")?;
        let beyond: String = row.try_get("", "beyond")?;
        let Some(table) = draft.table(&name) else {
            continue;
        };
        let named = Some(ConstraintName::new(&constraint));
        match kind.as_str() {
            "p" => {
                let mut key = PrimaryKey::new(columns(row, "columns")?);
                key.name = named;
                table.primary_key = Some(key);
            }
            "u" => {
                let mut key = UniqueKey::new(columns(row, "columns")?);
                key.name = named;
                key.nulls_not_distinct = row.try_get("", "nulls_not_distinct")?;
                table.unique_keys.push(key);
            }
            "c" => {
                let expression: Option<String> = row.try_get("", "expression")?;
                let expression = expression.unwrap_or_default();
                let mut check = Check::new(without_parentheses(Backend::Postgres, &expression));
                check.name = named;
                check.not_validated = row.try_get("", "not_validated")?;
                table.checks.push(check);
            }
            "x" => draft.unknown(format!(
                "{name} has the exclusion constraint {constraint}, which the model has no place for"
            )),
            other => draft.unknown(format!(
                "the catalog says {other:?} for what the constraint {constraint} of {name} is"
            )),
        }
        if !beyond.is_empty() {
            draft.unknown(format!(
                "the constraint {constraint} of {name} says {beyond}, which the model has no place for"
            ));
        }
    }
    Ok(())
}

pub(super) fn add_foreign_keys(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    for read in foreign_keys(rows)? {
        if draft.table(&read.key.relation.table).is_none() {
            continue;
        }
        for sentence in unknown_actions(&read)? {
            draft.unknown(sentence);
        }
        let relation = &read.key.relation;
        let match_type: String = read.row.try_get("", "match_type")?;
        if !["s", "f", "p"].contains(&match_type.as_str()) {
            draft.unknown(format!(
                "the catalog says {match_type:?} for how the foreign key {relation} matches"
            ));
        }
        if read.row.try_get("", "is_period")? {
            draft.unknown(format!(
                "the foreign key {relation} is over a PERIOD, which the model has no place for"
            ));
        }
        if let Some(table) = draft.table(&read.key.relation.table) {
            table.foreign_keys.push(read.key);
        }
    }
    Ok(())
}

pub(super) fn foreign_keys(rows: &[QueryResult]) -> Result<Vec<Read<'_>>> {
    let mut keys = keys::collect(rows, action)?;
    for Read { key, row } in &mut keys {
        key.on_delete_columns = columns(row, "on_delete_columns")?;
        key.matching = match row.try_get::<String>("", "match_type")?.as_str() {
            "f" => Match::Full,
            "p" => Match::Partial,
            _ => Match::Simple,
        };
        key.deferrable = match (row.try_get("", "is_deferrable")?, row.try_get("", "is_deferred")?) {
            (false, _) => Deferrable::No,
            (true, false) => Deferrable::InitiallyImmediate,
            (true, true) => Deferrable::InitiallyDeferred,
        };
        key.not_validated = row.try_get("", "not_validated")?;
        key.not_enforced = row.try_get("", "not_enforced")?;
    }
    Ok(keys)
}

/// `confdeltype` and `confupdtype` (PostgreSQL manual, `pg_constraint`).
fn action(letter: &str) -> Action {
    match letter {
        "a" => Action::NoAction,
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::Unknown,
    }
}
