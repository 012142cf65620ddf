//! All there is in a database, as text: what two runs have left is compared by it. In SQL of the tests' own.

use anyhow::Result;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_cascade::{Backend, Store};

use crate::harness::number;

/// The first column of each row.
pub(crate) async fn texts(store: &Store, sql: &str) -> Result<Vec<String>> {
    let statement = Statement::from_string(store.backend().into(), sql);
    let rows = store.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// Tables, columns, indexes, constraints, triggers, functions; on SQLite with what they were made by.
pub(crate) async fn catalog(store: &Store) -> Result<Vec<String>> {
    let sql = match store.backend() {
        Backend::Postgres => {
            "SELECT concat_ws(' ', 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
             pg_get_expr(d.adbin, d.adrelid)) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
             LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum) \
             WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)') AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
             UNION ALL SELECT concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid) FROM pg_index i \
             JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)') \
             UNION ALL SELECT concat_ws(' ', 'constraint', conname, conrelid::regclass, pg_get_constraintdef(oid), convalidated) \
             FROM pg_constraint WHERE connamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)') \
             UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT tgisinternal \
             UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)') ORDER BY 1"
        }
        Backend::MySql => {
            "SELECT CONCAT_WS(' ', 'column', table_name, column_name, column_type, is_nullable, column_default, extra) \
             FROM information_schema.columns WHERE table_schema = DATABASE() \
             UNION ALL SELECT CONCAT_WS(' ', 'index', table_name, index_name, seq_in_index, column_name, non_unique) \
             FROM information_schema.statistics WHERE table_schema = DATABASE() \
             UNION ALL SELECT CONCAT_WS(' ', 'key', k.constraint_name, k.table_name, k.column_name, k.referenced_table_name, \
             k.referenced_column_name, r.delete_rule, r.update_rule) FROM information_schema.key_column_usage k \
             LEFT JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema \
             AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name WHERE k.constraint_schema = DATABASE() \
             UNION ALL SELECT CONCAT_WS(' ', 'trigger', trigger_name, action_timing, event_manipulation, action_statement) \
             FROM information_schema.triggers WHERE trigger_schema = DATABASE() \
             UNION ALL SELECT CONCAT_WS(' ', 'check', table_name, constraint_name, check_clause) \
             FROM information_schema.check_constraints WHERE constraint_schema = DATABASE() ORDER BY 1"
        }
        Backend::Sqlite => "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_master ORDER BY 1",
    };
    let mut lines = texts(store, sql).await?;
    if store.backend() == Backend::Sqlite {
        // A table that was built anew has its name in quotes.
        for line in &mut lines {
            *line = line.replace('"', "");
        }
    }
    Ok(lines)
}

/// The catalog, the rows of posts, and what the ledger says but for when.
pub(crate) async fn everything(store: &Store) -> Result<Vec<String>> {
    let (ledger, rows) = match store.backend() {
        Backend::Postgres => (
            "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('cascade_ledger')",
            "SELECT to_jsonb(p)::text FROM posts p ORDER BY id",
        ),
        Backend::MySql => (
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'cascade_ledger'",
            "SELECT CONCAT_WS(' ', id, title) FROM posts ORDER BY id",
        ),
        Backend::Sqlite => (
            "SELECT COUNT(*) FROM sqlite_master WHERE name = 'cascade_ledger'",
            "SELECT id || ' ' || title FROM posts ORDER BY id",
        ),
    };
    let mut all = catalog(store).await?;
    if number(store, ledger).await? > 0 {
        for entry in texts(store, "SELECT entry FROM cascade_ledger ORDER BY name").await? {
            // When it was proved is different each time; that it was is not.
            let (what, when) = entry.split_once("\"proved_at\":").unwrap_or((&entry, ""));
            all.push(format!("{what} proved: {}", !when.starts_with("null")));
        }
    }
    all.extend(texts(store, rows).await?);
    Ok(all)
}

/// What the first has and the second has not, and the other way round.
pub(crate) fn difference(ours: &[String], theirs: &[String]) -> String {
    let only = |these: &[String], those: &[String]| {
        let only = these.iter().filter(|line| !those.contains(line));
        only.map(|line| format!("\n  {line}")).collect::<String>()
    };
    format!("only here:{}\nonly there:{}", only(ours, theirs), only(theirs, ours))
}
