//! A graph as SQL and as an overlay file; and what a database has afterwards.

use anyhow::Result;
use sea_orm::{ConnectionTrait, Statement, Value};
use sea_orm_cascade::delete::{RawCondition, Roots};
use sea_orm_cascade::name::ColumnName;
use sea_orm_cascade::overlay::Overlay;
use sea_orm_cascade::schema::Action;
use sea_orm_cascade::{Backend, Store};

use super::model::{Cell, Graph, Key, Kind, Row, Test, Which};

/// The statements that make the tables, with their rows and constraints.
pub(crate) fn script(graph: &Graph, backend: Backend) -> Vec<String> {
    let mut statements = Vec::new();
    for (number, table) in graph.tables.iter().enumerate() {
        let mut lines: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let data_type = match (column.kind, backend) {
                    (Kind::Int, Backend::MySql) => "int",
                    (Kind::Int, Backend::Postgres | Backend::Sqlite) => "integer",
                    (Kind::Text, Backend::MySql) => "varchar(20)",
                    (Kind::Text, Backend::Postgres | Backend::Sqlite) => "text",
                };
                let required = if column.nullable { "" } else { " NOT NULL" };
                let default = column.default.as_ref();
                let default = default.map_or_else(String::new, |cell| format!(" DEFAULT {cell}"));
                format!("{} {data_type}{required}{default}", column.name)
            })
            .collect();
        for (place, columns) in table.unique.iter().enumerate() {
            let what = if place == 0 { "PRIMARY KEY" } else { "UNIQUE" };
            lines.push(format!("{what} ({})", graph.names(number, columns).join(", ")));
        }
        if backend != Backend::Postgres {
            lines.extend(
                constraints(graph)
                    .filter(|(table, _)| *table == number)
                    .map(|(_, text)| text),
            );
        }
        statements.push(format!("CREATE TABLE {} ({})", table.name, lines.join(", ")));
    }
    statements.extend(inserts(graph));
    if backend == Backend::Postgres {
        statements.extend(added(graph));
    }
    statements
}

fn added(graph: &Graph) -> impl Iterator<Item = String> {
    constraints(graph).map(|(table, text)| format!("ALTER TABLE {} ADD {text}", graph.tables[table].name))
}

fn inserts(graph: &Graph) -> impl Iterator<Item = String> {
    graph.tables.iter().filter(|table| !table.rows.is_empty()).map(|table| {
        let rows: Vec<String> = table
            .rows
            .iter()
            .map(|row| format!("({})", row.iter().map(Cell::to_string).collect::<Vec<_>>().join(", ")))
            .collect();
        format!("INSERT INTO {} VALUES {}", table.name, rows.join(", "))
    })
}

fn constraints(graph: &Graph) -> impl Iterator<Item = (usize, String)> {
    graph.keys.iter().enumerate().filter_map(|(number, key)| {
        let (action, subset) = key.constraint.as_ref()?;
        let subset = match subset.as_slice() {
            [] => String::new(),
            some => format!(" ({})", graph.names(key.table, some).join(", ")),
        };
        let text = format!(
            "CONSTRAINT f{number} FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {action}{subset}",
            graph.names(key.table, &key.columns).join(", "),
            graph.tables[key.referenced].name,
            graph.names(key.referenced, &key.referenced_columns).join(", "),
        );
        Some((key.table, text))
    })
}

/// Makes the graph's tables the only ones.
pub(crate) async fn make(store: &Store, graph: &Graph) -> Result<()> {
    let backend = store.backend();
    let names: Vec<_> = (0..8).map(|number| format!("t{number}")).collect();
    let drop = match backend {
        Backend::Postgres => vec![format!("DROP TABLE IF EXISTS {} CASCADE", names.join(", "))],
        Backend::MySql => vec![format!("DROP TABLE IF EXISTS {}", names.join(", "))],
        Backend::Sqlite => names
            .iter()
            .map(|name| format!("DROP TABLE IF EXISTS {name}"))
            .collect(),
    };
    run(store, drop.into_iter().chain(script(graph, backend))).await
}

/// Puts the rows back as they were.
pub(crate) async fn refill(store: &Store, graph: &Graph) -> Result<()> {
    let clear = graph.tables.iter().map(|table| format!("DELETE FROM {}", table.name));
    let fill = clear.chain(inserts(graph));
    match store.backend() {
        // Not every role may switch the checks off.
        Backend::Postgres => {
            let dropped = graph
                .keys
                .iter()
                .enumerate()
                .filter(|(_, key)| key.constraint.is_some());
            let dropped = dropped
                .map(|(number, key)| format!("ALTER TABLE {} DROP CONSTRAINT f{number}", graph.tables[key.table].name));
            run(store, dropped.chain(fill).chain(added(graph))).await
        }
        Backend::MySql | Backend::Sqlite => {
            let begin = ["BEGIN".to_owned()].into_iter();
            run(store, begin.chain(fill).chain(["COMMIT".to_owned()])).await
        }
    }
}

/// Runs statements whose rows may reference each other in circles: the checks are off, or come last.
async fn run(store: &Store, statements: impl Iterator<Item = String>) -> Result<()> {
    let (off, on) = match store.backend() {
        // Tables nobody has analysed are taken for large, and compiling a statement for them takes longer than all the rest.
        Backend::Postgres => (
            "SET client_min_messages = warning; SET jit = off; SET synchronous_commit = off",
            "SELECT 1",
        ),
        Backend::MySql => ("SET foreign_key_checks = 0", "SET foreign_key_checks = 1"),
        Backend::Sqlite => ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
    };
    let text: Vec<String> = std::iter::once(off.to_owned())
        .chain(statements)
        .chain([on.to_owned()])
        .collect();
    store.connection().execute_unprepared(&text.join(";\n")).await?;
    Ok(())
}

