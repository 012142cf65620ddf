//! Indexes that are not behind a constraint.

use sea_orm::QueryResult;
use serde::Deserialize;

use super::super::draft::Draft;
use super::super::rows::table_name;
use super::json::json;
use super::{namespace_in_scope, schema_of};
use crate::backend::Backend;
use crate::error::Result;
use crate::lex::{between_commas, group, joined, tokens, without_parentheses};
use crate::name::ColumnName;
use crate::schema::{Index, IndexKey, IndexPart};

/// `parts` has each part's column, or for an expression NULL, and its text without what follows it. A foreign key names the index it
/// relies on, which is no reason to leave that out.
pub(super) const INDEXES: &str = concat!(
    "SELECT ",
    schema_of!("n"),
    " AS table_schema, t.relname::text AS table_name, i.relname::text AS index_name, x.indisunique AS is_unique,
       m.amname::text AS method, pg_catalog.pg_get_expr(x.indpred, x.indrelid) AS predicate,
       NOT (x.indisvalid AND x.indisready) AS is_invalid,
       COALESCE((pg_catalog.to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
       pg_catalog.pg_get_indexdef(x.indexrelid, 0, true) AS definition,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('column', a.attname,
                 'text', pg_catalog.pg_get_indexdef(x.indexrelid, k.position::int, true), 'carried', k.position > x.indnkeyatts)
               ORDER BY k.position)::text
        FROM pg_catalog.unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
        LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum AND k.attnum <> 0) AS parts
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid JOIN pg_catalog.pg_am m ON m.oid = i.relam
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND NOT x.indisprimary
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conindid = x.indexrelid AND c.contype IN ('p', 'u', 'x')) AND ",
    namespace_in_scope!("n")
);

#[derive(Deserialize)]
struct Part {
    column: Option<String>,
    text: String,
    carried: bool,
}

pub(super) fn add(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let Some(table) = draft.table(&table_name(row, "table_schema", "table_name")?) else {
            continue;
        };
        let parts: Vec<Part> = json(row, "parts")?.unwrap_or_default();
        let (carried, parts): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.carried);
        let definition: String = row.try_get("", "definition")?;
        let mut index = Index::new(row.try_get::<String>("", "index_name")?, []);
        let modifiers = modifiers(&definition, &parts);
        index.parts = parts
            .into_iter()
            .zip(modifiers)
            .map(|(part, modifiers)| IndexPart {
                key: match part.column {
                    Some(column) => IndexKey::Column(ColumnName::new(column)),
                    None => {
                        let text = without_parentheses(Backend::Postgres, &part.text);
                        IndexKey::Expression(text.to_owned())
                    }
                },
                modifiers,
            })
            .collect();
        index.include = carried
            .into_iter()
            .filter_map(|part| part.column)
            .map(ColumnName::new)
            .collect();
        index.unique = row.try_get("", "is_unique")?;
        index.method = Some(row.try_get("", "method")?).filter(|method: &String| method != "btree");
        let predicate: Option<String> = row.try_get("", "predicate")?;
        index.predicate = predicate.map(|text| without_parentheses(Backend::Postgres, &text).to_owned());
        index.nulls_not_distinct = row.try_get("", "nulls_not_distinct")?;
        index.invalid = row.try_get("", "is_invalid")?;
        table.indexes.push(index);
    }
    Ok(())
}

/// What follows each part in the statement that would make the index: collation, operator class, order. The server writes them only
/// where they are not the default.
fn modifiers(definition: &str, parts: &[Part]) -> Vec<String> {
    let definition = tokens(Backend::Postgres, definition);
    let using = definition.iter().position(|token| token.is_word("USING"));
    // After USING come the method's name and the list.
    let list = using
        .and_then(|at| group(definition.get(at + 2..)?))
        .map(|(list, _)| between_commas(list))
        .unwrap_or_default();
    let after = |(at, part): (usize, &Part)| {
        let part_length = tokens(Backend::Postgres, &part.text).len();
        list.get(at).and_then(|whole| whole.get(part_length..)).map(joined)
    };
    parts
        .iter()
        .enumerate()
        .map(|part| after(part).unwrap_or_default())
        .collect()
}
