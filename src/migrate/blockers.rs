//! Who may be in the way of a lock.

use sea_orm::{ConnectionTrait, QueryResult, Statement};

use super::situation::Situation;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl::table_name;
use crate::name::TableName;

/// PostgreSQL tells who holds locks on the two tables; MySQL only which transactions are open, those in this database first, and to those
/// who may know. Nobody's statement is shown, since it may hold values. What cannot be found out is no reason to fail.
pub(super) async fn blockers(connection: &Connection, situation: &Situation) -> Vec<String> {
    let relation = &situation.key.relation;
    holders(connection, &[&relation.table, &relation.referenced_table]).await
}

/// The same for any tables.
pub(super) async fn holders(connection: &Connection, tables: &[&TableName]) -> Vec<String> {
    let places: Vec<_> = (1..=tables.len())
        .map(|place| format!("to_regclass(${place})"))
        .collect();
    let places = places.join(", ");
    let (sql, values) = match connection.backend() {
        Backend::Postgres => (
            format!("SELECT 'process ' || a.pid || ', ' || COALESCE(a.usename, '?') || COALESCE(NULLIF(' in ' || a.application_name, ' in '), '') \
             || ', ' || COALESCE(a.state, '?') || ', ' || MAX(l.mode) || ' for ' \
             || COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start)::bigint, 0) || ' s' \
             FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
             WHERE l.relation IN ({places}) AND l.granted AND l.pid <> pg_backend_pid() \
             GROUP BY a.pid, a.usename, a.application_name, a.state, a.xact_start ORDER BY a.xact_start LIMIT 5"),
            tables
                .iter()
                .map(|name| table_name(Backend::Postgres, name).into())
                .collect(),
        ),
        Backend::MySql => (
            "SELECT CONCAT('thread ', t.trx_mysql_thread_id, ', ', COALESCE(p.user, '?'), ', a transaction open for ', \
             TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), ' s') \
             FROM information_schema.innodb_trx t LEFT JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
             WHERE t.trx_mysql_thread_id <> CONNECTION_ID() ORDER BY COALESCE(p.db = DATABASE(), 0) DESC, t.trx_started LIMIT 5"
                .to_owned(),
            Vec::new(),
        ),
        Backend::Sqlite => return Vec::new(),
    };
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let rows = connection.query_all_raw(statement).await.unwrap_or_default();
    let text = |row: &QueryResult| row.try_get_by_index::<Option<String>>(0).ok().flatten();
    rows.iter().filter_map(text).collect()
}