/// The keys that the database has not, or otherwise.
pub(crate) fn overlay(graph: &Graph) -> Result<Overlay> {
    let differs = |key: &&Key| key.constraint.as_ref() != Some(&(key.action, key.subset.clone()));
    let quoted = |names: Vec<&str>| {
        names
            .iter()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let entries = graph.keys.iter().filter(differs).map(|key| {
        let action = match key.action {
            Action::DoNothing => "do_nothing".to_owned(),
            other => other.to_string().replace(' ', "_"),
        };
        let mut text = format!(
            "[[foreign_key]]\ntable = {:?}\ncolumns = [{}]\nreferences = {{ table = {:?}, columns = [{}] }}\non_delete = {action:?}\n",
            graph.tables[key.table].name,
            quoted(graph.names(key.table, &key.columns)),
            graph.tables[key.referenced].name,
            quoted(graph.names(key.referenced, &key.referenced_columns)),
        );
        if !key.subset.is_empty() {
            text += &format!("on_delete_columns = [{}]\n", quoted(graph.names(key.table, &key.subset)));
        }
        if !key.values.is_empty() {
            let values: Vec<_> = key.values.iter().map(|value| format!("{:?}", plain(value))).collect();
            text += &format!("on_delete_values = [{}]\n", values.join(", "));
        }
        text
    });
    Ok(Overlay::parse(&entries.collect::<String>())?)
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Int(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
    }
}

pub(crate) fn roots(graph: &Graph) -> Roots {
    let table = graph.tables[graph.root].name.as_str();
    match &graph.which {
        Which::Keys(columns, keys) => {
            let columns = graph.names(graph.root, columns).into_iter().map(ColumnName::new);
            let value = |cell: &Cell| match cell {
                Cell::Null => Value::BigInt(None),
                Cell::Int(number) => Value::from(*number),
                Cell::Text(text) => Value::from(text.as_str()),
            };
            Roots::keys_of(table, columns, keys.iter().map(|key| key.iter().map(value).collect()))
        }
        Which::Condition(_) => Roots::matching(table, RawCondition::new(condition(graph))),
    }
}

/// The roots as a condition in SQL.
pub(crate) fn condition(graph: &Graph) -> String {
    let parts: Vec<String> = match &graph.which {
        Which::Keys(columns, keys) => {
            let columns = match columns.as_slice() {
                [] => &graph.tables[graph.root].unique[0],
                named => named,
            };
            let one = |key: &Row| {
                let parts: Vec<_> = columns
                    .iter()
                    .zip(key)
                    .map(|(column, cell)| format!("{} = {cell}", graph.name(graph.root, *column)))
                    .collect();
                format!("({})", parts.join(" AND "))
            };
            keys.iter().map(one).collect()
        }
        Which::Condition(tests) => tests
            .iter()
            .map(|(column, test, cell)| {
                let name = graph.name(graph.root, *column);
                match test {
                    Test::AtMost => format!("{name} <= {cell}"),
                    Test::Equal => format!("{name} = {cell}"),
                    Test::IsNull => format!("{name} IS NULL"),
                }
            })
            .collect(),
    };
    match parts.as_slice() {
        [] => "1 = 0".to_owned(),
        parts => parts.join(" OR "),
    }
}

/// The rows of every table, as the database has them now, sorted.
pub(crate) async fn read(store: &Store, graph: &Graph) -> Result<Vec<Vec<Row>>> {
    let widest = graph.tables.iter().map(|table| table.columns.len()).max().unwrap_or(0);
    let text = match store.backend() {
        Backend::MySql => "char",
        Backend::Postgres | Backend::Sqlite => "text",
    };
    let selects = graph.tables.iter().enumerate().map(|(number, table)| {
        let cells: Vec<_> = (0..widest)
            .map(|place| table.columns.get(place).map_or("NULL", |column| &column.name))
            .map(|name| format!("CAST({name} AS {text})"))
            .collect();
        format!("SELECT '{number}', {} FROM {}", cells.join(", "), table.name)
    });
    let sql = selects.collect::<Vec<_>>().join(" UNION ALL ");
    let found = store
        .connection()
        .query_all_raw(Statement::from_string(store.backend().into(), sql))
        .await?;
    let mut tables = vec![Vec::new(); graph.tables.len()];
    for row in found {
        let number: usize = row.try_get_by_index::<String>(0)?.parse()?;
        let columns = &graph.tables[number].columns;
        let cells: Result<Row> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let text: Option<String> = row.try_get_by_index(place + 1)?;
                Ok(match (text, column.kind) {
                    (None, _) => Cell::Null,
                    (Some(text), Kind::Int) => Cell::Int(text.parse()?),
                    (Some(text), Kind::Text) => Cell::Text(text),
                })
            })
            .collect();
        tables[number].push(cells?);
    }
    tables.iter_mut().for_each(|rows| rows.sort());
    Ok(tables)
}

pub(crate) fn sorted(mut tables: Vec<Vec<Row>>) -> Vec<Vec<Row>> {
    tables.iter_mut().for_each(|rows| rows.sort());
    tables
}
